/** `/api/internal/outcomes` and the timeline of `/explain`: who is behind a number, and what became of one record. */
import { gunzipSync } from "node:zlib";
import { profileLink } from "../../src/hull/profile-link";
import { account, CONNECTOR as INSTALLED, minute, TOKEN, useFixtures, user } from "../fixture/fixture";
import { OPEN_SETTINGS } from "../fixture/settings";
import { skip } from "../unit/storage/builders";
import { basic, queryOf, send, type Answer } from "./asking";
import { CONNECTOR, openEdge, OTHER, type Edge } from "./edge";

const PATH = "/api/internal/outcomes";

interface Shown {
  readonly hull_id: string;
  readonly code: string;
}

describe("at the edge", () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdge();
  });
  afterEach(() => edge.close());

  const ask = (query: Readonly<Record<string, string>> = {}, login = CONNECTOR): Promise<Answer> =>
    edge.ask(PATH, { query, login });

  const end = (hullIds: readonly string[], owner = CONNECTOR): Promise<unknown> =>
    edge.store.accept(hullIds.map((hullId) => skip({ hullId, id: `m/${hullId}`, lane: edge.laneOf(owner) })));

  const idsIn = ({ body }: Answer): readonly string[] =>
    (body as { outcomes: readonly Shown[] }).outcomes.map(({ hull_id: id }) => id);

  test("pages lead from the newest to the oldest, and show nothing of others", async () => {
    await end(["a1", "a2", "a3"]);
    await end(["b1"], OTHER);
    const first = await ask({ limit: "2" });
    expect(idsIn(first)).toEqual(["a3", "a2"]);
    expect(first.headers.get("cache-control")).toBe("no-store");
    const second = await ask({ limit: "2", after: String(first.body["next"]) });
    expect([idsIn(second), second.body["next"]]).toEqual([["a1"], null]);
    expect(idsIn(await ask({ outcome: "rejected" }))).toEqual([]);
    expect(idsIn(await ask({ type: "companies", outcome: "skipped", code: "outside_account_segments" }))).toHaveLength(
      3,
    );
    expect(idsIn(await ask({ day: "2026-03-01" }))).toHaveLength(3);
    expect(idsIn(await ask({ day: "2026-02-28" }))).toEqual([]);
    expect(idsIn(await ask({}, OTHER))).toEqual(["b1"]);
  });

  test("as NDJSON each has a line without a name, packed, and the next page is linked", async () => {
    await end(["a1", "a2", "a3"]);
    const headers = { authorization: basic(CONNECTOR), accept: "application/x-ndjson", "accept-encoding": "gzip" };
    const pages: Answer[] = [];
    let path: string | undefined = `${PATH}?${queryOf({ org: edge.organization, limit: "2" })}`;
    while (path !== undefined) {
      const answer = await send(edge.baseUrl, path, { headers });
      pages.push(answer);
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
    }
    const texts = pages.map(({ bytes }) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString());
    const lines = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as Shown);
    expect(lines.map(({ hull_id: id }) => id)).toEqual(["a3", "a2", "a1"]);
    expect(lines[0]).toEqual({
      at: "2026-03-01T12:00:00.000Z",
      type: "companies",
      hull_id: "a3",
      outcome: "skipped",
      code: "outside_account_segments",
      text: "outside_account_segments.",
      remedy: "Intended, or add one of the account's segments to the Company Filter.",
      message_id: "m/a3",
      run: null,
      derived: false,
      messages: 1,
      sent: null,
    });
    expect(pages[0]?.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    expect((await ask({ format: "ndjson" })).text).toBe(texts.join(""));
  });

  test.each([
    [{ limit: "0" }, "limit"],
    [{ limit: "5001" }, "limit"],
    [{ after: "x" }, "after"],
    [{ outcome: "lost" }, "outcome"],
    [{ day: "2026-02-30" }, "day"],
    [{ day: "yesterday" }, "day"],
    [{ format: "csv" }, "format"],
    [{ code: "a b" }, "code"],
  ])("%j is refused with a sentence about it", async (query, path) => {
    const { status, body } = await ask(query);
    expect(status).toBe(400);
    expect(body["error"]).toMatchObject({
      code: "invalid_query",
      details: [{ path, remedy: expect.stringMatching(/, or leave it out/) as unknown }],
    });
  });
});

describe("with everything behind it", () => {
  const open = useFixtures();

  test("a record's timeline tells what was sent and how it ended, with what to do, and leads to the record", async () => {
    const fixture = await open({ settings: { ...OPEN_SETTINGS, workspace: "acme" } });
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1, { traits_position: "Engineer" }), account(1));
    await fixture.settled();
    fixture.planhat.poison({ type: "endusers", field: "position", value: "Chief" }, "Position is odd");
    await fixture.tellUser(user(1, { traits_position: "Chief", indexed_at: minute(2) }), account(1));
    await fixture.settled();
    const login = { authorization: basic(INSTALLED) };
    const query = queryOf({ org: fixture.hull.host });

    const asked = await send(fixture.baseUrl, `/explain?${query}`, {
      method: "POST",
      headers: login,
      body: { email: "person-1@example.com" },
    });
    const [record] = (asked.body as { records: readonly { timeline: readonly object[]; known: object }[] }).records;
    expect(record?.timeline).toMatchObject([
      {
        outcome: "rejected",
        code: "refused",
        text: expect.stringContaining("Position is odd") as unknown,
        remedy: expect.stringContaining("Planhat's words") as unknown,
        sent: null,
      },
      { outcome: "sent", code: "created", remedy: null, messages: 1 },
      { outcome: null, sent: { position: '"Engineer"', externalId: '"person-1"' } },
    ]);
    expect(record?.known).toMatchObject({
      last_outcome: { remedy: expect.stringContaining("Planhat's words") as unknown },
    });

    const refused = await send(fixture.baseUrl, `${PATH}?${query}&outcome=rejected`, { headers: login });
    const remoteId = [...fixture.planhat.tenant().endusers.keys()][0] ?? "";
    expect(refused.body).toMatchObject({
      outcomes: [
        {
          name: "person-1@example.com",
          remote_id: remoteId,
          links: {
            hull: null,
            service: `https://ws.planhat.com/acme/home/data-explorer/enduser?preview=EndUser.${remoteId}`,
          },
        },
      ],
      next: null,
    });

    const page = await send(fixture.baseUrl, `/console/outcomes?${query}&type=endusers&outcome=rejected&code=refused`, {
      headers: login,
    });
    expect(page.text).toMatch(/person-1@example\.com/);
    expect(page.text).toMatch(/Position is odd/);
    expect(page.text).toContain(`q=${(refused.body as { outcomes: readonly Shown[] }).outcomes[0]?.hull_id}#explain`);
    expect(page.text + asked.text + refused.text).not.toContain(TOKEN);
  });
});

test("a profile is looked at in the dashboard of an organization of Hull's own, and of no other", () => {
  expect(profileLink("acme.hullapp.io", "account", "5f")).toBe("https://dashboard.hullapp.io/acme/accounts/5f");
  expect(profileLink("acme.hullapp.io", "user", "a/b")).toBe("https://dashboard.hullapp.io/acme/users/a%2Fb");
  for (const other of ["hull.example", "acme.hullapp.io.example", "a.b.hullapp.io", "127.0.0.1:80"])
    expect(profileLink(other, "user", "5f")).toBeUndefined();
});
