import fc from "fast-check";
import { itemOf } from "../../../src/services/planhat/write/match-errors";
import type { Item } from "../../../src/services/planhat/write/match-errors";
import { foldAnswer } from "../../../src/services/planhat/write/fold";
import type { Intent, Result } from "../../../src/services/connection";

fc.configureGlobal({ seed: 20260101 });

type Fate = "done" | "unchanged" | "failed" | "dropped";
type Shape = "text" | "item" | "keys" | "index" | "sentence" | "nested";

const create = (name: string, short = false): Intent => ({
  kind: "create",
  parentId: "c1",
  keys: { externalId: short ? name : `person-${name}`, email: `${name}@x.example` },
  fields: { name: "N", companyId: "c1" },
  namesake: false,
});
const update = (name: string): Intent => ({
  kind: "update",
  remoteId: `5e0000000000000000000${name.padStart(3, "0")}`,
  keys: {},
  fields: { name: "N" },
  namesake: false,
});
const items = (...intents: Intent[]) => intents.map((intent) => itemOf("endusers", intent));
const resultsOf = (sent: readonly Item[], body: unknown, status = 200) => fold(sent, body, status).results;
const fold = (sent: readonly Item[], body: unknown, status = 200) => foldAnswer("endusers", sent, status, body);

interface Forms {
  readonly shape: Shape;
  readonly nonupdates: "counted" | "named" | "among";
  readonly keys: "full" | "id-only";
}

function element(shape: Shape, item: Item, index: number): unknown {
  const keys = Object.fromEntries(item.keys.map(({ name, value }) => [name, value]));
  const [key] = item.keys;
  switch (shape) {
    case "text":
      return "Value is not valid";
    case "item":
      return { item: item.body, error: "Value is not valid" };
    case "keys":
      return { ...keys, message: "Value is not valid" };
    case "index":
      return { index, message: "Value is not valid" };
    case "sentence":
      return `Value is not valid for ${key?.name ?? ""}: "${key?.value ?? ""}".`;
    case "nested":
      return { errors: [{ op: { q: keys }, err: { message: "Value is not valid" } }] };
  }
}

/** The answer of a Planhat that did to every item what its fate says. */
function answerOf(sent: readonly Item[], fates: readonly Fate[], { shape, nonupdates, keys }: Forms) {
  const named = (item: Item, _id: string) =>
    keys === "full" ? { ...Object.fromEntries(item.keys.map(({ name, value }) => [name, value])), _id } : { _id };
  const createdErrors: unknown[] = [];
  const updatedErrors: unknown[] = [];
  const insertsKeys: unknown[] = [];
  const updatesKeys: unknown[] = [];
  let unchanged = 0;
  let updated = 0;
  sent.forEach((item, index) => {
    const fate = fates[index];
    const id = item.intent.remoteId ?? `new-${index}`;
    if (fate === "failed")
      (item.intent.kind === "create" ? createdErrors : updatedErrors).push(element(shape, item, index));
    else if (fate === "dropped") return;
    else if (item.intent.kind === "create") insertsKeys.push(named(item, id));
    else if (fate === "done") {
      updated += 1;
      updatesKeys.push(named(item, id));
    } else {
      unchanged += 1;
      if (nonupdates === "named") updatesKeys.push(named(item, id));
    }
  });
  return {
    created: insertsKeys.length,
    createdErrors,
    insertsKeys: insertsKeys.reverse(),
    updated: nonupdates === "among" ? updated + unchanged : updated,
    updatedErrors,
    updatesKeys,
    nonupdates: unchanged,
    modified: [],
    upsertedIds: [],
    permissionErrors: [],
  };
}

/** Whether a result may be given to an item of this fate. Leaving it open is always allowed. */
function isTrue(result: Result | undefined, item: Item, fate: Fate | undefined, index: number): boolean {
  if (result === undefined) return true;
  if (fate === "failed") return result.kind === "rejected";
  if (fate === "dropped") return false;
  return item.intent.kind === "create"
    ? result.kind === "created" && result.remoteId === `new-${index}`
    : result.kind === "updated";
}

const forms: fc.Arbitrary<Forms> = fc.record({
  shape: fc.constantFrom("text", "item", "keys", "index", "sentence", "nested"),
  nonupdates: fc.constantFrom("counted", "named", "among"),
  keys: fc.constantFrom("full", "id-only"),
});
const scenario = fc.array(
  fc.record({
    create: fc.boolean(),
    short: fc.boolean(),
    fate: fc.constantFrom<Fate>("done", "done", "unchanged", "failed", "dropped"),
  }),
  { minLength: 1, maxLength: 9 },
);

describe("folding a bulk answer", () => {
  it("never claims what the answer does not prove, whatever its form", () => {
    fc.assert(
      fc.property(scenario, forms, (parts, form) => {
        const sent = items(
          ...parts.map((part, n) => (part.create ? create(String(n), part.short) : update(String(n)))),
        );
        const fates = parts.map((part) => part.fate);
        const failed = fates.includes("failed");
        const { results } = fold(sent, answerOf(sent, fates, form), failed ? 206 : 200);
        results.forEach((result, at) => {
          const item = sent[at];
          if (item !== undefined && !isTrue(result, item, fates[at], at)) {
            throw new Error(`Item ${at} was ${String(fates[at])} but is ${JSON.stringify(result)}`);
          }
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("proves everything when nothing failed and new records are named", () => {
    fc.assert(
      fc.property(scenario, forms, (parts, form) => {
        const sent = items(...parts.map((part, n) => (part.create ? create(String(n)) : update(String(n)))));
        const fates = parts.map((part): Fate => (part.fate === "unchanged" ? "unchanged" : "done"));
        const { results } = fold(sent, answerOf(sent, fates, { ...form, keys: "full" }));
        expect(results).not.toContain(undefined);
      }),
    );
  });

  it("matches every named error to its record", () => {
    fc.assert(
      fc.property(scenario, forms, (parts, form) => {
        fc.pre(form.shape !== "text" && form.shape !== "index");
        const sent = items(...parts.map((part, n) => (part.create ? create(String(n)) : update(String(n)))));
        const fates = parts.map((part): Fate => (part.fate === "dropped" ? "failed" : part.fate));
        const { results, looseErrors } = fold(sent, answerOf(sent, fates, { ...form, keys: "full" }), 206);
        expect(looseErrors).toEqual([]);
        expect(results.map((result) => result?.kind === "rejected")).toEqual(fates.map((fate) => fate === "failed"));
      }),
    );
  });

  it("keeps Planhat's own words", () => {
    const sent = items(create("1"), create("2"));
    const body = {
      created: 1,
      insertsKeys: [{ _id: "n2", externalId: "person-2" }],
      createdErrors: [{ externalId: "person-1", error: { message: "phase is locked" } }],
    };
    expect(resultsOf(sent, body, 206)).toEqual([
      { kind: "rejected", message: "phase is locked", status: 400 },
      { kind: "created", remoteId: "n2" },
    ]);
  });

  it("knows an e-mail address in any case, and without the blanks that we sent around it", () => {
    const sent = items({ ...create("ann"), keys: { email: " Ann@x.example\u00a0" } }, { ...create("bob"), keys: {} });
    const errors = [
      'email "ann@X.example" is not valid',
      { email: "ann@x.example", message: "no" },
      "ANN@x.example: no",
    ];
    for (const error of errors) {
      const body = { created: 1, updated: 0, insertsKeys: [{ _id: "p" }], createdErrors: [error] };
      expect(resultsOf(sent, body, 206)[0]).toMatchObject({ kind: "rejected" });
    }
    const { results } = fold(sent, { created: 2, updated: 0, insertsKeys: [{ email: "ann@x.example", _id: "p" }] });
    expect(results[0]).toEqual({ kind: "created", remoteId: "p" });
  });

  it("does not take a number in a sentence for a short key", () => {
    const sent = items(create("1", true), create("2", true));
    const { results, looseErrors } = fold(sent, { created: 1, updated: 0, createdErrors: ["Line 1 is wrong"] }, 206);
    expect(results).toEqual([undefined, undefined]);
    expect(looseErrors).toEqual(["Line 1 is wrong"]);
  });

  it("takes a single bare id for the single create", () => {
    const single = { kind: "created", remoteId: "n" };
    expect(resultsOf(items(create("1")), { created: 1, insertsKeys: [{ _id: "n" }] })).toEqual([single]);
    const both = fold(items(create("1"), create("2")), { created: 2, insertsKeys: [{ _id: "n" }, { _id: "m" }] });
    expect(both).toMatchObject({ results: [undefined, undefined], looseIds: ["n", "m"], createdLeft: 2 });
  });

  it("reports a create that was taken for an existing record", () => {
    const body = { created: 0, updated: 1, nonupdates: 0, updatesKeys: [{ _id: "old", externalId: "person-1" }] };
    expect(fold(items(create("1")), body).results).toEqual([
      { kind: "conflict", remoteId: "old", message: expect.any(String) as string },
    ]);
  });

  it("sees that an update became a new record", () => {
    const counts = { created: 1, updated: 1, nonupdates: 0 };
    const body = { ...counts, insertsKeys: [{ _id: "new" }], updatesKeys: [{ _id: update("2").remoteId }] };
    expect(fold(items(update("1"), update("2")), body)).toMatchObject({
      results: [undefined, { kind: "updated" }],
      extraCreated: true,
      looseIds: ["new"],
    });
    const keyed: Intent = { ...update("1"), fields: { externalId: "person-1" } };
    const replaced = resultsOf(items(keyed), { created: 1, insertsKeys: [{ _id: "new", externalId: "person-1" }] });
    expect(replaced).toEqual([{ kind: "replaced", remoteId: "new" }]);
  });

  it("reads a missing record as gone and a busy one as later", () => {
    const gone = [{ _id: update("1").remoteId, message: "enduser not found" }];
    expect(resultsOf(items(update("1")), { updated: 0, updatedErrors: gone }, 400)).toEqual([{ kind: "gone" }]);
    const company = [{ _id: update("1").remoteId, message: "Company not found" }];
    const refused = resultsOf(items(update("1")), { updated: 0, updatedErrors: company }, 400);
    expect(refused).toMatchObject([{ kind: "rejected" }]);
    const busy = [{ externalId: "person-1", message: "externalId,email duplicated" }];
    const later = resultsOf(items(create("1")), { created: 0, createdErrors: busy }, 400);
    expect(later).toMatchObject([{ kind: "later" }]);
  });

  it("shows whether a refused call wrote anything", () => {
    const nothing = fold(items(create("1")), "Bad Request", 400);
    expect(nothing).toMatchObject({ nothingWritten: true, looseErrors: ["Bad Request"] });
    const something = fold(items(create("1"), create("2")), { created: 1, createdErrors: ["no"] }, 400);
    expect(something).toMatchObject({ nothingWritten: false, createdLeft: 1 });
  });

  it("does not understand a success of another shape", () => {
    for (const body of [undefined, "OK", [], {}, { message: "OK" }, 17]) {
      expect(fold(items(create("1"), update("2")), body)).toMatchObject({
        understood: false,
        results: [undefined, undefined],
        nothingWritten: false,
      });
    }
  });

  it("hears of a missing right", () => {
    const body = {
      created: 0,
      updated: 1,
      updatesKeys: [{ _id: update("2").remoteId }],
      permissionErrors: ["No permission to create endusers"],
    };
    expect(fold(items(create("1"), update("2")), body, 403)).toMatchObject({
      permission: "No permission to create endusers",
      results: [undefined, { kind: "updated" }],
    });
  });
});
