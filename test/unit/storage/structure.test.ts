/** Documents as lists: nothing is lost on the way, and the meaning of a list never changes. */
import fc from "fast-check";
import type { Json } from "../../../src/record";
import type {
  Attempt,
  Content,
  Entry,
  Fact,
  FanOut,
  MirrorRow,
  Outcome,
  OwnPart,
  PendingHullUpdate,
  RecordDocument,
  Refused,
  RivalRow,
  UnconfirmedCreate,
} from "../../../src/storage/port/rows";
import { asIs, listOf, mapOf, extended, structure, type Codec } from "../../../src/storage/tables/structure";
import { CONTENTS, MIRRORS, RECORDS, REMOTES } from "../../../src/storage/tables/tables";
import { ADAPTERS, setUpDatabases } from "./fixture";

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
    apart: yes,
    trace: text,
  },
  ["desired", "claims", "force", "messageId", "version", "seq", "derived", "counted"],
);

const attempt: fc.Arbitrary<Attempt> = fc.record(
  { content, kind: fc.constantFrom("create", "update"), startedAtMs: instant },
  PLAIN,
);

const entry = row<Entry>(
  {
    acceptedAtMs: instant,
    content,
    attempt,
    notBeforeMs: instant,
    attempts: fc.nat(),
    blockedOn: text,
    withdrawn: yes,
    problem: text,
    orphaned: yes,
    recheck: yes,
  },
  ["acceptedAtMs", "notBeforeMs", "attempts"],
);

const hullUpdate = row<PendingHullUpdate>(
  {
    remoteId: text,
    claims: words(text),
    attributes: values,
    facts: words(text),
    account: words(text),
    outcomes: fc.array(ending, { maxLength: 3 }),
    seq: fc.nat(),
    notBeforeMs: instant,
    attempts: fc.nat(),
    folded: fc.dictionary(text, fc.nat(), PLAIN),
    trace: text,
  },
  ["remoteId", "claims", "attributes", "facts", "outcomes", "seq", "notBeforeMs", "attempts"],
);

const deadLetter: fc.Arbitrary<Refused> = fc.record({ id: text, content, ending, attempts: fc.nat() }, PLAIN);
const rival: fc.Arbitrary<RivalRow> = fc.record({ remoteId: text, content, atMs: instant }, PLAIN);
const kept = fc.record({ content, atMs: instant }, PLAIN);
const own = row<OwnPart>({ last: ending, same: text, entry, hullUpdate, deadLetter, rival, kept, trail: fc.nat() }, []);

const fanOut = row<FanOut>(
  {
    kind: fc.constantFrom("release", "refuse", "withdraw"),
    tenant: text,
    cause: fc.constantFrom("rejected", "dead", "skipped"),
    text,
  },
  ["kind"],
);

const record = row<RecordDocument>(
  {
    version: instant,
    messageId: text,
    revision: fc.nat(),
    remoteId: text,
    generation: fc.nat(),
    confirmedAtMs: instant,
    unconfirmed,
    recent: text,
    claims: words(text),
    own: fc.dictionary(fc.constantFrom("0", "1", "12"), own, PLAIN),
    pending: fc.array(fanOut, { maxLength: 3 }),
  },
  ["version", "messageId", "revision", "own"],
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
    confirmedUnder: fc.nat(),
  },
  ["id", "generation", "keys", "facts", "complete"],
);

function hasUndefined(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === undefined;
  return Object.values(value).some(hasUndefined);
}

describe.each(ADAPTERS)("documents as lists (%s)", (adapter) => {
  const { openDatabase } = setUpDatabases();

  /** Writes some documents, and reads them one by one and in a walk. */
  async function expectKept<V extends object>(
    codec: Codec<V>,
    documents: fc.Arbitrary<V>,
    isExtended = true,
  ): Promise<void> {
    const database = openDatabase(adapter);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(documents, { minLength: 1, maxLength: 8 }), async (given) => {
        run += 1;
        const keyed = given.map((each, index) => [[run, index], each] as const);
        const changes = keyed.map(([key, each]) => ({ table: "documents", key, value: codec.pack(each) }));
        await database.write(() => ({ result: undefined, changes }));
        const [single, walked] = await database.read((rows) => [
          keyed.map(([key]) => codec.unpack(rows.get("documents", key))),
          [...rows.range("documents", [run])].map(([key, value]) => [key, codec.unpack(value)]),
        ]);
        expect(single).toEqual(given);
        expect(walked).toEqual(keyed);
        // What is absent is absent, not undefined, but where rules add it to a copy.
        if (!isExtended) expect(single.some(hasUndefined)).toBe(false);
      }),
      { numRuns: 15 },
    );
  }

  it("keep everything of a record", () => expectKept(RECORDS.codec, record));
  it("keep everything of a mirrored record", () => expectKept(MIRRORS.codec, mirror));
  it("keep everything of content that stands apart", () => expectKept(CONTENTS.codec, content, false));
});

describe("the stored form", () => {
  const ENDING: Outcome = { messageId: "m", outcome: "sent", code: "updated", text: "t", atMs: 5, counted: false };
  const PACKED_ENDING = ["m", "sent", "updated", "t", 5, false];
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
  const PACKED_CONTENT = [CONTENT.desired, { id: "h" }, null, false, null, "m", 3, 4, false, true];
  const ALL_CONTENT: Required<Content> = {
    ...CONTENT,
    hintId: "p",
    replay: true,
    once: true,
    run: "r",
    digest: "d",
    shown: { name: "s" },
    earlier: { fields: ["a"], note: "n" },
    apart: true,
    trace: "t",
  };
  const ALL_PACKED_CONTENT = [
    ...[CONTENT.desired, { id: "h" }, "p", false, true, "m", 3, 4, false, true],
    ...[true, "r", "d", { name: "s" }, { fields: ["a"], note: "n" }, true, "t"],
  ];

  it("of a record is this list: new fields only follow", () => {
    const part: Required<OwnPart> = {
      last: { ...ENDING, note: "n", derived: true, run: "r" },
      same: "digest",
      entry: {
        acceptedAtMs: 1,
        content: CONTENT,
        attempt: { content: ALL_CONTENT, kind: "create", startedAtMs: 2 },
        notBeforeMs: 3,
        attempts: 4,
        blockedOn: "c",
        withdrawn: true,
        problem: "why",
        orphaned: true,
        recheck: true,
      },
      hullUpdate: {
        remoteId: "p",
        claims: { id: "h" },
        attributes: { "planhat/id": "p" },
        facts: { _id: "p" },
        account: { id: "c" },
        outcomes: [ENDING],
        seq: 1,
        notBeforeMs: 2,
        attempts: 3,
        folded: { "sent/updated": 7 },
        trace: "t",
      },
      deadLetter: { id: "x", content: CONTENT, ending: ENDING, attempts: 2 },
      rival: { remoteId: "q", content: CONTENT, atMs: 9 },
      kept: { content: CONTENT, atMs: 8 },
      trail: 9,
    };
    const all: Required<RecordDocument> = {
      version: 1,
      messageId: "m",
      revision: 2,
      remoteId: "p",
      generation: 3,
      confirmedAtMs: 4,
      unconfirmed: { sinceMs: 6, reads: 7 },
      recent: "ids",
      claims: { email: "e" },
      own: { "0": part, "2": { same: "d" } },
      pending: [{ kind: "refuse", tenant: "0", cause: "dead", text: "t" }],
    };
    const packedPart = [
      ["m", "sent", "updated", "t", 5, false, "n", true, "r"],
      "digest",
      [1, PACKED_CONTENT, [ALL_PACKED_CONTENT, "create", 2], 3, 4, "c", true, "why", true, true],
      [
        "p",
        { id: "h" },
        { "planhat/id": "p" },
        { _id: "p" },
        { id: "c" },
        [PACKED_ENDING],
        1,
        2,
        3,
        { "sent/updated": 7 },
        "t",
      ],
      ["x", PACKED_CONTENT, PACKED_ENDING, 2],
      ["q", PACKED_CONTENT, 9],
      [PACKED_CONTENT, 8],
      9,
    ];
    expect(RECORDS.codec.pack(all)).toStrictEqual([
      ...[1, "m", 2, "p", 3, 4, { sinceMs: 6, reads: 7 }, "ids", { email: "e" }],
      ["0", packedPart, "2", [null, "d"]],
      [{ kind: "refuse", tenant: "0", cause: "dead", text: "t" }],
    ]);
    expect(RECORDS.codec.pack({ version: 1, messageId: "", revision: 0, own: {} })).toStrictEqual([
      ...[1, "", 0, null, null, null, null, null, null, []],
    ]);
  });

  it("of a mirrored record is this list, its facts in fours", () => {
    const all: Required<MirrorRow> = {
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
      missing: true,
      confirmedRest: [5, 6],
      confirmedUnder: 7,
    };
    const facts = ["name", "r", "s", null, "_id", null, null, "t"];
    const list = (of: readonly unknown[]): unknown => [
      ...["p", 1, { email: "e" }, "c", "h", of],
      ...[false, true, 2, 3, 4, true, [5, 6], 7],
    ];
    expect(MIRRORS.codec.pack(all)).toStrictEqual(list(facts));
    // Where several connectors sent something, their number comes first.
    const shared: MirrorRow = { ...all, facts: { name: ["r", "s", null, null, "u"], _id: [null, null, "t"] } };
    const more = [2, "name", "r", "s", null, null, "u", "_id", null, null, "t", null, null];
    expect(MIRRORS.codec.pack(shared)).toStrictEqual(list(more));
  });

  it("of content that stands apart is this list", () => {
    expect(CONTENTS.codec.pack(ALL_CONTENT)).toStrictEqual(ALL_PACKED_CONTENT);
    expect(CONTENTS.codec.pack(CONTENT)).toStrictEqual(PACKED_CONTENT);
  });

  it("of what is no list names nothing that is absent, at any depth", () => {
    const remote = {
      key: "r",
      number: 1,
      generation: 1,
      scans: { a: { startedAtMs: 1, size: 2, partial: undefined } },
    };
    expect(REMOTES.codec.pack({ ...remote, senders: undefined })).toStrictEqual({
      key: "r",
      number: 1,
      generation: 1,
      scans: { a: { startedAtMs: 1, size: 2 } },
    });
    const list = { a: [{ b: undefined, c: 1 }, null, "x"] };
    expect(asIs<typeof list>().pack(list)).toStrictEqual({ a: [{ c: 1 }, null, "x"] });
  });

  it("of what has nothing absent is the document itself, which costs no copy", () => {
    const run = { options: {}, counts: { a: 1 }, reports: [null, { a: [1] }] };
    expect(asIs<typeof run>().pack(run)).toBe(run);
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
    const packed = CONTENTS.codec.pack({ ...CONTENT, desired: { ...desired, parent: user } });
    expect(packed).toStrictEqual(JSON.parse(JSON.stringify(packed)));
  });
});

describe("a list", () => {
  it("may be shorter than this version knows: it is of one before", () => {
    expect(RECORDS.codec.unpack([1, "m", 2, null, null, null, null, null, null, []])).toEqual({
      ...{ version: 1, messageId: "m", revision: 2, own: {} },
    });
    expect(RECORDS.codec.unpack([1, "m", 2, "p"])).toEqual({
      version: 1,
      messageId: "m",
      revision: 2,
      remoteId: "p",
    });
    expect(MIRRORS.codec.unpack(["p", 1, {}, null, null, [], true])).toEqual({
      ...{ id: "p", generation: 1, keys: {}, facts: {}, complete: true },
    });
  });

  it("may be longer than this version knows: what follows is of a later one", () => {
    const longer = [...new Array<unknown>(40).fill(null), "of a later version"];
    longer.splice(0, 3, 1, "m", 2);
    expect(RECORDS.codec.unpack(longer)).toEqual({ version: 1, messageId: "m", revision: 2 });
  });

  it("becomes a document with all of its fields where rules copy it with more of them, absent or not", () => {
    const codec = extended<{ readonly a?: number; readonly b?: string }>({ a: true, b: true });
    expect(codec.unpack([1])).toStrictEqual({ a: 1, b: undefined });
    expect(codec.pack(codec.unpack([1]))).toStrictEqual([1]);
  });

  it("ends with the last field that is there", () => {
    interface Small {
      readonly a?: number;
      readonly b?: readonly { readonly c?: string }[];
      readonly d?: Readonly<Record<string, { readonly c?: string }>>;
    }
    const inner = structure<{ readonly c?: string }>({ c: true });
    const codec = structure<Small>({ a: true, b: listOf(inner), d: mapOf(inner) });
    expect(codec.pack({})).toStrictEqual([]);
    expect(codec.pack({ a: 0 })).toStrictEqual([0]);
    expect(codec.pack({ b: [{}, { c: "" }] })).toStrictEqual([null, [[], [""]]]);
    expect(codec.pack({ d: { x: { c: "1" }, y: {} } })).toStrictEqual([null, null, ["x", ["1"], "y", []]]);
    for (const each of [{}, { a: 0 }, { b: [{}, { c: "" }] }, { d: { x: { c: "1" }, y: {} } }]) {
      expect(codec.unpack(codec.pack(each))).toStrictEqual(each);
    }
  });
});
