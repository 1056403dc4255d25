/** Nothing is deleted by synchronisation, ever, and nobody archived unless a setting says so: then once. */
import type { FaultKind } from "../../simulators/loopback";
import { aboutPeople, aboutSegment, changed, participant, SEGMENT, workforce } from "../fixture/participants";
import { BENEFITS, usePlangrade, type PlangradeFixture } from "../fixture/plangrade";
import { createAsking } from "../integration/service-asking";

const open = usePlangrade();
const { operate } = createAsking("plangrade", BENEFITS, [BENEFITS.secret]);
const STAFF = { synchronized_segments: [SEGMENT.id] };
const ARCHIVING = { ...STAFF, archive_on_leaving_segments: true };
const ARCHIVE = "GET /participants/archive";

const ann = participant(1);
const books = ({ plangrade }: PlangradeFixture) => plangrade.books.snapshot();
/** Calls that archive or delete, whatever came of them. */
const endings = ({ calls }: PlangradeFixture): readonly string[] =>
  calls.map(({ route }) => route).filter((route) => route === ARCHIVE || route.startsWith("DELETE"));
const deadLetters = async ({ fixture, lane }: PlangradeFixture) =>
  (await fixture.connector.store.deadLetters({ tenant: lane.tenant, limit: 100 })).deadLetters;

/** Somebody was created, and then leaves the segments. */
async function left(settings: Readonly<Record<string, unknown>>): Promise<PlangradeFixture> {
  const fixture = await open({ settings, environment: { REQUEST_TIMEOUT_MS: "300" } });
  await fixture.deliver([aboutSegment(ann, "in")]);
  return fixture;
}
const leaves = (at: number) => aboutSegment(changed(ann, at), "left");

test("whoever leaves the segments stays as they are by default", async () => {
  const fixture = await left(STAFF);
  await fixture.deliver([leaves(1)]);
  expect(endings(fixture)).toEqual([]);
  expect(await fixture.outcomes()).toEqual({
    "participants/sent/created": 1,
    "participants/skipped/outside_segments": 1,
  });
});

test("whoever leaves the segments is archived once, and stays so, whoever says what afterwards", async () => {
  const fixture = await left(ARCHIVING);
  await fixture.deliver([leaves(1)]);
  await fixture.deliver([leaves(2)]);
  await fixture.deliver([aboutSegment(changed(ann, 3, { city: "Salem" }), "in")]);
  await fixture.fixture.restart();
  await fixture.deliver([leaves(4)]);
  expect(endings(fixture)).toEqual([ARCHIVE]);
  expect(fixture.plangrade.snapshot().participants).toMatchObject([{ archived: true, city: "Boston" }]);
  expect(await fixture.outcomes()).toMatchObject({
    "participants/sent/ended": 1,
    "participants/skipped/archived": 1,
  });
});

test("whoever was never there and leaves is not created for it", async () => {
  const fixture = await open({ settings: ARCHIVING });
  await fixture.deliver([leaves(1)]);
  expect([endings(fixture), books(fixture).writes]).toEqual([[], []]);
  expect(await fixture.outcomes()).toEqual({ "participants/skipped/already_left": 1 });
});

const LOSSES: readonly { readonly how: string; readonly fault: FaultKind }[] = [
  { how: "to a reset", fault: { kind: "reset-after" } },
  { how: "to a reset before anything was done", fault: { kind: "reset-before" } },
  { how: "to a gateway's 502", fault: { kind: "status", status: 502, applied: true } },
  { how: "to a 500", fault: { kind: "status", status: 500, applied: true } },
  { how: "to a page", fault: { kind: "wrong-shape", form: "html" } },
  { how: "to a body that breaks off", fault: { kind: "truncate" } },
  { how: "because plangrade never answers", fault: { kind: "stall-after" } },
];

describe.each(LOSSES)("an archive call whose answer is lost $how", ({ fault }) => {
  test("is made once, and left to a person, who may have it made again", async () => {
    const fixture = await left(ARCHIVING);
    const { fixture: house, plangrade } = fixture;
    const lost = plangrade.faults.add({ ...fault, route: ARCHIVE, count: 1 });
    await fixture.deliver([leaves(1)]);
    house.advance(60);
    await house.settled();
    expect([lost.hits, endings(fixture)]).toEqual([1, [ARCHIVE]]);
    expect(await fixture.outcomes()).toMatchObject({ "participants/dead/unconfirmed": 1 });
    expect(await deadLetters(fixture)).toMatchObject([{ ending: { outcome: "dead", code: "unconfirmed" } }]);

    const answer = await operate(fixture, "POST /dead-letters/replay");
    expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ queued: 1 })]);
    await house.settled();
    expect(endings(fixture)).toEqual([ARCHIVE, ARCHIVE]);
    expect(plangrade.snapshot().participants).toMatchObject([{ archived: true }]);
    expect(await deadLetters(fixture)).toEqual([]);
  });
});

test("an archive call that plangrade surely did not do is made again", async () => {
  const fixture = await left(ARCHIVING);
  const lost = fixture.plangrade.faults.add({
    kind: "rate-limit",
    headers: { "retry-after": "1" },
    route: ARCHIVE,
    count: 1,
  });
  await fixture.send([leaves(1)]);
  await fixture.fixture.settledWithHelp();
  expect([lost.hits, books(fixture).written.participant.archive]).toEqual([1, 1]);
  expect(await fixture.outcomes()).toMatchObject({ "participants/sent/ended": 1 });
});

test("a kill in the middle of an archive call leaves it to a person", async () => {
  const fixture = await left(ARCHIVING);
  const { fixture: house, plangrade } = fixture;
  let killed: Promise<void> | undefined;
  plangrade.faults.add({ kind: "reset-after", route: ARCHIVE, count: 1 });
  plangrade.on("applied", async ({ route }) => {
    if (route === ARCHIVE) await (killed ??= house.crash());
  });
  await fixture.send([leaves(1)]);
  await house.until(() => killed !== undefined);
  await killed;
  await house.settled();
  expect(endings(fixture)).toEqual([ARCHIVE]);
  expect(await fixture.outcomes()).toMatchObject({ "participants/dead/unconfirmed": 1 });
});

test("nothing that Hull says, and nothing that a fetch finds missing, deletes or archives anybody", async () => {
  const fixture = await open({ settings: { archive_on_leaving_segments: true } });
  const { plangrade } = fixture;
  const [one, two, three] = workforce(3, 2);
  if (one === undefined || two === undefined || three === undefined) throw new Error("There are three.");
  await fixture.deliver(aboutPeople([one, two, three]));
  const [first] = plangrade.records.participants.keys();
  if (first !== undefined) plangrade.records.remove("participant", first);
  await fixture.fetch();
  await fixture.fetch("force=1", "accounts");
  // Another company, no company, nothing left of them.
  await fixture.deliver(aboutPeople([{ ...changed(two, 1), account: one.account }]));
  await fixture.deliver(aboutPeople([{ ...changed(three, 1), account: { id: "" } }]));
  await fixture.deliver(aboutPeople([changed(one, 1, { email: null, first_name: null, ssn: null })]));
  expect(endings(fixture)).toEqual([]);
  expect(await fixture.outcomes()).toMatchObject({ "participants/skipped/other_company": 1 });
});
