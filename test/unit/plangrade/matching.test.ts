/** Which record it is: plangrade's lists, and the engine's rule over what they showed. */
import { identify, type Identity } from "../../../src/engine/rules/identity";
import type { Found, Wanted } from "../../../src/services/connection";
import { COMPANIES, COMPANY_EVENTS, PARTICIPANTS } from "../../../src/services/plangrade/objects";
import { find, read, type Reading } from "../../../src/services/plangrade/remote/find";
import { listPage } from "../../../src/services/plangrade/remote/list";
import { createLists } from "../../../src/services/plangrade/remote/lists";
import { mappedFields } from "../../../src/services/plangrade/settings/settings";
import { Book, refusal } from "./book";
import { settingsOf } from "./messages";

const ANN = { first_name: "Ann", last_name: "Lee", email: "ann@acme.example", dob: "1980-01-31", zip: "02139" };
const KEYS = { email: "ann@acme.example", name_and_dob: "ann lee 1980-01-31" };

let book: Book;
let reading: Reading;
let nowMs: number;

beforeEach(() => {
  book = new Book();
  nowMs = 1_000;
  reading = { rest: book.rest, lists: createLists(() => nowMs), clock: () => nowMs };
  book.company(1, { name: "Acme", ein: "123456789", grade: "A" });
  book.company(2, { name: "Other", ein: 12345678 });
});

const look = (type: string, ...wanted: readonly Partial<Wanted>[]): Promise<Found> =>
  find(
    reading,
    type,
    wanted.map((each) => ({ keys: {}, fresh: false, ...each })),
    mappedFields(type, settingsOf()),
  );

async function match(type: typeof COMPANIES, wanted: Partial<Wanted>): Promise<Identity> {
  const { records } = await look(type.name, wanted);
  const rows = records.map((record) => ({ ...record, facts: {}, generation: 1 }));
  return identify(type, { hullId: "h", keys: {}, ...wanted }, rows);
}

describe("a company", () => {
  it("is found by its EIN, however plangrade writes it", async () => {
    expect(await match(COMPANIES, { keys: { ein: "012345678" } })).toMatchObject({ kind: "match", row: { id: "2" } });
    expect(await match(COMPANIES, { keys: { ein: "999999999" } })).toMatchObject({ kind: "absent" });
    expect(book.calls).toEqual(["list companies", "list companies"]);
  });

  it("is not chosen among several", async () => {
    book.company(3, { name: "Acme again", ein: "12-3456789" });
    expect(await match(COMPANIES, { keys: { ein: "123456789" } })).toEqual({ kind: "ambiguous", ids: ["1", "3"] });
  });

  it("without EIN is read by the id that Hull remembers", async () => {
    book.company(3, { name: "No EIN" });
    expect(await match(COMPANIES, { hintId: "3" })).toMatchObject({ kind: "match", row: { id: "3" } });
    expect(await look(COMPANIES.name, { hintId: "9" })).toMatchObject({ exhaustive: [true] });
  });

  it.each(["archive", "../users/1", "0", "4x", ""])("is not read by what is no id (%s)", async (hintId) => {
    expect(await look(COMPANIES.name, { hintId })).toMatchObject({ exhaustive: [true] });
    expect(book.calls).toEqual(["list companies"]);
  });

  it.each([400, 403, 410, 422])("whose remembered id is refused (%d) holds nobody up", async (status) => {
    book.failures.set("read companies", refusal(status));
    const found = await look(COMPANIES.name, { hintId: "9" });
    expect([found.exhaustive, found.problem]).toEqual([[true], undefined]);
  });

  it.each([401, 500])("whose remembered id cannot be asked for (%d) is not said to be absent", async (status) => {
    book.failures.set("read companies", refusal(status));
    expect(await look(COMPANIES.name, { hintId: "9" })).toMatchObject({ exhaustive: [false], problem: {} });
  });
});

describe("a participant", () => {
  it("is found in its company by e-mail, in any case", async () => {
    book.participant(11, 1, { ...ANN, email: " Ann@ACME.example " });
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1" })).toMatchObject({
      kind: "match",
      row: { id: "11" },
    });
  });

  it("is found by name and day of birth where no e-mail fits", async () => {
    book.participant(11, 1, { ...ANN, first_name: "ANN", email: null, dob: "01/31/1980" });
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1" })).toMatchObject({
      kind: "match",
      row: { id: "11" },
    });
  });

  it.each([
    ["the e-mail", ANN, { ...ANN, first_name: "Bob" }],
    ["name and day of birth", { ...ANN, email: "a@x.example" }, { ...ANN, email: "b@x.example" }],
  ])("is not chosen among several with %s", async (_what, first, second) => {
    book.participant(11, 1, first);
    book.participant(12, 1, second);
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1" })).toEqual({ kind: "ambiguous", ids: ["11", "12"] });
  });

  it("of another company is another person", async () => {
    book.participant(11, 2, ANN);
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1" })).toMatchObject({ kind: "absent" });
  });

  it("of another company is recognised by the id that Hull remembers", async () => {
    book.participant(11, 2, ANN);
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1", hintId: "11" })).toMatchObject({
      kind: "match",
      moved: true,
      row: { id: "11" },
    });
  });

  it.each([5, 0, null])("is never a dependent (employee_id %p)", async (employee_id) => {
    book.participant(11, 1, { ...ANN, employee_id });
    expect(await match(PARTICIPANTS, { keys: KEYS, parentId: "1", hintId: "11" })).toMatchObject({ kind: "absent" });
  });

  it("costs one list for all of a company, for a while", async () => {
    await look(PARTICIPANTS.name, { keys: KEYS, parentId: "1" }, { keys: { email: "b@x.example" }, parentId: "1" });
    await look(PARTICIPANTS.name, { keys: KEYS, parentId: "1" });
    expect(book.calls).toEqual(["list participants 1"]);
    await look(PARTICIPANTS.name, { keys: KEYS, parentId: "1", fresh: true });
    nowMs += 60_001;
    await look(PARTICIPANTS.name, { keys: KEYS, parentId: "1" });
    expect(book.calls).toHaveLength(3);
  });

  it("is not said to be absent when the list cannot be read", async () => {
    book.failures.set("list participants", refusal(503));
    expect(await look(PARTICIPANTS.name, { keys: KEYS, parentId: "1" })).toMatchObject({
      exhaustive: [false],
      problem: { kind: "transient" },
    });
  });

  it("of a company that is gone is nowhere, and no other waits for it", async () => {
    const found = await look(PARTICIPANTS.name, { keys: KEYS, parentId: "9" }, { keys: KEYS, parentId: "1" });
    expect(found).toMatchObject({ exhaustive: [true, true], problem: undefined });
  });
});

describe("reading what is known", () => {
  const people = (...ids: readonly string[]) => ids.map((id) => ({ id, parentId: "1" }));

  it("asks for few one by one, and for many once", async () => {
    for (const id of [11, 12, 13]) book.participant(id, 1, { ...ANN, ssn: "0123" });
    const few = await read(reading, PARTICIPANTS.name, people("11", "99"), ["zip", "ssn", "company_id"]);
    expect(few).toMatchObject({ gone: ["99"], records: [{ id: "11", parentId: "1" }] });
    expect(few.records[0]?.fields).toEqual({ zip: "02139", company_id: "1" });
    const many = await read(reading, PARTICIPANTS.name, people("11", "12", "13"), []);
    expect(many.records.map(({ id }) => id)).toEqual(["11", "12", "13"]);
    expect(book.calls).toEqual(["read participants 11", "read participants 99", "list participants 1"]);
  });

  it("shows a former employee without keys, so that nobody is taken for one", async () => {
    book.participant(11, 1, { ...ANN, employee_id: 5 });
    expect(await read(reading, PARTICIPANTS.name, people("11"), [])).toMatchObject({ records: [{ keys: {} }] });
  });
});

describe("a fetch", () => {
  it("of what happened in a company has no digits of anybody's number", async () => {
    const happened = { id: 5, name: "Plan filed", start_time: "2025-06-01T10:00:00Z" };
    const rest = {
      ...book.rest,
      activities: () => Promise.resolve([{ ...happened, ssn: "0123" }]),
      notices: () => Promise.resolve([]),
    };
    const { rows } = await listPage({ ...reading, rest }, COMPANY_EVENTS.name, [], undefined, {
      claimsEin: true,
      claims: {},
    });
    expect(rows.map(({ event }) => event?.properties)).toEqual([happened]);
  });

  const page = (type: string, from?: string) => listPage(reading, type, ["zip"], from, { claimsEin: true, claims: {} });

  it("shows companies with their grade", async () => {
    const { rows, next } = await page(COMPANIES.name);
    expect(next).toBeUndefined();
    expect(rows[0]?.claims).toEqual({ external_id: "123456789" });
    expect(rows[0]?.attributes).toEqual([
      { field: "id", attribute: "plangrade/id", value: "1" },
      { field: "name", attribute: "plangrade/name", value: "Acme" },
      { field: "ein", attribute: "plangrade/ein", value: "123456789" },
      { field: "grade", attribute: "plangrade/grade", value: "A" },
    ]);
  });

  it("shows the employees of one company after the other, and neither dependents nor numbers", async () => {
    book.participant(11, 1, { ...ANN, ssn: "0123" });
    book.participant(12, 1, { ...ANN, employee_id: 11 });
    book.participant(21, 2, ANN);
    const first = await page(PARTICIPANTS.name);
    expect(first.rows).toMatchObject([{ id: "11", claims: { email: "ann@acme.example" }, record: { parentId: "1" } }]);
    expect(JSON.stringify(first)).not.toContain("0123");
    const last = await page(PARTICIPANTS.name, first.next);
    expect(last).toMatchObject({ rows: [{ id: "21" }], partial: true });
    expect(last.next).toBeUndefined();
    expect(book.calls).toEqual(["list companies", "list participants 1", "list participants 2"]);
  });

  it("goes on where companies came and went meanwhile", async () => {
    const { next } = await page(PARTICIPANTS.name);
    book.companies.delete("2");
    book.company(10, { name: "New" });
    expect(await page(PARTICIPANTS.name, next)).toMatchObject({ rows: [] });
    nowMs += 60_001;
    await page(PARTICIPANTS.name, next);
    expect(book.calls.at(-1)).toBe("list participants 10");
  });
});
