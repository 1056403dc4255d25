/** Answers of PlanSource that get lost: nobody is there twice, and nobody is terminated or rehired twice. */
import type { FaultKind } from "../../simulators/loopback";
import type { WriteKind } from "../../simulators/plansource/books";
import { about, employee, hire, LIFE_CYCLE_SETTINGS, mapping, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import { IS_FULL } from "../full";

const open = usePlanSource({
  settings: LIFE_CYCLE_SETTINGS,
  // For a PlanSource that never answers.
  environment: { REQUEST_TIMEOUT_MS: "300" },
  // A second rehire would move the hire date once more.
  plansource: { switches: { rehireActive: "accepted" } },
});

const LOSSES: readonly { readonly how: string; readonly fault: FaultKind }[] = [
  { how: "to a reset after the write", fault: { kind: "reset-after" } },
  { how: "to a gateway's 502 after the write", fault: { kind: "status", status: 502, applied: true } },
  { how: "to a redirect after the write", fault: { kind: "status", status: 303, applied: true } },
  { how: "to a 500 after the write", fault: { kind: "status", status: 500, applied: true } },
  { how: "to a body that breaks off after the write", fault: { kind: "truncate" } },
  { how: "to an answer of another shape after the write", fault: { kind: "wrong-shape", form: "object" } },
  { how: "to an HTML page after the write", fault: { kind: "wrong-shape", form: "html" } },
  { how: "to an empty answer after the write", fault: { kind: "status", status: 200, body: "", applied: true } },
  { how: "to a reset before the write", fault: { kind: "reset-before" } },
  { how: "to a 503 before the write", fault: { kind: "status", status: 503 } },
  { how: "to an empty answer before the write", fault: { kind: "status", status: 200, body: "" } },
  { how: "because PlanSource never answers, after the write", fault: { kind: "stall-after" } },
  { how: "because PlanSource never answers, before the write", fault: { kind: "stall" } },
];

/** Settles everything, with a person who saves the settings again whenever the lane stands still. */
const settledWithHelp = ({ fixture }: PlanSourceFixture): Promise<void> => fixture.settledWithHelp();

const done = ({ plansource }: PlanSourceFixture, kind: WriteKind): number =>
  plansource.books.snapshot().writes.filter((write) => write.kind === kind).length;

const LEFT = { left_on: "2025-06-30", left_because: "QUIT" };

/** Every loss of a create; of what is no create, one of each kind: done, not done, never answered. */
const testOfFew = (fault: FaultKind) =>
  IS_FULL || ["reset-after", "reset-before", "truncate", "stall-after"].includes(fault.kind) ? test : undefined;

describe.each(LOSSES)("when an answer is lost $how", ({ fault }) => {
  test("a new employee is there once, and Hull is told the id", async () => {
    const fixture = await open();
    const { fixture: house, plansource } = fixture;
    const lost = plansource.faults.add({ ...fault, route: "POST /subscriber", count: 1 });
    await fixture.send(about([employee(1)]));
    await settledWithHelp(fixture);
    expect(lost.hits).toBe(1);
    expect([done(fixture, "create"), plansource.books.snapshot().duplicates]).toEqual([1, []]);
    const id = plansource.organization().byCode("emp-1")?.id;
    expect(house.profile("user", employee(1).id)["plansource/id"]).toBe(String(id));
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 1 });
  });

  testOfFew(fault)?.("a termination is done once", async () => {
    const fixture = await open();
    const { plansource } = fixture;
    const { id } = hire(plansource.organization(), employee(1), { hire_date: "2024-03-01" });
    const lost = plansource.faults.add({ ...fault, route: "PUT /subscriber/:id/terminate", count: 1 });
    await fixture.send(about([employee(1, { ...LEFT, indexed_at: minute(1) })]));
    await settledWithHelp(fixture);
    expect(lost.hits).toBe(1);
    expect(done(fixture, "terminate")).toBe(1);
    expect(plansource.organization().subscribers.get(id)).toMatchObject({
      status: "terminated",
      fields: { termination_date: "2025-06-30", termination_reason: "QUIT" },
    });
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/ended": 1 });
  });

  testOfFew(fault)?.("a rehire is done once, so that the first hire date is kept", async () => {
    const fixture = await open();
    const { plansource } = fixture;
    const { id } = plansource.organization().seed(
      {
        subscriber_code: "emp-1",
        first_name: "Robin",
        last_name: "Marsh 1",
        email: "emp-1@example.com",
        hire_date: "2024-03-01",
        termination_date: "2025-06-30",
      },
      "terminated",
    );
    const lost = plansource.faults.add({ ...fault, route: "PUT /subscriber/:id/rehire", count: 1 });
    await fixture.send(about([employee(1, { ...LEFT, back_on: "2025-09-01", indexed_at: minute(1) })]));
    await settledWithHelp(fixture);
    expect(lost.hits).toBe(1);
    expect(done(fixture, "rehire")).toBe(1);
    expect(plansource.organization().subscribers.get(id)).toMatchObject({
      status: "active",
      fields: { hire_date: "2025-09-01", original_hire_date: "2024-03-01" },
    });
    expect(Object.keys(await fixture.outcomes())).toEqual([expect.stringMatching(/^subscribers\/sent\//)]);
  });
});

test("a termination whose answer was lost with an update before it is looked at, and the update is not sent again", async () => {
  const fixture = await open();
  const { plansource } = fixture;
  hire(plansource.organization(), employee(1), { hire_date: "2024-03-01" });
  plansource.faults.add({ kind: "reset-after", route: "PUT /subscriber/:id/terminate", count: 1 });
  await fixture.send(about([employee(1, { ...LEFT, first_name: "Kim", indexed_at: minute(1) })]));
  await settledWithHelp(fixture);
  expect(plansource.books.snapshot().writes.map(({ kind }) => kind)).toEqual(["update", "terminate"]);
});

test("in id mode without a code, a create in doubt ends for a person, and is not tried again by the next message", async () => {
  const rows = mapping().filter(({ service_field_name: field }) => field !== "subscriber_code");
  const fixture = await open({ settings: { subscriber_key: "id", subscriber_attributes_outbound: rows } });
  const { plansource } = fixture;
  plansource.faults.add({ kind: "reset-after", route: "POST /subscriber", count: 1 });
  await fixture.send(about([employee(1)]));
  await settledWithHelp(fixture);
  expect(await fixture.outcomes()).toEqual({ "subscribers/dead/unconfirmed": 1 });
  await fixture.deliver(about([employee(1, { last_name: "Hale", indexed_at: minute(1) })]));
  expect(plansource.snapshot()).toHaveLength(1);
});

test("one lost answer keeps nobody else waiting, and nobody else is looked for again", async () => {
  const fixture = await open();
  const { plansource } = fixture;
  plansource.faults.add({ kind: "reset-after", route: "POST /subscriber", count: 1 });
  await fixture.send(about(staff(3)));
  await settledWithHelp(fixture);
  expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 3 });
  const looks = fixture.calls.flatMap(({ method, path }) => (method === "GET" ? [path.split("/").at(-1)] : []));
  expect(looks.filter((code) => code !== "emp-1").toSorted()).toEqual(["emp-2", "emp-3"]);
});

test("several lost answers in a row are an outage: the lane waits, and the rest is not tried", async () => {
  const fixture = await open();
  const { fixture: house, plansource, lane } = fixture;
  const outage = plansource.faults.add({ kind: "reset-before", route: "POST /subscriber" });
  await fixture.send(about(staff(100)));
  await house.until(async () => (await house.connector.store.pauses(lane)).length > 0);
  expect(outage.hits).toBeLessThan(30);
  outage.remove();
  await settledWithHelp(fixture);
  expect(plansource.snapshot()).toHaveLength(100);
  expect(plansource.books.snapshot().duplicates).toEqual([]);
});
