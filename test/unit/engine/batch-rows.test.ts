/** Rows of a file as the messages that a notification would have carried. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { batchRow } from "../../../src/engine/runs/batch-rows";
import { readMessage } from "../../../src/engine/intake/message";
import type { BatchOrder } from "../../../src/engine/runs/orders";
import type { Json } from "../../../src/record";

type Row = Readonly<Record<string, Json>>;

const order = (more: Partial<BatchOrder> = {}): BatchOrder => ({
  url: "https://acme.s3.amazonaws.com/x",
  format: "json",
  entity: "user",
  segmentIds: [],
  ...more,
});
const good = (value: Row, index = 0) => ({ index, row: { ok: true, value } as const });
const rawOf = (value: Row, more: Partial<BatchOrder> = {}): unknown => batchRow("run-1", order(more), good(value)).raw;

test("a message's id names run and row, so that a row that is read twice counts once", () => {
  const ids = [0, 1, 41].map((index) => batchRow("run-1", order(), good({ id: "a" }, index)).messageId);
  expect(ids).toEqual(["run-1/0", "run-1/1", "run-1/41"]);
  expect(batchRow("run-2", order(), good({ id: "a" })).messageId).toBe("run-2/0");
  expect(rawOf({ id: "a" })).toMatchObject({ message_id: "run-1/0" });
});

test("an id of its own in a row's message_id column does not take its place", () => {
  expect(rawOf({ id: "a", message_id: "theirs" })).toMatchObject({ message_id: "run-1/0" });
});

test("a row that could not be read keeps its place and its problem", () => {
  const row = { index: 6, row: { ok: false, problem: "Row 7 is not valid JSON." } } as const;
  const made = batchRow("run-1", order(), row);
  expect(made).toMatchObject({ messageId: "run-1/6", problem: "Row 7 is not valid JSON." });
  expect(made.raw).toBeUndefined();
});

describe("users", () => {
  test("the embedded account is the message's account", () => {
    const raw = rawOf({ id: "u", email: "a@b.example", traits_x: 1, account: { id: "acc", name: "Acme" } });
    expect(raw).toEqual({
      user: { id: "u", email: "a@b.example", traits_x: 1, segment_ids: [] },
      account: { id: "acc", name: "Acme" },
      message_id: "run-1/0",
    });
  });

  test("columns of a CSV file become the account", () => {
    const raw = rawOf({ id: "u", "account.id": "acc", "account.external_id": "1", "account.planhat/id": "p" });
    expect(raw).toMatchObject({
      user: { id: "u", segment_ids: [] },
      account: { id: "acc", external_id: "1", "planhat/id": "p" },
    });
    expect((raw as { user: Row }).user).not.toHaveProperty(["account.id"]);
  });

  test("without an account there is an empty one", () => {
    expect(rawOf({ id: "u" })).toMatchObject({ account: {} });
    expect(rawOf({ id: "u", account: {} })).toMatchObject({ account: {} });
  });

  test("an account that is null is none, whatever columns say beside it", () => {
    expect(rawOf({ id: "u", account: null, "account.id": "acc" })).toMatchObject({ account: { id: "acc" } });
  });

  test("a name that only begins like account is the user's own", () => {
    expect(rawOf({ id: "u", account_note: "x", accounts: 2 })).toMatchObject({
      user: { account_note: "x", accounts: 2 },
    });
  });
});

describe("accounts", () => {
  test("the row itself is the account", () => {
    const raw = rawOf({ id: "acc", name: "Acme", segment_ids: ["s"] }, { entity: "account" });
    expect(raw).toEqual({ account: { id: "acc", name: "Acme", segment_ids: ["s"] }, message_id: "run-1/0" });
  });
});

describe("segments", () => {
  test.each<[string, Json, readonly string[]]>([
    ["a list", ["a", "b"], ["a", "b"]],
    ["a list with strange items", ["a", 1, null, { b: 1 }, 1e21], ["a", "1"]],
    ["JSON in one cell", '["a","b"]', ["a", "b"]],
    ["JSON with blanks", '[ "a", "b" ]', ["a", "b"]],
    ["commas", "a,b", ["a", "b"]],
    ["commas and blanks", "a, b", ["a", "b"]],
    ["blanks", "a b", ["a", "b"]],
    ["semicolons", "a;b", ["a", "b"]],
    ["bars", "a|b", ["a", "b"]],
    ["single quotes", "['a', 'b']", ["a", "b"]],
    ["one id", "5bd720690026ca86b000004f", ["5bd720690026ca86b000004f"]],
    ["nothing", "", []],
    ["an empty list", [], []],
    ["an empty list in one cell", "[]", []],
    ["null", null, []],
    ["a number", 4, ["4"]],
    ["digits beyond what a number holds", "[9007199254740993]", ["9007199254740993"]],
    ["the same one twice", ["a", "a"], ["a"]],
  ])("%s", (_name, given, ids) => {
    expect(rawOf({ id: "u", segment_ids: given })).toMatchObject({ user: { segment_ids: ids } });
  });

  test("those of the query come on top, once", () => {
    const raw = rawOf({ id: "u", segment_ids: "a,q" }, { segmentIds: ["q", "r"] });
    expect(raw).toMatchObject({ user: { segment_ids: ["a", "q", "r"] } });
    expect(rawOf({ id: "u" }, { segmentIds: ["q"] })).toMatchObject({ user: { segment_ids: ["q"] } });
  });

  test("they are the segments of the message, for users and for accounts", () => {
    for (const entity of ["user", "account"] as const) {
      const context = { entity, isExport: true, receivedAtMs: 5, version: 3 };
      const read = readMessage(rawOf({ id: "x", segment_ids: "a,b" }, { entity }), context);
      expect(read).toMatchObject({
        ok: true,
        message: {
          id: "x",
          version: 3,
          isExport: true,
          [entity === "user" ? "segmentIds" : "accountSegmentIds"]: ["a", "b"],
        },
      });
    }
  });
});

test("a row as Hull wrote it is read as a message of that user and account, as old as the request", () => {
  const path = join(__dirname, "../../fixtures/extracts/row-user.segment-2018.json");
  const row = JSON.parse(readFileSync(path, "utf8")) as Row;
  const context = { entity: "user", isExport: true, receivedAtMs: 5, version: 3 } as const;
  expect(readMessage(rawOf(row), context)).toMatchObject({
    ok: true,
    message: {
      id: "5bd329d5e2bcf3eeaf000099",
      version: 3,
      account: { id: "5bd329d4e2bcf3eeaf000078", external_id: "company-org-externalkey" },
      segmentIds: ["5bd720690026ca86b000004f"],
      events: [],
    },
  });
});

test("whatever stands in a row, it becomes a message or a problem, and names such as __proto__ do no harm", () => {
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom("__proto__", "account", "account.__proto__", "segment_ids", "id"),
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.jsonValue()), fc.constantFrom("user", "account"), (value, entity) => {
      const made = batchRow("run-1", order({ entity }), good(JSON.parse(JSON.stringify(value)) as Row));
      const read = readMessage(made.raw, { entity, isExport: true, receivedAtMs: 1, version: 1 });
      expect(read.ok ? read.message.messageId : read.messageId).toBe("run-1/0");
      expect(Object.prototype).not.toHaveProperty("id");
    }),
    { seed: 20_260_101, numRuns: 500 },
  );
});
