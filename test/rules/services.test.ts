/** Services of nobody's beside Planhat, in one process: what they lack is never asked for, and the engine knows none. */
import { buildAccountMessage, buildUserMessage, type Channel } from "../../simulators/hull";
import { Ledger, ledgerService } from "../fixture/services/ledger";
import { Roster, rosterService } from "../fixture/services/roster";
import { account, minute, useFixtures, user, type Bag, type Fixture } from "../fixture/fixture";
import { announce, ndjson } from "../fixture/batches";
import { tracesIn } from "../fixture/traces";
import { basic, send } from "../integration/asking";

const open = useFixtures();
const MEMBERSHIP = { id: "5f00000000000000000000a1", secret: "roster-secret-0000001" };
const BOOKS = { id: "5f00000000000000000000b1", secret: "ledger-secret-0000001" };

interface Served {
  readonly fixture: Fixture;
  readonly roster: Roster;
  readonly ledger: Ledger;
  /** The store's name of each connector. */
  readonly members: { readonly remote: string; readonly tenant: string };
  readonly books: { readonly remote: string; readonly tenant: string };
}

/** @param policy of the roster's writes */
async function openServices(policy?: "insert" | "update"): Promise<Served> {
  const [roster, ledger] = [new Roster(), new Ledger()];
  const fixture = await open({ services: [rosterService(roster, policy), ledgerService(ledger)] });
  const { hull } = fixture;
  hull.addConnector({ ...MEMBERSHIP, privateSettings: { site: "north" } });
  hull.addConnector({ ...BOOKS, privateSettings: { book: "main" } });
  const laneOf = (service: string, id: string, remote: string) => ({
    remote: `${hull.host}|${remote}`,
    tenant: `${service}/${hull.host}/${id}`,
  });
  return {
    fixture,
    roster,
    ledger,
    members: laneOf("roster", MEMBERSHIP.id, "https://roster.example|north"),
    books: laneOf("ledger", BOOKS.id, "https://ledger.example|main"),
  };
}

/** Hull tells one of them, and everything settles. */
async function tell(
  fixture: Fixture,
  service: string,
  channel: Channel,
  ...messages: readonly unknown[]
): Promise<void> {
  fixture.introduce(messages);
  const connectorId = service === "roster" ? MEMBERSHIP.id : BOOKS.id;
  const url = `${fixture.baseUrl}/${service}/smart-notifier`;
  const report = await fixture.hull.send(url, { connectorId, channel, messages, signed: false });
  expect(report.messagesAccepted).toBe(messages.length);
}

const member = (number: number, more: Bag = {}, at = 0): unknown =>
  buildUserMessage(user(number, { code: `m-${number}`, indexed_at: minute(at), ...more }), {});
const firm = (number: number, more: Bag = {}, at = 0): unknown =>
  buildAccountMessage(account(number, { indexed_at: minute(at), ...more }));

const outcomes = async ({ connector }: Fixture, tenant: string): Promise<Readonly<Record<string, number>>> =>
  (await connector.store.tally(tenant)).outcomes;

/** Messages in = outcomes out. */
async function expectBalance({ connector }: Fixture, tenant: string): Promise<void> {
  const { messages, outcomes: counts } = await connector.store.tally(tenant);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(messages);
}

describe("a service with users only, without look-up, list, bulk or ids", () => {
  let served: Served;
  const hear = (...messages: readonly unknown[]) =>
    tell(served.fixture, "roster", "user:update", ...messages).then(() => served.fixture.settled());
  const counts = () => outcomes(served.fixture, served.members.tenant);
  beforeEach(async () => {
    served = await openServices();
  });
  afterEach(() => expectBalance(served.fixture, served.members.tenant));

  test("takes its records under their own keys, and an unchanged one costs no request", async () => {
    const { fixture, roster } = served;
    await hear(member(1), member(2));
    await hear(member(1, {}, 1));
    expect(roster.calls.toSorted()).toEqual(['create m-1 {"name":"Person 1"}', 'create m-2 {"name":"Person 2"}']);
    expect(await counts()).toEqual({ "members/sent/accepted": 2, "members/unchanged/in_sync": 1 });
    // In the service's own words.
    const line = fixture.logs.find(({ data }) => data?.["code"] === "accepted");
    expect(line?.data?.["reason"]).toBe("Noted in the roster.");
    // Hull learns the field, and no id, since there is none.
    expect(fixture.hull.profiles.users.get(user(1).id)?.attributes).toMatchObject({ "roster/name": "Person 1" });
    expect(Object.keys(fixture.hull.profiles.users.get(user(1).id)?.attributes ?? {})).not.toContain("roster/id");
  });

  test("sends what changed, and another record when the key is another one", async () => {
    const { roster } = served;
    await hear(member(1));
    await hear(member(1, { name: "Anne" }, 1));
    await hear(member(1, { name: "Anne", code: "m-9" }, 2));
    expect(roster.calls.slice(1)).toEqual(['update m-1 {"name":"Anne"}', 'create m-9 {"name":"Anne"}']);
  });

  test("knows of the record under the former key: whoever gets that key has it", async () => {
    const { roster } = served;
    await hear(member(1));
    await hear(member(2, { code: "m-1" }));
    expect(await counts()).toMatchObject({ "members/skipped/same_remote_record": 1 });
    await hear(member(1, { code: "m-9" }, 1));
    await hear(member(2, { code: "m-2" }, 2));
    await hear(member(1, { code: "m-1" }, 3));
    expect(roster.calls).toEqual([
      'create m-1 {"name":"Person 1"}',
      'create m-9 {"name":"Person 1"}',
      'update m-1 {"name":"Person 2"}',
      'create m-2 {"name":"Person 2"}',
      'update m-1 {"name":"Person 1"}',
    ]);
  });

  test("ends who leaves, once, and restarts who comes back before it changes anything", async () => {
    const { roster } = served;
    await hear(member(1));
    await hear(member(1, { left_on: "2026-01-31" }, 1));
    await hear(member(1, { left_on: "2026-01-31" }, 2));
    expect(roster.members.get("m-1")).toEqual({ name: "Person 1", active: false });
    await hear(member(1, { name: "Anne" }, 3));
    expect(roster.members.get("m-1")).toEqual({ name: "Anne", active: true });
    expect(roster.calls.slice(1)).toEqual([
      'end m-1 {"on":"2026-01-31"}',
      "restart m-1 {}",
      'update m-1 {"name":"Anne"}',
    ]);
    expect(await counts()).toEqual({ "members/sent/accepted": 3, "members/unchanged/in_sync": 1 });
  });

  test("updates before it ends, and one outcome stands for both", async () => {
    const { roster } = served;
    await hear(member(1));
    await hear(member(1, { name: "Anne", left_on: "2026-01-31" }, 1));
    expect(roster.calls.slice(1)).toEqual(['update m-1 {"name":"Anne"}', 'end m-1 {"on":"2026-01-31"}']);
    expect(await counts()).toEqual({ "members/sent/accepted": 2 });
  });

  test("has an outcome for who left before he came, for accounts, and for what is not for it", async () => {
    const { fixture, roster } = served;
    await hear(member(1, { left_on: "2026-01-31" }));
    await hear(buildUserMessage(user(2), {}));
    await tell(fixture, "roster", "account:update", firm(1));
    expect(roster.calls).toEqual([]);
    expect(await counts()).toEqual({
      "members/skipped/already_left": 1,
      "members/skipped/nothing_to_send": 1,
      "account/skipped/no_type": 1,
    });
    const line = fixture.logs.find(({ data }) => data?.["code"] === "no_type");
    expect(line).toMatchObject({ level: "debug", message: "outgoing.account.skip" });
  });

  test("keeps what is refused as a dead letter, with the service's remedy, and sends it again", async () => {
    const { fixture, roster, members } = served;
    roster.troubles.push("refused");
    await hear(member(1));
    const { deadLetters } = await fixture.connector.store.deadLetters({ tenant: members.tenant, limit: 9 });
    expect(deadLetters).toMatchObject([{ type: "members", ending: { code: "refused" } }]);
    const path = "/roster/api/internal/dead-letters";
    const headers = { authorization: basic(MEMBERSHIP) };
    const org = encodeURIComponent(fixture.hull.host);
    const list = await send(fixture.baseUrl, `${path}?org=${org}`, { headers });
    const [letter] = (list.body as { dead_letters: readonly { id: string; remedy?: string }[] }).dead_letters;
    const shown = await send(fixture.baseUrl, `${path}/${letter?.id ?? ""}?org=${org}`, { headers });
    expect(shown.body).toMatchObject({ remedy: "Ask Roster." });
    await send(fixture.baseUrl, `${path}/${letter?.id ?? ""}/replay?org=${org}`, { method: "POST", headers });
    await fixture.settled();
    expect(roster.members.get("m-1")).toEqual({ name: "Person 1", active: true });
    expect((await fixture.connector.store.deadLetters({ limit: 9 })).deadLetters).toEqual([]);
  });

  test("repeats what may be repeated after a lost answer, and keeps for a person what may not", async () => {
    const { fixture, roster, members } = served;
    roster.troubles.push("lost");
    await hear(member(1));
    expect(roster.calls).toEqual(['create m-1 {"name":"Person 1"}', 'create m-1 {"name":"Person 1"}']);
    roster.troubles.push("lost");
    await hear(member(1, { left_on: "2026-01-31" }, 1));
    expect(roster.calls.slice(2)).toEqual(['end m-1 {"on":"2026-01-31"}']);
    expect(await counts()).toEqual({ "members/sent/accepted": 1, "members/dead/unconfirmed": 1 });
    expect(await fixture.connector.store.deadLettersOf(members)).toHaveLength(1);
  });

  test.each(["create", "end"] as const)(
    "after a kill in the middle of a request (%s) doubles and loses nothing",
    async (kind) => {
      const { fixture, roster } = served;
      if (kind === "end") await hear(member(1));
      let release = (): void => undefined;
      roster.troubles.push({ hang: new Promise((resolve) => (release = resolve)) });
      const before = roster.calls.length;
      await tell(fixture, "roster", "user:update", member(1, kind === "end" ? { left_on: "2026-01-31" } : {}, 1));
      await fixture.until(() => roster.calls.length > before);
      await fixture.crash();
      release();
      await fixture.settled();
      const times = roster.calls.slice(before).map((call) => call.split(" ")[0]);
      // A create under its own key may be sent again; whether somebody was ended cannot be found out.
      expect(times).toEqual(kind === "create" ? ["create", "create"] : ["end"]);
      expect(Object.keys(await counts())).toContain(
        kind === "create" ? "members/sent/accepted" : "members/dead/unconfirmed",
      );
    },
  );

  test("waits while it is busy, and says what would happen without doing it", async () => {
    const { fixture, roster } = served;
    roster.troubles.push("busy");
    await hear(member(1));
    expect(roster.calls).toHaveLength(2);
    const asked = { channel: "user:update", messages: [member(1, { left_on: "2026-01-31" }, 1), member(2)] };
    const org = encodeURIComponent(fixture.hull.host);
    const headers = { authorization: basic(MEMBERSHIP), "content-type": "application/json" };
    const answer = await send(fixture.baseUrl, `/roster/explain?org=${org}`, {
      method: "POST",
      headers,
      body: JSON.stringify(asked),
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      records: [
        {
          type: "members",
          would: { outcome: "sent", code: "ended" },
          requests: [{ kind: "end", fields: { on: "2026-01-31" } }],
        },
        { type: "members", would: { outcome: "sent", code: "created" }, requests: [{ kind: "create" }] },
      ],
    });
    expect(roster.calls).toHaveLength(2);
  });

  test.each([false, true])("takes batches, also those with nothing for it (dry run: %s)", async (simulate) => {
    const { fixture, roster, members } = served;
    const rows = [1, 2, 3].map((number) => ({
      id: user(number).id,
      email: user(number).email,
      name: `Person ${number}`,
      ...(number === 3 ? {} : { traits_code: `m-${number}` }),
    }));
    const { url } = fixture.hull.publishExtract({ content: ndjson(rows), format: "json" });
    const at = { ...fixture, baseUrl: `${fixture.baseUrl}/roster` };
    const answer = await announce(at, url, { simulate, connector: MEMBERSHIP });
    const { run = "" } = (await answer.json()) as { run?: string };
    const ended = await fixture.ended(run);
    expect(ended).toMatchObject({ state: "success", done: 3, ...(!simulate && { checkpoint: { rows: 3 } }) });
    expect(ended.counts).toEqual(
      simulate
        ? { "members/sent/created": 2, "members/skipped/nothing_to_send": 1 }
        : { "members/sent/accepted": 2, "members/skipped/nothing_to_send": 1 },
    );
    expect(roster.calls).toHaveLength(simulate ? 0 : 2);
    expect((await fixture.connector.store.runs({ tenant: members.tenant, limit: 9 })).map(({ kind }) => kind)).toEqual([
      "batch",
    ]);
  });

  test("says what is missing in the settings as long as it cannot be reached", async () => {
    const { fixture, roster } = served;
    fixture.hull.saveSettings(MEMBERSHIP.id, {});
    await hear(member(1));
    expect(roster.calls).toEqual([]);
    expect(await counts()).toEqual({ "members/skipped/unreachable": 1 });
    const line = fixture.logs.find(({ data }) => data?.["code"] === "unreachable");
    expect(line).toMatchObject({
      level: "warn",
      data: { reason: expect.stringContaining("No site is named") as string },
    });
  });

  test("ends a member of a batch, where even what is equal is sent, after a single update", async () => {
    const { fixture, roster } = served;
    await hear(member(1));
    const row = { id: user(1).id, name: "Person 1", traits_code: "m-1", traits_left_on: "2026-01-31" };
    const { url } = fixture.hull.publishExtract({ content: ndjson([row]), format: "json" });
    const at = { ...fixture, baseUrl: `${fixture.baseUrl}/roster` };
    for (const simulate of [true, false]) {
      const answer = await announce(at, url, { simulate, connector: MEMBERSHIP });
      const { run = "" } = (await answer.json()) as { run?: string };
      expect(await fixture.ended(run)).toMatchObject({ state: "success", done: 1 });
    }
    expect(roster.calls.slice(1)).toEqual(['update m-1 {"name":"Person 1"}', 'end m-1 {"on":"2026-01-31"}']);
  });

  test("shows itself under its own path, and has nothing to fetch", async () => {
    const { fixture } = served;
    await hear(member(1));
    const query = new URLSearchParams({
      organization: fixture.hull.host,
      ship: MEMBERSHIP.id,
      secret: MEMBERSHIP.secret,
    });
    const get = (path: string) => send(fixture.baseUrl, `/roster/${path}`, {});
    expect((await get("manifest.json")).body).toMatchObject({ source: "hull-roster" });
    expect((await get("openapi.json")).body).toMatchObject({ info: { title: "Hull Roster connector" } });
    expect((await get(`status?${query.toString()}`)).body).toMatchObject({ status: "ok" });
    expect((await get(`fetch/users?${query.toString()}`)).body).toMatchObject({ state: "halted" });
    const metrics = (await send(fixture.baseUrl, "/metrics", {})).text;
    expect(metrics).toMatch(/connector_outcomes_total\{service="roster",type="members",outcome="sent".*\} 1/);
    expect(metrics).toContain('connector_outbox_entries{service="roster"} 0');
  });

  test("does not let a connector of another service in, and keeps the two apart in the store", async () => {
    const { fixture, roster } = served;
    await hear(member(1));
    await fixture.deliverUser(user(1), account(1));
    expect(roster.calls).toHaveLength(1);
    expect(fixture.endusers()).toHaveLength(1);
    const keys = (await fixture.connector.store.tenants()).map(({ key }) => key.split("/")[0]);
    expect(keys.toSorted()).toEqual(["planhat", "roster"]);
  });
});

describe("write policies of a type", () => {
  test.each([
    ["insert", ['create m-1 {"name":"Person 1"}'], { "members/sent/accepted": 1, "members/skipped/insert_only": 1 }],
    ["update", [], { "members/skipped/update_only": 2 }],
  ] as const)("%s only", async (policy, calls, counts) => {
    const { fixture, roster, members } = await openServices(policy);
    for (const [at, name] of ["Person 1", "Anne"].entries()) {
      await tell(fixture, "roster", "user:update", member(1, { name }, at));
      await fixture.settled();
    }
    expect(roster.calls).toEqual(calls);
    expect(await outcomes(fixture, members.tenant)).toEqual(counts);
  });
});

test("who guesses has no more guesses because there are several services", async () => {
  const { fixture } = await openServices();
  const statuses: number[] = [];
  for (let guess = 0; guess < 22; guess += 1) {
    const service = ["", "/planhat", "/roster", "/ledger"][guess % 4] ?? "";
    const headers = { authorization: basic({ id: `connector-${guess}`, secret: "wrong" }) };
    const path = `${service}/api/internal/runs?org=${encodeURIComponent(fixture.hull.host)}`;
    statuses.push((await send(fixture.baseUrl, path, { headers })).status);
  }
  expect(statuses).toEqual([...Array<number>(20).fill(401), 429, 429]);
});

/** As it is stored once a person has given it. */
const GRANT = {
  pair: { accessToken: "grant-1", refreshToken: "grant-1", refreshAtMs: 9e15, endsAtMs: 9e15 },
};

describe("a service with accounts only, behind a grant that rotates", () => {
  let served: Served;
  const hear = (...messages: readonly unknown[]) => tell(served.fixture, "ledger", "account:update", ...messages);
  const counts = () => outcomes(served.fixture, served.books.tenant);
  /** A person grants access; the lane is tried again, as when the settings are saved. */
  async function grant(): Promise<void> {
    const { fixture, books } = served;
    expect(await fixture.engine("ledger").grantOf(books.tenant).replace(undefined, JSON.stringify(GRANT))).toBe(true);
    await fixture.engine("ledger").deliveryWorker.release(books);
  }
  beforeEach(async () => {
    served = await openServices();
  });
  afterEach(() => expectBalance(served.fixture, served.books.tenant));

  test("takes in what waits for the grant, says so, and delivers once it is given", async () => {
    const { fixture, ledger, books } = served;
    await hear(firm(1));
    await fixture.until(async () => (await fixture.connector.store.pauses(books)).length > 0);
    expect(ledger.calls).toEqual([]);
    expect(await fixture.connector.store.depth(books)).toEqual({ outbox: 1, hullUpdates: 0 });
    const query = new URLSearchParams({ organization: fixture.hull.host, ship: BOOKS.id, secret: BOOKS.secret });
    const status = await send(fixture.baseUrl, `/ledger/status?${query.toString()}`, {});
    expect(status.body).toMatchObject({ status: "setupRequired" });
    await grant();
    await fixture.settled();
    expect(ledger.firms.get("firm-1")).toEqual({ number: "acme-1", name: "Acme 1" });
    expect(await counts()).toEqual({ "firms/sent/created": 1 });
    expect(fixture.hull.profiles.accounts.get(account(1).id)?.attributes).toMatchObject({ "ledger/id": "firm-1" });
  });

  test("goes on through any number of refreshes, one at a time, and a restart", async () => {
    const { fixture, ledger } = served;
    await hear(firm(1));
    await grant();
    await fixture.settled();
    for (const number of [2, 3, 4]) {
      await hear(firm(number));
      await fixture.settled();
      if (number === 3) await fixture.restart();
    }
    expect(ledger.firms.size).toBe(4);
    expect(ledger.refreshes).toBeGreaterThan(2);
    // A refresh changes no target: nothing was looked up or sent again because of it.
    expect(ledger.calls.filter((call) => call.startsWith("create"))).toHaveLength(4);
    expect(fixture.logs.filter(({ message }) => message === "connector.configuration.changed")).toEqual([]);
  });

  test("keeps the grant encrypted and for itself, and forgets it with the connector", async () => {
    const { fixture, ledger, books } = served;
    await hear(firm(1));
    await grant();
    await fixture.settled();
    const granted = fixture.engine("ledger").grantOf(books.tenant);
    const now = ledger.grants.at(-1) ?? "";
    expect(await granted.read()).toContain(now);
    // Whoever read an older one does not overwrite it.
    expect(await granted.replace("grant-0", "stolen")).toBe(false);
    expect(await granted.read()).toContain(now);
    const traces = await fixture.stopped(() => Promise.resolve(tracesIn(fixture.dataDir, { grant: now })));
    expect(traces).toEqual([]);
    expect(JSON.stringify(fixture.logs)).not.toContain(now);
    await fixture.connector.store.forgetTenant(books.tenant);
    expect(await fixture.connector.store.grant(books.tenant)).toBeUndefined();
  });

  test("is fetched, and its users and dry runs come to nothing it lacks", async () => {
    const { fixture, ledger, books } = served;
    await hear(firm(1));
    await grant();
    await fixture.settled();
    ledger.firms.set("firm-9", { number: "acme-9", name: "Nine" });
    fixture.seed([account(9)]);
    const query = new URLSearchParams({
      organization: fixture.hull.host,
      ship: BOOKS.id,
      secret: BOOKS.secret,
      force: "1",
    });
    const begun = await send(fixture.baseUrl, `/ledger/fetch/accounts?${query.toString()}`, {});
    const run = await fixture.ended((begun.body as { run: string }).run);
    expect(run).toMatchObject({ state: "success", type: "firms", done: 2 });
    expect(fixture.hull.profiles.accounts.get(account(9).id)?.attributes).toMatchObject({ "ledger/name": "Nine" });
    await tell(fixture, "ledger", "user:update", member(1));
    await fixture.settled();
    expect((await outcomes(fixture, books.tenant))["user/skipped/no_type"]).toBe(1);
  });
});
