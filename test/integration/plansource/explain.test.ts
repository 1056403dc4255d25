/** `/plansource/explain`: why somebody is not in PlanSource, and what would become of a notification. */
import { buildUserMessage } from "../../../simulators/hull";
import { about, employee, hire, LIFE_CYCLE_SETTINGS, mapping } from "../../fixture/employees";
import { minute } from "../../fixture/fixture";
import { STAFF, usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import type { Bag } from "../../fixture/settings";
import { bag, list } from "../../fixture/states";
import { ask } from "./asking";

const open = usePlanSource({
  settings: { ...LIFE_CYCLE_SETTINGS, subscriber_attributes_outbound: mapping("gender", "ssn", "current_salary") },
});
const SECRET = { ssn: "078-05-1120", current_salary: 71717.71 };
const VALUES = /078-?05-?1120|71717/;

/** An explanation; asking changes nothing in PlanSource or Hull. */
async function explain(opened: PlanSourceFixture, body: Bag) {
  const { fixture, plansource } = opened;
  const state = () => JSON.stringify([plansource.snapshot(), fixture.hull.profiles.snapshot()]);
  const before = state();
  const answer = await ask(opened, "POST /explain", { body });
  expect([answer.status, answer.text]).toEqual([200, expect.not.stringMatching(VALUES)]);
  expect(state()).toBe(before);
  const record = bag(list(answer.body["records"])[0]);
  const said = [answer.body["text"], record["text"]].flatMap(list).join(" ");
  return { body: answer.body, record, said };
}
const notification = (...messages: readonly unknown[]): Bag => ({ channel: "user:update", messages });

test("what is sent of a new employee is shown, and write-only values are hidden", async () => {
  const { record, said } = await explain(
    await open(),
    notification(...about([employee(1, { gender: "Female", ...SECRET })])),
  );
  expect(record).toMatchObject({
    entity: "user",
    type: "subscribers",
    checks: [
      { name: "Employees Filter", verdict: "passed" },
      { name: "subscriber_code", verdict: "passed" },
    ],
    mapped: {
      fields: { first_name: "Robin", ssn: "hidden", current_salary: "hidden" },
      keys: { subscriber_code: "emp-1" },
    },
    would: { outcome: "sent", code: "created" },
    requests: [{ kind: "create", fields: { gender: "F", ssn: "hidden", current_salary: "hidden" } }],
  });
  expect(JSON.stringify(record["told_to_hull"])).not.toMatch(/ssn|salary/);
  expect(said).toContain("PlanSource");
});

test("a termination is foretold with its reason as PlanSource takes it", async () => {
  const opened = await open();
  hire(opened.plansource.organization(), employee(1));
  const messages = about([employee(1, { left_on: "2025-06-30", left_because: "Resignation" })]);
  const { record } = await explain(opened, notification(...messages));
  expect(record).toMatchObject({
    would: { outcome: "sent", code: "ended" },
    requests: [{ kind: "end", fields: { termination_date: "2025-06-30", termination_reason: "QUIT" } }],
  });
});

test("somebody outside the segments is kept out by the filter, which is named", async () => {
  const opened = await open({ settings: { synchronized_segments: [STAFF] } });
  const messages = about([employee(1)]);
  const foretold = await explain(opened, notification(...messages));
  expect(foretold.record).toMatchObject({
    checks: [{ name: "Employees Filter", verdict: "failed", code: "outside_segments" }, { verdict: "passed" }],
    would: { outcome: "skipped", code: "outside_segments" },
    requests: [],
  });
  await opened.deliver(messages);
  const { record, said } = await explain(opened, { external_id: "emp-1" });
  expect(record).toMatchObject({
    known: { last_outcome: { outcome: "skipped", code: "outside_segments" }, link: null },
  });
  expect(said).toContain("does not belong to any of the synchronized segments");
});

test("a refused employee's reason and remedy are named", async () => {
  const opened = await open();
  await opened.deliver(about([employee(1, { gender: "Other", ...SECRET })]));
  const { record, said } = await explain(opened, { email: "emp-1@example.com" });
  expect(record).toMatchObject({
    known: { dead_letter: { outcome: "rejected", code: "value_not_allowed" }, link: null },
  });
  expect(said).toMatch(
    /gender: "Other"; allowed: M \(Male\), F \(Female\)\) Mend the cause, then replay the dead letter/,
  );
});

test("a value of a write-only field is refused by its form alone", async () => {
  const opened = await open();
  const { record, said } = await explain(opened, notification(...about([employee(1, { ssn: "078-05-112" })])));
  expect(record).toMatchObject({ would: { outcome: "rejected", code: "value_not_allowed" }, requests: [] });
  expect(said).toMatch(/ssn/);
  expect(JSON.stringify(record)).not.toContain("078-05-112");
});

test("what is remembered of an employee is shown, and how a change compares with it", async () => {
  const opened = await open();
  const { id } = hire(opened.plansource.organization(), employee(1), { gender: "F", ssn: SECRET.ssn });
  await opened.deliver(about([employee(1, { gender: "F", ...SECRET })]));
  const { record, said } = await explain(opened, { id: employee(1).id });
  expect(record).toMatchObject({
    known: { link: { remote_id: String(id) }, last_outcome: { outcome: "sent" }, outbox: null },
  });
  expect(said).toContain(`It is linked to subscribers ${id}`);
  const changed = employee(1, { gender: "M", ...SECRET, indexed_at: minute(1) });
  const foretold = await explain(opened, notification(buildUserMessage(changed)));
  expect(foretold.record["fields"]).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ field: "gender", verdict: "send" }),
      expect.objectContaining({ field: "last_name", verdict: "equal" }),
      expect.objectContaining({ field: "ssn", value: "hidden" }),
    ]),
  );
  expect(list(foretold.record["requests"])).toMatchObject([{ kind: "update", fields: { gender: "M" } }]);
});

test("somebody of whom nothing is known is looked up in PlanSource", async () => {
  const opened = await open();
  const { id } = hire(opened.plansource.organization(), employee(1));
  const { body, said } = await explain(opened, { external_id: "emp-1" });
  expect(body).toMatchObject({ records: [], shown_by_service: [{ type: "subscribers", id: String(id) }] });
  expect(said).toContain("Nothing is known under this name");
  expect((await explain(opened, { external_id: "nobody" })).body["shown_by_service"]).toEqual([]);
});
