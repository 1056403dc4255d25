/** Whoever left all segments is terminated, whatever comes between: an outage, a hand that sends them, a wrong setting. */
import { buildUserMessage } from "../../simulators/hull";
import { employee } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { STAFF, usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import type { Bag } from "../fixture/settings";
import { operate } from "../integration/plansource/asking";

const open = usePlanSource({
  settings: {
    synchronized_segments: [STAFF],
    terminate_on_leaving_segments: true,
    termination_reason_default: "QUIT",
  },
});

const SEGMENT = {
  id: STAFF,
  name: "Staff",
  type: "users_segment",
  created_at: "",
  updated_at: "",
  stats: {},
} as const;
const inside = (at: number, more: Bag = {}) =>
  buildUserMessage(employee(1, { ...more, indexed_at: minute(at) }), { segments: [SEGMENT] });
const outside = (at: number, more: Bag = {}) => buildUserMessage(employee(1, { ...more, indexed_at: minute(at) }));
const leaving = (at: number) =>
  buildUserMessage(employee(1, { indexed_at: minute(at) }), { changes: { segments: { left: [SEGMENT] } } });

const robin = ({ plansource }: PlanSourceFixture) => plansource.organization().byCode("emp-1");

/** They leave while PlanSource is out of order. */
async function leavingInAnOutage(): Promise<PlanSourceFixture> {
  const fixture = await open();
  await fixture.deliver([inside(0)]);
  fixture.plansource.faults.add({ kind: "status", status: 503 });
  await fixture.send([leaving(1)]);
  const { store } = fixture.fixture.connector;
  await fixture.fixture.until(async () => (await store.pauses(fixture.lane)).length > 0);
  return fixture;
}

/** PlanSource is in order again. */
async function recovered(fixture: PlanSourceFixture): Promise<void> {
  fixture.plansource.faults.clear();
  fixture.fixture.advance(60);
  await fixture.fixture.settled();
}

test("who is sent by hand from outside while the termination waits is terminated all the same", async () => {
  const fixture = await leavingInAnOutage();
  await fixture.send([outside(2, { last_name: "Hale" })], { isExport: true });
  await recovered(fixture);
  expect(robin(fixture)).toMatchObject({ status: "terminated", fields: { last_name: "Hale" } });
});

test("who is back in the segments before the termination arrived stays", async () => {
  const fixture = await leavingInAnOutage();
  await fixture.send([inside(2)], { isExport: true });
  await recovered(fixture);
  expect(robin(fixture)).toMatchObject({ status: "active" });
});

test("a termination that is replayed after messages that the filter skipped is carried out", async () => {
  const fixture = await open({ settings: { termination_reason_default: "BORED" } });
  await fixture.deliver([inside(0)]);
  await fixture.deliver([leaving(1)]);
  await fixture.deliver([outside(2, { last_name: "Hale" })]);
  expect(await fixture.outcomes()).toEqual({
    "subscribers/sent/created": 1,
    "subscribers/rejected/termination_reason": 1,
    "subscribers/skipped/outside_segments": 1,
  });
  await fixture.saveSettings({ termination_reason_default: "QUIT" });
  expect((await operate(fixture, "POST /dead-letters/replay")).body).toMatchObject({ queued: 1 });
  await fixture.fixture.settled();
  expect(robin(fixture)).toMatchObject({ status: "terminated" });
});
