/** A grant whose tokens rotate: refreshed once for all, and whatever becomes of a refresh, nothing is lost. */
import { aboutPeople, changed, participant, workforce } from "../fixture/participants";
import { BENEFITS, usePlangrade, type PlangradeFixture } from "../fixture/plangrade";
import { createAsking } from "../integration/service-asking";

const open = usePlangrade();

const books = ({ plangrade }: PlangradeFixture) => plangrade.books.snapshot();
const people = ({ plangrade }: PlangradeFixture) => plangrade.snapshot().participants;
const TOKEN = "POST /oauth/v1/token";
/** Longer than a token lives, in minutes. */
const A_LIFE = 121;
/** After that, an answer to a refresh that another process began is taken for lost, in minutes. */
const A_LEASE = 2;

const { askAsHull } = createAsking("plangrade", BENEFITS, [BENEFITS.secret]);
const status = async (fixture: PlangradeFixture): Promise<unknown> => (await askAsHull(fixture, "GET /status")).body;
const SETUP = { status: "setupRequired" };

/** Everything waits, because a person has to act. */
async function standsStill({ fixture, lane }: PlangradeFixture): Promise<void> {
  const { store } = fixture.connector;
  await fixture.until(async () => (await store.pauses(lane)).some(({ kind }) => kind === "auth"));
}

describe.each([
  ["has ended by plangrade's word alone", 100, ({ plangrade }: PlangradeFixture) => plangrade.expireTokens()],
  ["has come of age", 10, ({ fixture }: PlangradeFixture) => fixture.advance(A_LIFE)],
])("once the access token %s", (_how, count, expire) => {
  test(`it is refreshed once for ${count} deliveries, a fetch and the status, which all succeed`, async () => {
    const fixture = await open({ environment: { LINGER_MS: "0", LOG_LEVEL: "warn" } });
    await fixture.deliver(aboutPeople([participant(count + 1)]));
    expire(fixture);
    const all = workforce(count, 5).map((each) => fixture.send(aboutPeople([each])));
    await Promise.all([...all, fixture.fetch(), status(fixture)]);
    await fixture.fixture.settled();
    const { tokensIssued, tokensRefused, mostRefreshUses, duplicates } = books(fixture);
    expect({ tokensIssued, tokensRefused, mostRefreshUses, duplicates }).toEqual({
      ...{ tokensIssued: 2, tokensRefused: 0 },
      ...{ mostRefreshUses: 1, duplicates: [] },
    });
    expect(people(fixture)).toHaveLength(count + 1);
    expect(await status(fixture)).toMatchObject({ status: "ok" });
  });
});

describe("when the answer to a refresh is lost", () => {
  test.each(["reset-after", "stall-after", "truncate"] as const)(
    "to %s, a person authorizes again, and everything arrives",
    async (kind) => {
      const fixture = await open({ environment: { REQUEST_TIMEOUT_MS: "300" } });
      const lost = fixture.plangrade.faults.add({ kind, route: TOKEN, count: 1 });
      fixture.plangrade.expireTokens();
      await fixture.send(aboutPeople(workforce(3, 1)));
      await standsStill(fixture);
      expect(lost.hits).toBe(1);
      expect(await status(fixture)).toMatchObject(SETUP);
      expect(people(fixture)).toEqual([]);
      expect((await fixture.authorize()).status).toBe(200);
      await fixture.fixture.settled();
      expect(people(fixture)).toHaveLength(3);
      expect(await fixture.outcomes()).toEqual({ "participants/sent/created": 3 });
    },
  );

  test("it is asked for again by the same process, which suffices where the old token serves until the new one does", async () => {
    const fixture = await open({ plangrade: { switches: { formerRefresh: "until-use" } } });
    fixture.plangrade.faults.add({ kind: "reset-after", route: TOKEN, count: 1 });
    fixture.plangrade.expireTokens();
    await fixture.deliver(aboutPeople(workforce(3, 1)));
    expect(people(fixture)).toHaveLength(3);
    expect(books(fixture).mostRefreshUses).toBe(2);
  });
});

describe("when the process is killed after plangrade has rotated, and before the new pair is stored", () => {
  /** Somebody waits, and the process that takes over is another one. */
  async function killedInBetween(): Promise<PlangradeFixture> {
    const fixture = await open();
    const { fixture: house, plangrade } = fixture;
    let killed: Promise<void> | undefined;
    plangrade.on("applied", async ({ route }) => {
      if (route === TOKEN) await (killed ??= house.crash());
    });
    plangrade.faults.add({ kind: "reset-after", route: TOKEN, count: 1 });
    plangrade.expireTokens();
    await fixture.send(aboutPeople(workforce(3, 1)));
    await house.until(() => killed !== undefined);
    await killed;
    return fixture;
  }

  test("the next one never uses the old refresh token, and asks a person to authorize again", async () => {
    const fixture = await killedInBetween();
    fixture.fixture.advance(A_LEASE);
    await standsStill(fixture);
    expect(await status(fixture)).toMatchObject(SETUP);
    expect(books(fixture).mostRefreshUses).toBe(1);
    await fixture.authorize();
    await fixture.fixture.settled();
    expect([people(fixture).length, books(fixture).duplicates]).toEqual([3, []]);
    expect(await fixture.outcomes()).toEqual({ "participants/sent/created": 3 });
    expect(books(fixture).mostRefreshUses).toBe(1);
  });

  test("a person who authorizes again before that is not made to wait", async () => {
    const fixture = await killedInBetween();
    await fixture.authorize();
    await fixture.fixture.settled();
    expect(people(fixture)).toHaveLength(3);
    expect(await status(fixture)).toMatchObject({ status: "ok" });
  });
});

test("a token that is refused however new it is, is refreshed once, and a person is asked", async () => {
  const fixture = await open();
  const isApi = ({ path }: { readonly path: string }): boolean => /^\/api\/v1\/(?!authenticate)/.test(path);
  const refusing = fixture.plangrade.faults.add({ kind: "status", status: 401, body: " ", route: isApi });
  await fixture.send(aboutPeople([participant(1)]));
  await standsStill(fixture);
  expect([books(fixture).tokensIssued, people(fixture)]).toEqual([2, []]);
  refusing.remove();
  await fixture.authorize();
  await fixture.fixture.settled();
  expect(people(fixture)).toHaveLength(1);
});

test.each([
  ["of the documents", "documents", {}],
  [
    "of the former clients",
    "clients",
    { PLANGRADE_AUTHORIZE_PATH: "/oauth/authorize", PLANGRADE_TOKEN_PATH: "/oauth/token" },
  ],
] as const)("authorizes and refreshes by the paths %s", async (_whose, paths, environment) => {
  const fixture = await open({ environment, plangrade: { switches: { paths } } });
  fixture.plangrade.expireTokens();
  await fixture.deliver(aboutPeople([participant(1)]));
  expect([people(fixture).length, books(fixture).tokensIssued]).toEqual([1, 2]);
});

/** Ways in which access ends by somebody's will. */
const REVOKED: readonly (readonly [string, (fixture: PlangradeFixture) => Promise<unknown>])[] = [
  [
    "has taken access back in plangrade",
    ({ plangrade }) => {
      plangrade.revokeGrants();
      return Promise.resolve();
    },
  ],
  ["has had it forgotten here", (fixture) => askAsHull(fixture, "DELETE /authorize")],
];
test.each(REVOKED)("after somebody %s, everything waits until a person authorizes again", async (_who, revoke) => {
  const fixture = await open();
  await fixture.deliver(aboutPeople([participant(1)]));
  await revoke(fixture);
  await fixture.send(aboutPeople([changed(participant(1), 1, { city: "Salem" }), participant(2)]));
  await standsStill(fixture);
  expect(await status(fixture)).toMatchObject(SETUP);
  await fixture.authorize();
  await fixture.fixture.settled();
  expect(people(fixture)).toMatchObject([{ city: "Salem" }, { last_name: "Marsh 2" }]);
  expect(people(fixture)).toHaveLength(2);
});

describe("another account of plangrade", () => {
  const users = [
    { name: "Olive Operator", email: "olive@example.com" },
    { name: "Ned Nextdoor", email: "ned@example.com" },
  ];

  test("is used once a person has said that it is meant; then everything is looked up there anew", async () => {
    const fixture = await open({ plangrade: { users } });
    const { plangrade } = fixture;
    await fixture.deliver(aboutPeople([participant(1)]));
    const [olive, ned] = plangrade.records.users.keys();
    expect(await (await fixture.authorize(ned)).text()).toContain("Ned Nextdoor");
    await fixture.deliver(aboutPeople([changed(participant(1), 1, { city: "Salem" })]));
    expect(plangrade.snapshot(ned).companies).toEqual([]);

    expect((await fixture.authorize(ned, true)).status).toBe(200);
    await fixture.deliver(aboutPeople([changed(participant(1), 2, { city: "Lynn" })]));
    expect(plangrade.snapshot(olive).participants).toMatchObject([{ city: "Salem" }]);
    expect(plangrade.snapshot(ned).participants).toMatchObject([{ city: "Lynn" }]);
  });
});

test("without /me, the connector itself names the account, and authorizing again goes on with the same records", async () => {
  const fixture = await open({ plangrade: { switches: { me: "missing" } } });
  await fixture.deliver(aboutPeople([participant(1)]));
  expect((await fixture.authorize()).status).toBe(200);
  const before = books(fixture).writes.length;
  await fixture.deliver(aboutPeople([changed(participant(1), 1)]));
  expect(books(fixture).writes).toHaveLength(before);
  expect(await fixture.outcomes()).toEqual({ "participants/sent/created": 1, "participants/unchanged/in_sync": 1 });
  expect(await status(fixture)).toMatchObject({ status: "ok" });
});
