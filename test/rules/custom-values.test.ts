/** What goes in is what Planhat holds, by its own definition of the field, or a warning names the field. */
import fc from "fast-check";
import { buildUserMessage } from "../../simulators/hull";
import { carryOut, rowsOf } from "../fixture/batches";
import { account, row, useFixtures, user, type Bag } from "../fixture/fixture";

const open = useFixtures();

/** What Hull says, and what becomes of it. */
interface Case {
  readonly said: unknown;
  /** Absent: it is left out, and a warning names the field. */
  readonly held?: unknown;
}

const CHOICES = ["Gold", "Silver", "Food, drinks", "007", "true"];

const held = <T>(said: fc.Arbitrary<T>, form: (value: T) => unknown = (value) => value): fc.Arbitrary<Case> =>
  said.map((value) => ({ said: value, held: form(value) }));
const leftOut = (said: fc.Arbitrary<unknown>): fc.Arbitrary<Case> => said.map((value) => ({ said: value }));

const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((value) => value + 0),
);
/** Neither a list's brackets nor blanks alone: in a file they could be a list, or nothing. */
const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
  .filter((value) => value.trim() === value && value !== "" && !/^\[|\0|\p{Cs}/u.test(value));
const junk = fc.constantFrom("n/a", "yes", "twelve", "soon", "1,5", "5 €", "--");
const choice = fc.constantFrom(...CHOICES);
const choices = fc.uniqueArray(choice, { minLength: 1 });
const instant = fc.date({
  min: new Date("1991-01-01T00:00:00Z"),
  max: new Date("2099-01-01T00:00:00Z"),
  noInvalidDate: true,
});

const FIELDS: Readonly<Record<string, { readonly definition: Bag; readonly cases: fc.Arbitrary<Case> }>> = {
  Number: {
    definition: { type: "number" },
    cases: fc.oneof(held(number), held(number.map(String), Number), leftOut(junk), leftOut(fc.boolean())),
  },
  Rating: { definition: { type: "rating" }, cases: fc.oneof(held(fc.integer()), leftOut(junk)) },
  Text: {
    definition: { type: "text" },
    cases: fc.oneof(held(text), held(fc.integer(), String), held(fc.boolean(), String)),
  },
  Checkbox: {
    definition: { type: "checkbox" },
    cases: fc.oneof(
      held(fc.boolean()),
      held(fc.boolean().map(String), (value) => value === "true"),
      leftOut(junk),
    ),
  },
  Day: {
    definition: { type: "day" },
    cases: fc.oneof(
      held(instant.map((date) => date.toISOString())),
      held(
        instant.map((date) => date.toISOString().slice(0, 10)),
        (day) => `${day}T00:00:00.000Z`,
      ),
      leftOut(junk),
      leftOut(fc.boolean()),
    ),
  },
  List: {
    definition: { type: "list", listValues: CHOICES },
    cases: fc.oneof(held(choice), leftOut(junk), leftOut(choice.map((each) => `${each}!`))),
  },
  Multi: {
    definition: { type: "multipicklist", listValues: CHOICES },
    cases: fc.oneof(
      held(choices),
      held(choice, (each) => [each]),
      held(
        choices.map((list) => JSON.stringify(list)),
        (list) => JSON.parse(list) as unknown,
      ),
      leftOut(junk),
      leftOut(choices.map((list) => [...list, "else"])),
    ),
  },
  Members: {
    definition: { type: "team members" },
    cases: held(fc.uniqueArray(fc.constantFrom("5e1000000000000000000001", "5e1000000000000000000002"))),
  },
};
const NAMES = Object.keys(FIELDS);

/** Some of the fields; the others are not in the message. */
const someone: fc.Arbitrary<Readonly<Record<string, Case>>> = fc
  .tuple(
    fc.subarray(NAMES),
    fc.record(Object.fromEntries(Object.entries(FIELDS).map(([name, { cases }]) => [name, cases]))),
  )
  .map(([names, cases]) => Object.fromEntries(names.flatMap((name) => (cases[name] ? [[name, cases[name]]] : []))));

const SETTINGS = {
  contact_custom_attributes_outbound: NAMES.map((name) => row(`traits_${name.toLowerCase()}`, name)),
};

test.each(["messages", "a JSON file", "a CSV file"])("in %s", async (way) => {
  const people = fc.sample(someone, { seed: way.length, numRuns: 200 });
  const fixture = await open({
    settings: SETTINGS,
    customFields: NAMES.map((name) => ({ name, parent: "EndUser", ...FIELDS[name]?.definition })),
  });
  const users = people.map((cases, at) => {
    const traits = Object.entries(cases).map(([name, { said }]) => [`traits_${name.toLowerCase()}`, said]);
    return user(at + 1, Object.fromEntries(traits) as Bag);
  });
  fixture.seed([account(1)], users);
  if (way === "messages") {
    const messages = users.map((each) => buildUserMessage(each, { account: account(1) }));
    await fixture.send("user:update", messages);
  } else await carryOut(fixture, rowsOf(users), { format: way === "a CSV file" ? "csv" : "json" });
  await fixture.settled();
  await fixture.restart();

  const found = new Map(fixture.endusers().map((each) => [each["externalId"], each["custom"]]));
  const warned = new Map<unknown, string>();
  for (const { message, context, data } of fixture.logs) {
    if (message === "outgoing.user.success") warned.set(context?.["user_id"], JSON.stringify(data?.["warnings"] ?? ""));
  }
  people.forEach((cases, at) => {
    const { id, external_id: externalId } = user(at + 1);
    const kept = Object.entries(cases).flatMap(([name, each]) => ("held" in each ? [[name, each.held] as const] : []));
    const custom = kept.length === 0 ? undefined : Object.fromEntries(kept);
    expect({ externalId, custom: found.get(externalId) }).toEqual({ externalId, custom });
    const named = NAMES.filter((name) => (warned.get(id) ?? "").includes(`custom.${name}`));
    expect({ externalId, named }).toEqual({
      externalId,
      named: NAMES.filter((name) => cases[name] !== undefined && !("held" in cases[name])),
    });
  });
  // None of it comes again.
  const before = fixture.written("endusers").length;
  await fixture.deliver(
    "user:update",
    users.map((each) =>
      buildUserMessage({ ...each, indexed_at: new Date(Date.now() + 1_000).toISOString() }, { account: account(1) }),
    ),
  );
  expect(fixture.written("endusers")).toHaveLength(before);
});
