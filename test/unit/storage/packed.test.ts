/** Rows as lists: nothing is lost on the way, and the meaning of a list never changes. */
import fc from "fast-check";
import type { Json } from "../../../src/record";
import { setUpDatabases } from "./fixture";
import { ENTRY, MIRROR, packed, RECORD, HULL_UPDATE, type Codec } from "../../../src/storage/tables/packed";
import type {
  Attempt,
  Content,
  UnconfirmedCreate,
  Outcome,
  EntryRow,
  Fact,
  MirrorRow,
  RecordRow,
  HullUpdateRow,
} from "../../../src/storage/port/rows";

type Arbitraries<T> = { readonly [K in keyof Required<T>]: fc.Arbitrary<Required<T>[K]> };

/** A row with all of the named fields, and any of the others. */
function row<T>(fields: Arbitraries<T>, required: readonly (keyof T)[]): fc.Arbitrary<T> {
  // fast-check cannot know that what is left out is optional in the row.
  return fc.record(fields, { ...PLAIN, requiredKeys: [...required] });
}

/** As they come out of a database. */
const PLAIN = { noNullPrototype: true };
const text = fc
  .oneof(fc.constantFrom("", "name", "custom.A.b [1]", "日本", "constructor", "0"), fc.string())
  .filter((each) => each !== "__proto__");
const instant = fc.oneof(fc.constantFrom(0, 1, 1_750_000_000_000, 2 ** 53 - 1), fc.nat());
const yes = fc.constant(true as const);

const json: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, false, true, 0, "", [], {}, [null], { a: null, b: [{}] }, 1.5, -1, 2 ** 40),
  text,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
);
const words = (value: fc.Arbitrary<string>) => fc.dictionary(text, value, PLAIN);
const values = fc.dictionary(text, json, PLAIN);

const mark = fc.option(text);
const fact: fc.Arbitrary<Fact> = fc.tuple(mark, mark, mark);
/** With what further connectors sent: in one row always of as many. */
const facts = fc.nat({ max: 3 }).chain((others) => {
  const each: fc.Arbitrary<Fact> = fc
    .tuple(fact, fc.array(mark, { minLength: others, maxLength: others }))
    .map(([first, more]) => [...first, ...more]);
  return fc.dictionary(text, each, PLAIN);
});

const ending = row<Outcome>(
  {
    messageId: text,
    outcome: fc.constantFrom("sent", "unchanged", "skipped", "superseded", "rejected", "dead"),
    code: text,
    text,
    atMs: instant,
    counted: fc.boolean(),
    note: text,
    derived: yes,
    run: text,
  },
  ["messageId", "outcome", "code", "text", "atMs", "counted"],
);

const unconfirmed: fc.Arbitrary<UnconfirmedCreate> = fc.record({ sinceMs: instant, reads: fc.nat() }, PLAIN);

const content = row<Content>(
  {
    desired: fc.record({ fields: values, keys: words(text), cleared: fc.array(text) }, PLAIN),
    claims: words(text),
    hintId: text,
    force: fc.boolean(),
    replay: yes,
    messageId: text,
    version: instant,
    seq: fc.nat(),
    derived: fc.boolean(),
    counted: fc.boolean(),
    once: yes,
    run: text,
    shown: words(text),
    digest: text,
    earlier: fc.record({ fields: fc.array(text), note: text }, { ...PLAIN, requiredKeys: ["fields"] }),
  },
  ["desired", "claims", "force", "messageId", "version", "seq", "derived", "counted"],
);

const attempt: fc.Arbitrary<Attempt> = fc.record(
  { content, kind: fc.constantFrom("create", "update"), startedAtMs: instant },
  PLAIN,
);

const record = row<RecordRow>(
  {
    version: instant,
    messageId: text,
    revision: fc.nat(),
    remoteId: text,
    generation: fc.nat(),
    confirmedAtMs: instant,
    last: ending,
    unconfirmed: unconfirmed,
    same: text,
    recent: text,
    claims: words(text),
  },
  ["version", "messageId", "revision"],
);

const mirror = row<MirrorRow>(
  {
    id: text,
    generation: fc.nat(),
    keys: words(text),
    parentId: text,
    linkedTo: text,
    facts,
    complete: fc.boolean(),
    archived: fc.boolean(),
    createdAtMs: instant,
    writtenAtMs: instant,
    seenAtMs: instant,
    missing: yes,
    confirmedRest: fc.array(fc.nat()),
  },
  ["id", "generation", "keys", "facts", "complete"],
);

const entry = row<EntryRow>(
  {
    tenant: text,
    type: text,
    hullId: text,
    acceptedAtMs: instant,
    content,
    attempt,
    notBeforeMs: instant,
    attempts: fc.nat(),
    unconfirmed: unconfirmed,
    blockedOn: text,
    withdrawn: yes,
    problem: text,
  },
  ["tenant", "type", "hullId", "acceptedAtMs", "notBeforeMs", "attempts"],
);

const tell = row<HullUpdateRow>(
  {
    tenant: text,
    type: text,
    hullId: text,
    remoteId: text,
    claims: words(text),
    attributes: values,
    facts: words(text),
    account: words(text),
    outcomes: fc.array(ending, { maxLength: 3 }),
    seq: fc.nat(),
    notBeforeMs: instant,
    attempts: fc.nat(),
  },
  [
    "tenant",
    "type",
    "hullId",
    "remoteId",
    "claims",
    "attributes",
    "facts",
    "outcomes",
    "seq",
    "notBeforeMs",
    "attempts",
  ],
);

describe.each(["memory", "lmdb"] as const)("rows as lists (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();

  /** Puts some rows in, and reads them one by one and in a walk. */
  async function expectKept<V extends object>(name: string, codec: Codec<V>, rows: fc.Arbitrary<V>): Promise<void> {
    const kv = openDatabase(adapter);
    const table = packed(kv.table<unknown>(name), codec);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 8 }), async (given) => {
        run += 1;
        await kv.transact(() => given.forEach((each, index) => table.put([run, index], each)));
        given.forEach((each, index) => {
          const found = table.get([run, index]);
          expect(found).toEqual(each);
          // Absent fields are absent, not undefined.
          expect(Object.keys(found ?? {}).sort()).toEqual(Object.keys(each).sort());
        });
        expect([...table.range([run])]).toEqual(given.map((each, index) => [[run, index], each]));
        await kv.transact(() => table.remove([run, 0]));
        expect(table.get([run, 0])).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  }

  it("keep every field of a record", () => expectKept("records", RECORD, record));
  it("keep every field and fact of a mirrored record", () => expectKept("mirror", MIRROR, mirror));
  it("keep every field of what waits", () => expectKept("outbox", ENTRY, entry));
  it("keep every field of what Hull must be told", () => expectKept("tells", HULL_UPDATE, tell));
});

describe("the stored form", () => {
  const ENDING: Outcome = { messageId: "m", outcome: "sent", code: "updated", text: "t", atMs: 5, counted: false };
  const CONTENT: Content = {
    desired: { fields: { name: "A" }, keys: {}, cleared: [] },
    claims: { id: "h" },
    force: false,
    messageId: "m",
    version: 3,
    seq: 4,
    derived: false,
    counted: true,
  };
  const packedContent = [CONTENT.desired, { id: "h" }, null, false, null, "m", 3, 4, false, true];

  it("of a record is this list: new fields only follow", () => {
    const all: RecordRow = {
      version: 1,
      messageId: "m",
      revision: 2,
      remoteId: "p",
      generation: 3,
      confirmedAtMs: 4,
      last: { ...ENDING, note: "n", derived: true },
      unconfirmed: { sinceMs: 6, reads: 7 },
      same: "digest",
      recent: "ids",
      claims: { email: "e" },
    };
    const list = [1, "m", 2, "p", 3, 4, ["m", "sent", "updated", "t", 5, false, "n", true]];
    expect(RECORD.pack(all)).toEqual([...list, { sinceMs: 6, reads: 7 }, "digest", "ids", { email: "e" }]);
    expect(RECORD.pack({ version: 1, messageId: "", revision: 0 })).toEqual([1, "", 0]);
    expect(RECORD.pack({ version: 1, messageId: "", revision: 0, same: "d" })).toEqual([
      ...[1, "", 0],
      ...[null, null, null, null, null, "d"],
    ]);
  });

  it("of a mirrored record is this list, its facts in fours", () => {
    const all: MirrorRow = {
      id: "p",
      generation: 1,
      keys: { email: "e" },
      parentId: "c",
      linkedTo: "h",
      facts: { name: ["r", "s", null], _id: [null, null, "t"] },
      complete: false,
      archived: true,
      createdAtMs: 2,
      writtenAtMs: 3,
      seenAtMs: 4,
    };
    const facts = ["name", "r", "s", null, "_id", null, null, "t"];
    expect(MIRROR.pack(all)).toEqual(["p", 1, { email: "e" }, "c", "h", facts, false, true, 2, 3, 4]);
  });

  it("of what waits is this list, with what is in flight in it", () => {
    const all: EntryRow = {
      tenant: "t",
      type: "endusers",
      hullId: "h",
      acceptedAtMs: 1,
      content: CONTENT,
      attempt: { content: { ...CONTENT, hintId: "p", replay: true }, kind: "create", startedAtMs: 2 },
      notBeforeMs: 3,
      attempts: 4,
      unconfirmed: { sinceMs: 5, reads: 6 },
      blockedOn: "c",
      withdrawn: true,
      problem: "why",
    };
    const flying = [CONTENT.desired, { id: "h" }, "p", false, true, "m", 3, 4, false, true];
    expect(ENTRY.pack(all)).toEqual([
      ...["t", "endusers", "h", 1, packedContent, [flying, "create", 2], 3, 4],
      ...[{ sinceMs: 5, reads: 6 }, "c", true, "why"],
    ]);
  });

  it("of a desired record names nothing that is absent, in its parents either", () => {
    const desired = { fields: {}, keys: {}, cleared: [] };
    const company = { type: "companies", hullId: "a1", claims: {}, hintId: undefined, desired };
    const user = {
      type: "endusers",
      hullId: "e1",
      claims: {},
      hintId: undefined,
      desired: { ...desired, parent: company },
    };
    const content = { ...CONTENT, desired: { ...desired, parent: user } };
    const waiting = { tenant: "t", type: "activities", hullId: "h", acceptedAtMs: 1, notBeforeMs: 3, attempts: 4 };
    const packed = ENTRY.pack({ ...waiting, content });
    expect(packed).toStrictEqual(JSON.parse(JSON.stringify(packed)));
  });

  it("of what Hull must be told is this list", () => {
    const all: HullUpdateRow = {
      tenant: "t",
      type: "endusers",
      hullId: "h",
      remoteId: "p",
      claims: { id: "h" },
      attributes: { "planhat/id": "p" },
      facts: { _id: "p" },
      account: { id: "c" },
      outcomes: [ENDING],
      seq: 1,
      notBeforeMs: 2,
      attempts: 3,
    };
    expect(HULL_UPDATE.pack(all)).toEqual([
      ...["t", "endusers", "h", "p", { id: "h" }, { "planhat/id": "p" }, { _id: "p" }, { id: "c" }],
      ...[[["m", "sent", "updated", "t", 5, false]], 1, 2, 3],
    ]);
  });

  it("may be longer than this version knows, or shorter", () => {
    expect(RECORD.unpack([1, "m", 2])).toStrictEqual({ version: 1, messageId: "m", revision: 2 });
    const longer = [...new Array<unknown>(40).fill(null), "of a later version"];
    longer.splice(0, 3, 1, "m", 2);
    expect(RECORD.unpack(longer)).toStrictEqual({ version: 1, messageId: "m", revision: 2 });
  });
});
