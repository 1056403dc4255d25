import type { Intent } from "../../../src/services/connection";
import { createLists } from "../../../src/services/plangrade/remote/lists";
import { mappedFields } from "../../../src/services/plangrade/settings/settings";
import { nextFor, prepareRecord } from "../../../src/services/plangrade/write/prepare";
import { writeOne, type WriteDeps } from "../../../src/services/plangrade/write/single";
import { Book, lostAnswer, refusal } from "./book";
import { containing, settingsOf } from "./messages";

const FIELDS = {
  first_name: "Ann",
  last_name: "Lee",
  street1: "1 Main St",
  city: "Boston",
  state: "MA",
  zip: "02139",
  dob: "1980-01-31",
};

let book: Book;
let deps: WriteDeps;

beforeEach(() => {
  book = new Book();
  book.company(1, { name: "Acme", ein: "123456789" });
  deps = {
    rest: book.rest,
    lists: createLists(() => 0),
    clock: () => 0,
    fieldsOf: (type) => mappedFields(type, settingsOf()),
    lost: { inARow: 0 },
  };
});

const write = (type: "companies" | "participants", intent: Partial<Intent>) =>
  writeOne(deps, type, { kind: "update", keys: {}, fields: {}, namesake: false, ...intent });

const lastBody = (): unknown => JSON.parse(/\{.*\}$/.exec(book.calls.at(-1) ?? "")?.[0] ?? "null");

describe("a new participant", () => {
  const desired = { fields: { ...FIELDS, ssn: "0123" }, keys: {}, cleared: [] };
  const { ssn: _, ...withoutSsn } = desired.fields;

  it("needs the last four digits; one whom plangrade has does not", () => {
    const incomplete = { ...desired, fields: withoutSsn };
    expect(prepareRecord("participants", desired, undefined).kind).toBe("ready");
    expect(prepareRecord("participants", incomplete, { archived: false, holds: {} }).kind).toBe("ready");
    expect(prepareRecord("participants", incomplete, undefined)).toMatchObject({
      outcome: "skipped",
      reason: { code: "incomplete", text: containing("(ssn)") },
    });
  });

  it("is created as an employee of the company, with the digits", async () => {
    const fields = { ...desired.fields, company_id: "1" };
    const { result } = await write("participants", { kind: "create", parentId: "1", fields });
    expect(result).toEqual({ kind: "created", remoteId: "101" });
    expect(lastBody()).toEqual({ ...fields, employee_id: 0 });
  });

  it("is in the list that others are looked for in, without the digits", async () => {
    await deps.lists.participants(deps.rest, "1", false);
    await write("participants", { kind: "create", parentId: "1", fields: { ...desired.fields, company_id: "1" } });
    const rows = await deps.lists.participants(deps.rest, "1", false);
    expect(rows).toMatchObject([{ id: "101", employee_id: "101", first_name: "Ann" }]);
    expect(JSON.stringify(rows)).not.toContain("0123");
  });

  it("of a new company costs no list", async () => {
    const { result } = await write("companies", { kind: "create", fields: { name: "New", ein: "111111111" } });
    expect(result).toEqual({ kind: "created", remoteId: "101" });
    expect(await deps.lists.participants(deps.rest, "101", false)).toEqual([]);
    expect(book.calls).toHaveLength(1);
  });

  it("whose answer was lost is looked for; after an outage all wait", async () => {
    const create = async () => {
      book.failures.set("create participants", lostAnswer());
      return write("participants", { kind: "create", parentId: "1", fields: desired.fields });
    };
    expect(await create()).toMatchObject({ result: { kind: "unconfirmed" } });
    expect((await create()).problem).toBeUndefined();
    expect(await create()).toMatchObject({ problem: { kind: "transient", scope: "lane" } });
  });

  it("may have been made when plangrade leads to another page", async () => {
    book.failures.set("create participants", refusal(302, undefined));
    const { result } = await write("participants", { kind: "create", parentId: "1", fields: FIELDS });
    expect(result.kind).toBe("unconfirmed");
  });

  it.each([404, 422])("is refused in plangrade's words (%d)", async (status) => {
    book.failures.set("create participants", refusal(status, { errors: ["Zip is invalid."] }));
    const { result, problem } = await write("participants", { kind: "create", parentId: "1", fields: FIELDS });
    expect(result).toEqual({ kind: "rejected", message: "Zip is invalid", status });
    expect(problem).toBeUndefined();
  });
});

describe("a company that is refused", () => {
  const create = (ein: string) => {
    book.failures.set("create companies", refusal(422));
    return write("companies", { kind: "create", fields: { name: "Acme", ein } });
  };

  it("is looked up where plangrade has its EIN once", async () => {
    expect((await create("123456789")).result.kind).toBe("unconfirmed");
    expect(book.calls.at(-1)).toBe("list companies");
  });

  it("is refused where plangrade does not have it, and ambiguous where it has it twice", async () => {
    expect((await create("222222222")).result).toEqual({ kind: "rejected", message: "Refused", status: 422 });
    book.company(2, { name: "Twin", ein: "123456789" });
    expect((await create("123456789")).result).toMatchObject({ kind: "skipped", reason: { code: "ambiguous" } });
  });
});

describe("a change", () => {
  const stored = { ...FIELDS, email: "ann@acme.example", phone: 6175550100, street2: null, zip: 2139, ssn: "9999" };

  it("sends what plangrade shows, overlaid by what changed, and never the digits", async () => {
    book.participant(11, 1, { ...stored, created_at: "2014-11-08" });
    const fields = { city: "Salem", email: "", ssn: "0123", company_id: "1" };
    const { result } = await write("participants", { remoteId: "11", parentId: "1", fields });
    expect(result).toMatchObject({
      kind: "updated",
      record: { fields: { city: "Salem", email: "", street2: "", zip: "02139" } },
    });
    expect(book.calls).toHaveLength(2);
    expect(lastBody()).toEqual({ ...FIELDS, phone: "6175550100", city: "Salem", email: "", employee_id: "11" });
  });

  it("of a company has name and EIN", async () => {
    const { result } = await write("companies", { remoteId: "1", fields: { name: "Acme Inc" } });
    expect(result.kind).toBe("updated");
    expect(lastBody()).toEqual({ name: "Acme Inc", ein: "123456789" });
  });

  it.each([
    ["somebody's dependent", { employee_id: 5 }, "dependent"],
    ["somebody archived", { archived: true }, "archived"],
    ["an employee of another company", { company_id: 2 }, "other_company"],
  ])("leaves %s alone", async (_who, more, code) => {
    book.participant(11, 1, { ...stored, ...more });
    const { result } = await write("participants", { remoteId: "11", parentId: "1", fields: { city: "Salem" } });
    expect(result).toMatchObject({ kind: "skipped", reason: { code } });
    expect(book.calls).toEqual(["read participants 11"]);
  });

  it("of somebody who is gone says so", async () => {
    const { result } = await write("participants", { remoteId: "11", parentId: "1", fields: { city: "Salem" } });
    expect(result).toEqual({ kind: "gone" });
  });
});

describe("archiving", () => {
  const archive = () => write("participants", { kind: "end", remoteId: "11" });
  const leaving = { fields: {}, keys: {}, cleared: [], state: "ended" } as const;

  it("is one call for an employee, and remembered even if plangrade does not show it", async () => {
    book.participant(11, 1, FIELDS);
    const { result } = await archive();
    expect(result).toMatchObject({ kind: "ended", record: { archived: true, fields: { standing: "archived" } } });
    expect(book.calls).toEqual(["read participants 11", "archive participants 11"]);
    const known = { archived: false, holds: { standing: "archived" } };
    expect(nextFor(leaving, known)).toBeUndefined();
    expect(prepareRecord("participants", { fields: FIELDS, keys: {}, cleared: [] }, known)).toMatchObject({
      outcome: "skipped",
      reason: { code: "archived" },
    });
  });

  it.each([
    ["was lost", lostAnswer()],
    ["leads to another page", refusal(302, undefined)],
  ])("is not repeated by itself when its answer %s", async (_what, answer) => {
    book.participant(11, 1, FIELDS);
    book.failures.set("archive participants", answer);
    expect((await archive()).result.kind).toBe("unconfirmed");
  });

  it("follows only for those who are to leave and are there", () => {
    expect(nextFor(leaving, { archived: false, holds: {} })).toBe("end");
    expect(nextFor(leaving, { archived: true, holds: {} })).toBeUndefined();
    expect(nextFor({ fields: FIELDS, keys: {}, cleared: [] }, { archived: true, holds: {} })).toBeUndefined();
  });

  it("is never done to a dependent, nor twice", async () => {
    book.participant(11, 1, { ...FIELDS, employee_id: 5 });
    expect((await archive()).result).toMatchObject({ kind: "skipped", reason: { code: "dependent" } });
    book.participant(11, 1, { ...FIELDS, archived_at: "2015-01-01" });
    expect((await archive()).result).toMatchObject({ kind: "ended" });
    expect(book.calls).toEqual(["read participants 11", "read participants 11"]);
  });

  it.each([
    ["a lost answer", lostAnswer(), "unconfirmed"],
    ["500", refusal(500), "unconfirmed"],
    ["429", refusal(429), "later"],
    ["404", refusal(404), "gone"],
    ["400", refusal(400), "rejected"],
  ])("is not called done after %s", async (_what, failure, kind) => {
    book.participant(11, 1, FIELDS);
    book.failures.set("archive participants", failure);
    expect((await archive()).result.kind).toBe(kind);
  });
});
