/** `/console` over HTTP: who sees what, what a form may do, and what remains of the page when a part of it fails. */
import escape from "lodash/escape";
import { account, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";
import { update } from "../unit/storage/builders";
import { queryOf, send as sendAnything, type Answer, type Sent } from "./asking";
import { login, partOf, send, tokenIn } from "./console-pages";
import { CONNECTOR, NOBODY, openEdge, OTHER, REMOTE_PARTS, type Edge } from "./edge";

describe("at the edge", () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdge();
  });
  afterEach(async () => {
    expect(edge.logged()).not.toContain(CONNECTOR.secret);
    await edge.close();
  });

  const address = (path = ""): string => `/console${path}?org=${encodeURIComponent(edge.organization)}`;
  const see = (path: string, sent: Sent = { headers: login() }): Promise<Answer> => send(edge.baseUrl, path, sent);
  const open = (path = "", owner = CONNECTOR): Promise<Answer> => see(address(path), { headers: login(owner) });

  function post(path: string, token: string | undefined, owner = CONNECTOR, headers: Record<string, string> = {}) {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const body = token === undefined ? "" : `token=${token}`;
    return see(address(path), { method: "POST", body, headers: { ...form, ...login(owner), ...headers } });
  }

  const lettersLeft = async (): Promise<number> => (await edge.store.deadLetters({ limit: 10 })).deadLetters.length;

  test("without an organization there is a form that asks for it, for everybody", async () => {
    for (const query of ["", "?org="]) {
      const answer = await see(`/console${query}`, {});
      expect(answer.status).toBe(200);
      expect(answer.text).toMatch(/<form[^>]* method="get" action="\/console"/);
      expect(answer.text).toMatch(/<input[^>]* name="org"/);
      expect(answer.text).not.toContain(edge.organization);
    }
  });

  test.each([
    ["two of them", "org=a&org=b", 400, "is given more than once"],
    ["an organization that does not answer", `org=${NOBODY}`, 503, "could not be asked"],
  ])("%s is refused with a page", async (_what, query, status, words) => {
    const answer = await see(`/console?${query}`);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(words);
  });

  test.each([
    ["no address", "Acme & Sons", 400, "This is not the address of an organization. Use your"],
    ["Hull's dashboard", "https://dashboard.hullapp.io/super", 400, "This is the address of Hull&#39;s dashboard"],
    ["markup", `"><b>x`, 400, "This is not the address of an organization. Use your"],
    ["an organization that is not allowed", "evil.example", 403, "ask those who run this server to allow it"],
  ])("%s gets a sentence with an example beside the box, which keeps it", async (_what, typed, status, words) => {
    const answer = await see(`/console?${queryOf({ org: typed })}`);
    expect(answer.status).toBe(status);
    const [, problem = ""] =
      /<p class="trouble" id="organization-problem" role="alert">([^<]*)</.exec(answer.text) ?? [];
    expect(problem).toContain(words);
    expect(problem).toContain("such as acme.hullapp.io");
    const [box = ""] = /<input[^>]*name="org"[^>]*>/s.exec(answer.text) ?? [];
    expect(box).toContain(`value="${escape(typed)}"`);
    expect(box).toMatch(/aria-invalid="true"[^>]*aria-describedby="organization-problem /);
    // The value stands in its box alone.
    expect(answer.text.replace(box, "")).not.toContain(escape(typed));
  });

  test("a pasted address opens the console that its host name opens", async () => {
    for (const typed of [`http://${edge.organization}/`, `  ${edge.organization.toUpperCase()}/users?q=a#b `]) {
      const answer = await see(`/console?${queryOf({ org: typed })}`);
      expect([typed, answer.status]).toEqual([typed, 200]);
      // Its links have the host name alone.
      expect(answer.text).toContain(`<h1 class="hidden">Console of ${edge.organization}</h1>`);
      expect(answer.text).toContain(`href="/console?org=${encodeURIComponent(edge.organization)}"`);
    }
  });

  test.each(["", "/letters", "/letters/replay", "/letters/x", "/runs", "/runs/x"])(
    "nobody sees anything of /console%s without the right log-in",
    async (path) => {
      for (const headers of [{}, login({ ...CONNECTOR, secret: "wrong" }), { authorization: "Bearer x" }]) {
        const answer = await see(address(path), { headers });
        expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
          401,
          expect.stringContaining('Basic realm="Hull connector"') as string,
        ]);
        expect(answer.text).not.toContain("Backlog");
      }
    },
  );

  test.each([
    ["after=x", "after is not a place in the list"],
    ["after=a&after=b", "after is given more than once"],
    ["done=%3Cb%3Ehello", "done is not a code of this page"],
    ["refresh=9", "refresh must be a whole number from 10 to 300"],
    ["refresh=soon", "refresh must be a whole number from 10 to 300"],
    [`q=${"a".repeat(201)}`, "q is longer than 200 characters"],
    ["q=a&q=b", "q is given more than once"],
  ])("a query that cannot be read is named: %.30s", async (query, words) => {
    const answer = await see(`${address()}&${query}`);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(words);
    expect(answer.text).not.toContain("hello");
  });

  test.each([
    ["", "GET, HEAD"],
    ["/page.css", "GET, HEAD"],
    ["/letters/x", "GET, HEAD"],
    ["/letters/x/replay", "POST"],
    ["/letters/x/drop", "POST"],
    ["/letters", "GET, HEAD"],
    ["/letters/replay", "GET, HEAD, POST"],
    ["/runs", "GET, HEAD"],
    ["/runs/x", "GET, HEAD"],
    ["/runs/x/stop", "POST"],
    ["/fetch/users", "POST"],
    ["/fetch/accounts/dry-run", "POST"],
    ["/logout", "GET, HEAD"],
  ])("/console%s takes %s only", async (path, allowed) => {
    const other = allowed === "POST" ? "GET" : "POST";
    for (const method of ["PUT", "PATCH", "DELETE", ...(allowed.includes(other) ? [] : [other])]) {
      const answer = await see(address(path), { method, headers: login() });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, allowed]);
    }
    const head = await sendAnything(edge.baseUrl, address(path), { method: "HEAD", headers: login() });
    const found = path === "/logout" ? 401 : /\/x$/.test(path) ? 404 : 200;
    expect(head.status).toBe(allowed === "POST" ? 405 : found);
  });

  test("a path with a % that begins no character is refused with a page", async () => {
    expect((await see("/console/letters/%zz", {})).status).toBe(400);
  });

  test("the style sheet is for everybody, and nothing else of its folder", async () => {
    const style = await sendAnything(edge.baseUrl, "/console/page.css");
    expect([style.status, style.headers.get("content-type")]).toEqual([200, "text/css; charset=utf-8"]);
    expect(style.text).not.toMatch(/@import|url\(/);
    for (const path of ["index.html", "..%2fdocs%2fpage.js"]) {
      expect((await sendAnything(edge.baseUrl, `/console/${path}`)).status).toBe(404);
    }
  });

  test("parts that fail say so, and the others stand", async () => {
    await edge.refuse("a1");
    const answer = await open();
    expect(answer.status).toBe(200);
    // The engine of the edge answers nothing.
    expect(partOf(answer, "status")).toContain("This part cannot be shown");
    expect(partOf(answer, "outcomes")).toContain("refused");
    expect(partOf(answer, "runs")).toContain("no runs lately");
    expect(partOf(answer, "letters")).toMatch(/\ba1\b/);
    expect(answer.text).not.toContain("what these routes do not need");
    expect(edge.logged()).toContain("connector.console.error");
  });

  test("a store that fails takes its parts along, and no more", async () => {
    await edge.refuse("a1");
    const broken = jest.spyOn(edge.store, "hours").mockRejectedValue(new Error("The disk is gone."));
    const answer = await open();
    broken.mockRestore();
    expect(partOf(answer, "outcomes")).toContain("This part cannot be shown");
    expect(answer.text).not.toContain("The disk is gone");
    expect(edge.logged()).toContain("The disk is gone");
    expect(partOf(answer, "letters")).toMatch(/\ba1\b/);
  });

  test("a connector sees its own letters only", async () => {
    const own = await edge.refuse("a1");
    // A name that no id and no token has in it by chance.
    const foreign = await edge.refuse("somebody-else", { owner: OTHER });
    const list = await open();
    expect(list.text).toContain(own);
    expect(list.text).not.toMatch(new RegExp(`${foreign}|somebody-else|${REMOTE_PARTS.source}`));
    expect((await open(`/letters/${own}`)).status).toBe(200);
    for (const id of [foreign, "unknown", "%20", "a".repeat(300)]) {
      const answer = await open(`/letters/${id}`);
      expect([answer.status, answer.text.includes("no such dead letter")]).toEqual([404, true]);
    }
  });

  test("the list goes on behind its first page", async () => {
    for (let n = 0; n < 21; n += 1) await edge.refuse(`a${String(n).padStart(2, "0")}`);
    const first = await open();
    expect(partOf(first, "letters")).toMatch(/\ba00\b.*\ba19\b/);
    expect(partOf(first, "letters")).not.toMatch(/\ba20\b|First page/);
    const [, next = ""] = /rel="next"\s+href="([^"]+)"/.exec(first.text) ?? [];
    const second = await see(next.replaceAll("&amp;", "&"));
    expect(partOf(second, "letters")).toMatch(/\ba20\b.*First page/);
    expect(partOf(second, "letters")).not.toContain("Next page");
  });

  test("a letter is sent again, and dropped, by the forms of the page", async () => {
    const id = await edge.refuse("a1");
    const again = await post(`/letters/${id}/replay`, tokenIn(await open(), `/console/letters/${id}/replay`));
    const back = `/console?org=${encodeURIComponent(edge.organization)}&done=`;
    expect([again.status, again.headers.get("location")]).toEqual([303, `${back}replayed#letters`]);
    expect(edge.woken).toEqual([edge.laneOf(CONNECTOR)]);
    // The second click finds it on its way.
    const twice = await post(`/letters/${id}/replay`, tokenIn(await open(), `/console/letters/${id}/replay`));
    expect(twice.headers.get("location")).toBe(`${back}underway#letters`);

    const dropping = tokenIn(await open(`/letters/${id}`), `/console/letters/${id}/drop`);
    const dropped = await post(`/letters/${id}/drop`, dropping);
    expect([dropped.status, dropped.headers.get("location")]).toEqual([303, `${back}dropped#letters`]);
    expect(await lettersLeft()).toBe(0);
    const done = await see(`${back}dropped`);
    expect(done.text).toMatch(/role="status"[^>]*>\s*The dead letter was dropped\./);
    expect((await post(`/letters/${id}/drop`, dropping)).status).toBe(404);
    expect((await post(`/letters/${id}/drop`, dropping)).text).toContain("no such dead letter");
  });

  test("a letter that Hull has overtaken is closed", async () => {
    const id = await edge.refuse("a1");
    const token = tokenIn(await open(), `/console/letters/${id}/replay`);
    await edge.store.accept([
      update({ hullId: "a1", id: "c-new", lane: edge.laneOf(CONNECTOR), version: Date.parse("2026-03-01T06:00:00Z") }),
    ]);
    const answer = await post(`/letters/${id}/replay`, token);
    expect(answer.headers.get("location")).toContain("done=superseded");
  });

  describe("a form that is not ours does nothing:", () => {
    test("without a token, with a wrong one, with that of another letter or action, or of another connector", async () => {
      const id = await edge.refuse("a1");
      const other = await edge.refuse("a2");
      const foreign = await edge.refuse("b1", { owner: OTHER });
      const page = await open();
      const tokens = [
        undefined,
        "",
        "A".repeat(43),
        tokenIn(page, `/console/letters/${other}/replay`),
        tokenIn(await open(`/letters/${id}`), `/console/letters/${id}/drop`),
        tokenIn(await open("", OTHER), `/console/letters/${foreign}/replay`),
      ];
      expect(tokens.slice(3).every((token) => token?.length === 43)).toBe(true);
      for (const token of tokens) {
        const answer = await post(`/letters/${id}/replay`, token);
        expect([token, answer.status]).toEqual([token, 403]);
        expect(answer.text).toContain("Nothing was done");
      }
      expect(edge.woken).toEqual([]);
      expect((await post(`/letters/${id}/drop`, undefined)).status).toBe(403);
      expect(await lettersLeft()).toBe(3);
    });

    test("with the right token and another's log-in, or none", async () => {
      const id = await edge.refuse("a1");
      const token = tokenIn(await open(), `/console/letters/${id}/replay`);
      expect((await post(`/letters/${id}/replay`, token, OTHER)).status).toBe(403);
      const nobody = { method: "POST", body: `token=${token}` };
      expect((await see(address(`/letters/${id}/replay`), nobody)).status).toBe(401);
      expect(edge.woken).toEqual([]);
    });

    test("of somebody else's letter, even with a form of one's own making", async () => {
      const foreign = await edge.refuse("b1", { owner: OTHER });
      const token = tokenIn(await open("", OTHER), `/console/letters/${foreign}/replay`);
      expect((await post(`/letters/${foreign}/replay`, token)).status).toBe(403);
      expect(await lettersLeft()).toBe(1);
    });

    test("sent by a page of another site", async () => {
      const id = await edge.refuse("a1");
      const token = tokenIn(await open(), `/console/letters/${id}/replay`);
      for (const headers of [
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { origin: "https://evil.example" },
        { origin: "null" },
      ] as readonly Record<string, string>[]) {
        const answer = await post(`/letters/${id}/replay`, token, CONNECTOR, headers);
        expect([answer.status, answer.text.includes("another site")]).toEqual([403, true]);
      }
      expect(edge.woken).toEqual([]);
    });

    test("too large, or no form at all", async () => {
      const id = await edge.refuse("a1");
      const token = tokenIn(await open(), `/console/letters/${id}/replay`);
      const bodies: readonly [string, string][] = [
        ["application/x-www-form-urlencoded", `token=${token}&more=${"a".repeat(5_000)}`],
        ["application/x-www-form-urlencoded", `token=${token}&token=${token}`],
        ["application/json", JSON.stringify({ token })],
        ["text/plain", `token=${token}`],
      ];
      for (const [type, body] of bodies) {
        const headers = { ...login(), "content-type": type };
        expect((await see(address(`/letters/${id}/replay`), { method: "POST", body, headers })).status).toBe(403);
      }
      expect(edge.woken).toEqual([]);
    });
  });
});

describe("with the engine behind it", () => {
  const openStage = useFixtures();

  const open = ({ baseUrl, hull }: Fixture, query: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    send(baseUrl, `/console?${queryOf({ org: hull.host, ...query })}`, { headers: login() });

  test("a connector that was installed just now has a page without anything on it", async () => {
    const fixture = await openStage();
    const answer = await open(fixture);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toMatch(/cannot be shown|not ready in time/);
    expect(partOf(answer, "outcomes")).toContain("No message from Hull");
    expect(partOf(answer, "letters")).toContain("Nothing was refused for good");
    for (const secret of [CONNECTOR.secret, TOKEN]) expect(answer.text).not.toContain(secret);
  });

  test("a connector without a token is told what to set up", async () => {
    const fixture = await openStage({ settings: { personal_acccess_token: "" } });
    const answer = await open(fixture);
    expect(partOf(answer, "status")).toContain("Setup required");
    expect(partOf(answer, "backlog")).toContain("has not been asked since the start");
  });

  test("what waits, what was asked and what ended shows up", async () => {
    const fixture = await openStage();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    const answer = await open(fixture);
    expect(partOf(answer, "outcomes")).toMatch(/sent 1 .*created endusers/);
    expect(partOf(answer, "backlog")).toMatch(/Requests left 1\d\d of 200 a minute/);
  });

  test("a person and a company are found by whatever names them", async () => {
    const fixture = await openStage();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.tellAccount(account(1));
    await fixture.settled();
    for (const [q, by, words] of [
      ["person-1@example.com", "e-mail address", "It is linked to endusers"],
      [user(1).id, "Hull id", "It is linked to endusers"],
      ["person-1", "external id", "It is linked to endusers"],
      [" acme-1 ", "external id", "It is linked to companies"],
      ["acme-1.example.com", "domain", "It is linked to companies"],
      ["nobody@example.com", "e-mail address", "Nothing is known under this name"],
    ] as const) {
      const answer = partOf(await open(fixture, { q }), "explain");
      expect([q, answer]).toEqual([q, expect.stringContaining(`as ${by}.`)]);
      expect([q, answer]).toEqual([q, expect.stringContaining(words)]);
    }
    const wrote = fixture.calls.filter(({ method }) => method !== "GET").length;
    await open(fixture, { q: "person-1" });
    expect(fixture.calls.filter(({ method }) => method !== "GET")).toHaveLength(wrote);
  });
});
