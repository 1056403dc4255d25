/** A batch that is only tried: it says who would be created, changed, terminated or refused, and writes nothing. */
import { begin, publish, userRow } from "../../fixture/batches";
import { employee, hire, LIFE_CYCLE_SETTINGS, mapping } from "../../fixture/employees";
import { EMPLOYER, usePlanSource } from "../../fixture/plansource";
import { operate } from "./asking";
import { list, bag } from "../../fixture/states";

const open = usePlanSource({
  settings: { ...LIFE_CYCLE_SETTINGS, subscriber_attributes_outbound: mapping("gender", "ssn") },
});
const SSN = "078-05-1120";

test("a dry batch foretells each employee's outcome; nothing is written anywhere", async () => {
  const opened = await open();
  const { fixture, plansource } = opened;
  for (const number of [2, 3]) hire(plansource.organization(), employee(number), { gender: "F" });
  const people = [
    employee(1, { gender: "Male", ssn: SSN }),
    employee(2, { gender: "M" }),
    employee(3, { gender: "F", left_on: "2025-06-30", left_because: "QUIT" }),
    employee(4, { gender: "Other" }),
    employee(5, { left_on: "2020-01-31", left_because: "QUIT" }),
  ];
  const { url } = publish(
    fixture,
    people.map((each) => userRow(each, {})),
  );
  const state = () => [plansource.snapshot(), fixture.hull.profiles.snapshot(), plansource.books.snapshot().writes];
  const before = state();

  const order = { simulate: true, verbose: true, connector: EMPLOYER, service: "plansource" };
  const id = await begin(fixture, url, order);
  const run = await fixture.ended(id);
  expect(run).toMatchObject({ state: "success", done: 5 });
  expect(run.counts).toEqual({
    "subscribers/sent/created": 1,
    "subscribers/sent/updated": 1,
    "subscribers/sent/ended": 1,
    "subscribers/rejected/value_not_allowed": 1,
    "subscribers/skipped/already_left": 1,
  });
  expect(state()).toEqual(before);
  expect(await opened.outcomes()).toEqual({});
  expect(await fixture.connector.store.deadLettersOf(opened.lane)).toEqual([]);

  const { body, text } = await operate(opened, `GET /runs/${id}`, { query: { lines: "10" } });
  expect(body).toMatchObject({ options: { simulate: true }, state: "success" });
  const lines = list(bag(body["report"])["lines"]).map(bag);
  const outcomes = lines.map((line) => [line["hull_id"], `${String(line["outcome"])}/${String(line["code"])}`]);
  expect(Object.fromEntries(outcomes)).toEqual({
    [employee(1).id]: "sent/created",
    [employee(2).id]: "sent/updated",
    [employee(3).id]: "sent/ended",
    [employee(4).id]: "rejected/value_not_allowed",
    [employee(5).id]: "skipped/already_left",
  });
  expect(text + JSON.stringify(fixture.logs)).not.toContain(SSN);
});
