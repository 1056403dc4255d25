/** A person grants access in a browser: what leads there and back, and everything that must lead nowhere. */
import { buildAccountMessage } from "../../simulators/hull";
import { account, useFixtures, type Fixture } from "../fixture/fixture";
import { BENEFITS, usePlangrade } from "../fixture/plangrade";
import { Ledger, ledgerService } from "../fixture/services/ledger";
import { basic, queryOf, send, type Answer, type Sent } from "./asking";

const BOOKS = { id: "5f00000000000000000000b1", secret: "ledger-secret-0000001" };
const OTHERS = { id: "5f00000000000000000000b2", secret: "ledger-secret-0000002" };
const ADA = { id: "7", name: "Ada Hale" };
const BEN = { id: "8", name: "Ben Ode" };

const open = useFixtures();
let fixture: Fixture;
let ledger: Ledger;

beforeEach(async () => {
  ledger = new Ledger();
  fixture = await open({ services: [ledgerService(ledger)] });
  for (const each of [BOOKS, OTHERS]) fixture.hull.addConnector({ ...each, privateSettings: { book: each.id } });
});

const linked = ({ id, secret } = BOOKS): string => queryOf({ organization: fixture.hull.host, ship: id, secret });
const ask = (path: string, sent?: Sent): Promise<Answer> => send(fixture.baseUrl, `/ledger${path}`, sent);
const status = async (): Promise<unknown> => (await ask(`/status?${linked()}`)).body;

/** A browser: it keeps the one cookie. */
class Browser {
  cookie: string | undefined;

  /** @returns what the service's page was asked with */
  async begin(query = linked(), sent?: Sent): Promise<{ state: string; redirectUri: string; answer: Answer }> {
    const answer = await ask(`/authorize?${query}`, sent);
    this.cookie = answer.headers.get("set-cookie")?.split(";")[0];
    const asked = new URL(answer.headers.get("location") ?? "about:blank").searchParams;
    return { state: asked.get("state") ?? "", redirectUri: asked.get("redirect_uri") ?? "", answer };
  }

  back(query: Readonly<Record<string, string>>, sent: Sent = {}): Promise<Answer> {
    return ask(`/authorize/callback?${queryOf(query)}`, { ...sent, headers: this.headers() });
  }

  post(state: string): Promise<Answer> {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    return ask("/authorize/callback", {
      method: "POST",
      headers: { ...this.headers(), ...form },
      body: `state=${state}`,
    });
  }

  /** All the way, with a code for somebody's account. */
  async grant(whose: Ledger["account"], query?: string): Promise<Answer> {
    const { state } = await this.begin(query);
    const code = `code of ${whose?.id ?? "nobody"}`;
    ledger.codes.set(code, whose);
    return this.back({ state, code });
  }

  private headers(): Record<string, string> {
    return this.cookie === undefined ? {} : { cookie: `theme=dark; ${this.cookie}` };
  }
}

const formState = ({ text }: Answer): string => /name="state" value="([^"]+)"/.exec(text)?.[1] ?? "";
const accountInUse = async (): Promise<unknown> => {
  const text = await fixture.engine("ledger").grantOf(`ledger/${fixture.hull.host}/${BOOKS.id}`).read();
  return (JSON.parse(text ?? "{}") as { pair?: { account?: unknown } }).pair?.account;
};

test("the link leads to the service, and the browser gets a cookie for the way back alone", async () => {
  const { answer, redirectUri, state } = await new Browser().begin();
  expect(answer.status).toBe(302);
  expect(answer.headers.get("location")).toMatch(/^https:\/\/ledger\.example\/authorize\?/);
  expect(redirectUri).toBe(`${fixture.baseUrl}/ledger/authorize/callback`);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  expect(answer.headers.get("set-cookie")).toMatch(
    /^authorize=[\w-]{32}; Max-Age=600; Path=\/ledger\/authorize; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
  );
  // Nobody can read in it who it is for.
  expect(Buffer.from(state, "base64url").toString("latin1")).not.toContain(BOOKS.id);
});

test("what waits goes on once a person has accepted, and the page says whose account it is", async () => {
  const messages = [buildAccountMessage(account(1))];
  fixture.introduce(messages);
  const url = `${fixture.baseUrl}/ledger/smart-notifier`;
  await fixture.hull.send(url, { connectorId: BOOKS.id, channel: "account:update", messages, signed: false });
  expect(await status()).toMatchObject({
    status: "setupRequired",
    messages: expect.arrayContaining([
      expect.stringContaining(`Open /ledger/authorize?org=${encodeURIComponent(fixture.hull.host)} in a browser`),
    ]) as unknown,
  });

  const done = await new Browser().grant(ADA);
  expect(done.status).toBe(200);
  expect(done.text).toContain("Authorized");
  expect(done.text).toContain("as Ada Hale");
  await fixture.settled();
  expect(ledger.firms.size).toBe(1);
  expect(await status()).toMatchObject({ status: "ok" });
  const said = fixture.logs.filter(({ message }) => message === "connector.configuration.changed");
  expect(said.map(({ data }) => data?.["message"])).toEqual([expect.stringContaining("before any record was linked")]);
});

test("the log-in of the console leads there as well, and a browser without one is asked for it", async () => {
  const query = queryOf({ org: fixture.hull.host });
  const refused = await ask(`/authorize?${query}`);
  expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Basic")]);
  expect(refused.headers.get("content-type")).toContain("text/html");
  const { answer } = await new Browser().begin(query, { headers: { authorization: basic(BOOKS) } });
  expect(answer.status).toBe(302);
});

test("PUBLIC_URL is where the service sends people back to, over https with a cookie for https", async () => {
  fixture = await open({ services: [ledgerService(ledger)], environment: { PUBLIC_URL: "https://hull.example.com" } });
  fixture.hull.addConnector({ ...BOOKS, privateSettings: {} });
  const { redirectUri, answer } = await new Browser().begin();
  expect(redirectUri).toBe("https://hull.example.com/ledger/authorize/callback");
  expect(answer.headers.get("set-cookie")).toContain("; Secure");
});

describe("nothing is exchanged, and a page says why", () => {
  let browser: Browser;
  let state: string;
  beforeEach(async () => {
    browser = new Browser();
    ({ state } = await browser.begin());
    ledger.codes.set("good", ADA);
  });
  afterEach(async () => {
    expect(ledger.codes.has("good")).toBe(true);
    expect(await accountInUse()).toBeUndefined();
  });
  const expectRefused = (answer: Answer, status: number, code: string): void => {
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(`${status} ${code}`)]);
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  };

  test.each([
    ["no state", undefined, 400, "no_state"],
    ["a forged state", "e30", 400, "invalid_state"],
    ["a state in pieces", "AAAA.BBBB.CCCC", 400, "invalid_state"],
  ] as const)("for %s", async (_name, given, status, code) => {
    expectRefused(await browser.back({ code: "good", ...(given === undefined ? {} : { state: given }) }), status, code);
  });

  test("for a state that was altered", async () => {
    const altered = `${state.slice(0, 40)}${state[40] === "A" ? "B" : "A"}${state.slice(41)}`;
    expectRefused(await browser.back({ state: altered, code: "good" }), 400, "invalid_state");
  });

  test("for a browser without the cookie, with somebody else's, and for another connector's state", async () => {
    const other = new Browser();
    expectRefused(await other.back({ state, code: "good" }), 403, "other_browser");
    const foreign = await other.begin(linked(OTHERS));
    expectRefused(await other.back({ state, code: "good" }), 403, "other_browser");
    expectRefused(await browser.back({ state: foreign.state, code: "good" }), 403, "other_browser");
  });

  test("ten minutes later", async () => {
    fixture.advance(10);
    expectRefused(await browser.back({ state, code: "good" }), 400, "expired_state");
  });

  test("when the person said no, and the state does not serve again", async () => {
    const answer = await browser.back({ state, error: "access_denied" });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("(access_denied)")]);
    expectRefused(await browser.back({ state, code: "good" }), 400, "used_state");
  });

  test("when the service's own words are markup", async () => {
    const answer = await browser.back({ state, error: `<script>alert(1)</script>${"x".repeat(500)}` });
    expect(answer.text).toContain("(&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(answer.text).not.toContain("x".repeat(100));
  });

  test("when it comes without a code, or the service refuses the code", async () => {
    expect((await browser.back({ state })).text).toContain("(no_code)");
    const again = await browser.begin();
    const answer = await browser.back({ state: again.state, code: "bad" });
    expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("did not give access")]);
  });

  test("when somebody only looks whether the address is there", async () => {
    expect((await browser.back({ state, code: "good" }, { method: "HEAD" })).status).toBe(405);
  });

  test("after the connector was forgotten", async () => {
    await fixture.engine("ledger").forget(`ledger/${fixture.hull.host}/${BOOKS.id}`);
    expectRefused(await browser.back({ state, code: "good" }), 404, "unknown_connector");
  });
});

test("a state serves once, in whatever process", async () => {
  const browser = new Browser();
  const { state } = await browser.begin();
  ledger.codes.set("good", ADA);
  expect((await browser.back({ state, code: "good" })).status).toBe(200);
  await fixture.restart();
  ledger.codes.set("better", BEN);
  expect((await browser.back({ state, code: "better" })).text).toContain("400 used_state");
  expect(await accountInUse()).toEqual(ADA);
});

describe("another account than before", () => {
  let browser: Browser;
  let asked: Answer;
  beforeEach(async () => {
    browser = new Browser();
    await browser.grant(ADA);
    asked = await browser.grant(BEN);
  });

  test("is asked about, and not used until a person says that it is meant", async () => {
    expect(asked.text).toContain("the account Ada Hale of Ledger");
    expect(asked.text).toContain("the account Ben Ode");
    expect(await accountInUse()).toEqual(ADA);
    const done = await browser.post(formState(asked));
    expect(done.text).toContain("as Ben Ode");
    expect(await accountInUse()).toEqual(BEN);
    const { remote } = (await fixture.connector.store.tenant(`ledger/${fixture.hull.host}/${BOOKS.id}`)) ?? {};
    // Nothing was linked so far, so nothing had to be compared: the first message will find the other place.
    expect(remote).toContain("https://ledger.example");
  });

  test.each([
    ["without the cookie", () => new Browser().post(formState(asked)), 403],
    ["with a state of the other step", async () => browser.post((await browser.begin()).state), 400],
    ["with nothing", () => browser.post(""), 400],
  ] as const)("is not used by a form %s", async (_name, post, status) => {
    expect((await post()).status).toBe(status);
    expect(await accountInUse()).toEqual(ADA);
  });

  test("is not used ten minutes later, or after somebody authorized again", async () => {
    const second = new Browser();
    const later = formState(await second.grant(BEN));
    expect((await browser.post(formState(asked))).text).toContain("409 outdated_proposal");
    fixture.advance(10);
    expect((await second.post(later)).text).toContain("400 expired_state");
    expect(await accountInUse()).toEqual(ADA);
  });

  test("is not asked about when it is the same again", async () => {
    expect((await new Browser().grant(ADA)).text).toContain("as Ada Hale");
    expect((await browser.post(formState(asked))).text).toContain("409 outdated_proposal");
  });
});

test("nothing is written into another account because of what is known of the one before", async () => {
  await new Browser().grant(ADA);
  const messages = [buildAccountMessage(account(1)), buildAccountMessage(account(2))];
  fixture.introduce(messages);
  let isChosen = false;
  ledger.before = async (what) => {
    if (isChosen || !what.startsWith("create") || ledger.firms.size === 0) return;
    isChosen = true;
    const browser = new Browser();
    await browser.post(formState(await browser.grant(BEN)));
  };
  const url = `${fixture.baseUrl}/ledger/smart-notifier`;
  await fixture.hull.send(url, { connectorId: BOOKS.id, channel: "account:update", messages, signed: false });
  await fixture.settled();
  const [first, second] = ledger.calls.filter((call) => call.startsWith("create"));
  // The other account was looked at before anything was created there.
  expect(ledger.calls).toEqual(["find", first, "read", "find", second]);
  expect(ledger.firms.size).toBe(2);
});

test("a connector that is forgotten while the code is exchanged stays forgotten, and the page says so", async () => {
  const key = `ledger/${fixture.hull.host}/${BOOKS.id}`;
  ledger.before = async () => {
    await fixture.engine("ledger").forget(key);
  };
  const answer = await new Browser().grant(ADA);
  expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("404 unknown_connector")]);
  expect(await fixture.connector.store.grant(key)).toBeUndefined();
});

test("what was granted is forgotten by a call of its own, and everything waits again", async () => {
  await new Browser().grant(ADA);
  const revoke = () => ask(`/authorize?${linked()}`, { method: "DELETE" });
  expect((await revoke()).body).toEqual({ revoked: true });
  expect((await revoke()).body).toEqual({ revoked: false });
  expect(await status()).toMatchObject({ status: "setupRequired" });
});

describe("the status", () => {
  const openPlangrade = usePlangrade();

  test("names the link and no other trouble while there is no access, and forgets it once there is one", async () => {
    const served = await openPlangrade({ authorized: false });
    const { url, fixture: opened } = served;
    const query = queryOf({ organization: opened.hull.host, ship: BENEFITS.id, secret: BENEFITS.secret });
    const look = async (): Promise<unknown> => (await fetch(`${url()}/status?${query}`)).json();
    const theLink = {
      status: "setupRequired",
      messages: [expect.stringMatching(/^Nobody has authorized the connector yet/) as unknown],
    };
    expect(await look()).toEqual(theLink);
    await served.authorize();
    expect(await look()).toEqual({ status: "ok", messages: [] });
    await fetch(`${url()}/authorize?${query}`, { method: "DELETE" });
    expect(await look()).toEqual(theLink);
  });
});

test("neither codes nor states nor tokens are logged", async () => {
  const browser = new Browser();
  const { state } = await browser.begin();
  ledger.codes.set("secret-code-of-ada", ADA);
  await browser.back({ state, code: "secret-code-of-ada" });
  const lines = JSON.stringify(fixture.logs);
  for (const secret of [state, "secret-code-of-ada", ledger.grants.at(-1) ?? "", browser.cookie ?? ""]) {
    expect(lines).not.toContain(secret);
  }
  const audits = fixture.logs.filter(({ message }) => message === "connector.authorization");
  expect(audits.map(({ data }) => data)).toEqual([{ done: "begun" }, { done: "granted", account: "7" }]);
});

test("a service that asks nobody has no such address", async () => {
  expect((await send(fixture.baseUrl, `/planhat/authorize?${linked()}`)).status).toBe(404);
});
