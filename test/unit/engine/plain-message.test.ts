/** The fast reading of a message gives the same result as the full one, and real messages take it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readMessage, type ReadContext } from "../../../src/engine/intake/message";
import { plainParts } from "../../../src/engine/intake/plain-message";
import { parseAccountMessage, parseUserMessage } from "../../../src/hull/protocol/messages";
import { isAttributes } from "../../../src/hull/protocol/shapes";

const NOW = 1_750_000_000_000;
const FOLDER = join(__dirname, "../../fixtures/hull");

type Attributes = Readonly<Record<string, unknown>>;
type Entity = "user" | "account";

interface Fixture {
  readonly name: string;
  readonly entity: Entity;
  readonly raw: Attributes;
}

const FIXTURES: readonly Fixture[] = readdirSync(FOLDER).flatMap((file): Fixture[] => {
  const content: unknown = JSON.parse(readFileSync(join(FOLDER, file), "utf8"));
  const messages = isAttributes(content) ? content["messages"] : content;
  if (!Array.isArray(messages)) throw new Error(`${file} holds no messages.`);
  const entity = file.includes("account-update") || file.includes("account-messages") ? "account" : "user";
  return messages.map((raw: Attributes, index) => ({ name: `${file} #${index}`, entity, raw }));
});

const context = (entity: Entity): ReadContext => ({ entity, isExport: false, receivedAtMs: NOW });

/** The same message by the full reading: a list of events that is `{}` means none, and is not plain. */
function readSlowly({ entity, raw }: Omit<Fixture, "name">): unknown {
  const odd = { ...raw, events: {} };
  if (plainParts(odd, entity) !== undefined) throw new Error("Something odd must not be plain.");
  return readMessage(odd, context(entity));
}

/** What the schemas make of the message, part by part. */
function parsed({ entity, raw }: Omit<Fixture, "name">): unknown {
  const idsOf = (segments: readonly { readonly id: string }[]): readonly string[] => segments.map(({ id }) => id);
  const namesOf = (segments: readonly { readonly name?: string | null | undefined }[]) =>
    segments.every(({ name }) => (name ?? "").trim() !== "") ? segments.map(({ name }) => name) : undefined;
  const leftOf = (moved: { readonly left: readonly { readonly id: string }[] } | undefined) =>
    moved === undefined || moved.left.length === 0 ? undefined : idsOf(moved.left);
  const changesOf = (changes: { readonly user: unknown; readonly account: unknown } | undefined): unknown => ({
    user: changes?.user ?? {},
    account: changes?.account ?? {},
  });
  if (entity === "account") {
    const result = parseAccountMessage(raw);
    if (!result.ok) return result.problems;
    const { account, account_segments, changes, message_id } = result.message;
    const accountSegmentIds = idsOf(account_segments);
    const leftSegmentIds = leftOf(changes?.account_segments);
    const accountSegmentNames = namesOf(account_segments);
    const segments = { segmentIds: [], accountSegmentIds, accountSegmentNames, leftSegmentIds };
    return { messageId: message_id, user: {}, account, ...segments, changes: changesOf(changes) };
  }
  const result = parseUserMessage(raw);
  if (!result.ok) return result.problems;
  const { user, account = {}, segments, account_segments, changes, message_id } = result.message;
  return {
    messageId: message_id,
    user,
    account,
    segmentIds: idsOf(segments),
    segmentNames: namesOf(segments),
    accountSegmentIds: idsOf(account_segments),
    accountSegmentNames: namesOf(account_segments),
    leftSegmentIds: leftOf(changes?.segments),
    changes: changesOf(changes),
  };
}

/** @returns whether the message was plain */
function compare(message: Omit<Fixture, "name">): boolean {
  const plain = plainParts(message.raw, message.entity);
  if (plain === undefined) return false;
  expect(plain).toEqual(parsed(message));
  expect(readMessage(message.raw, context(message.entity))).toEqual(readSlowly(message));
  return true;
}

describe("a real message", () => {
  const withEvents = ({ raw }: Fixture): boolean => Array.isArray(raw["events"]) && raw["events"].length > 0;
  const usual = FIXTURES.filter((each) => !withEvents(each) && !each.name.startsWith("export-"));

  it.each(usual.map((each) => [each.name, each] as const))("is read quickly, with the same result: %s", (_, each) => {
    expect(compare(each)).toBe(true);
  });

  it.each(FIXTURES.filter(withEvents).map((each) => [each.name, each] as const))(
    "is read in full when it tells events: %s",
    (_, { raw, entity }) => {
      expect(plainParts(raw, entity)).toBeUndefined();
      const quiet = { raw: { message_id: "m1", ...raw, events: [] }, entity };
      expect(compare(quiet)).toBe(true);
    },
  );

  it("passes attributes on as they came, without copying them", () => {
    for (const { raw, entity } of usual) {
      const plain = plainParts(raw, entity);
      expect(plain?.account === raw["account"] || Object.keys(plain?.account ?? {}).length === 0).toBe(true);
      if (entity === "user") expect(plain?.user).toBe(raw["user"]);
    }
  });
});

type Path = readonly (string | number)[];

/** Where something may be put: everything that a reader looks at, whether it is there or not, and some of the rest. */
const PLACES: readonly Path[] = [
  ...["message_id", "events", "user", "account", "segments", "account_segments", "changes", "is_new"].map((name) => [
    name,
  ]),
  ...["id", "external_id", "email", "domain", "indexed_at", "segment_ids", "name", "constructor"].map((name) => [
    "user",
    name,
  ]),
  ...["id", "external_id", "email", "domain", "indexed_at", "segment_ids", "name"].map((name) => ["account", name]),
  ...["segments", "account_segments"].flatMap((list) => [
    [list, 0],
    [list, 1],
    ...["id", "name", "type", "created_at"].map((name) => [list, 0, name]),
  ]),
  ...["is_new", "user", "account", "segments", "account_segments", "other"].map((name) => ["changes", name]),
  ...["user", "account"].flatMap((name) => [
    ["changes", name, "name"],
    ["changes", name, "anonymous_ids[1]"],
  ]),
  ...["segments", "account_segments"].flatMap((name) =>
    ["entered", "left", "enter", "other"].map((move) => ["changes", name, move]),
  ),
];

const VALUES: readonly unknown[] = [
  ...[undefined, null, "", " ", "a", "7", "x".repeat(99), "x".repeat(100), "x".repeat(101), "x".repeat(201)],
  ...["a b", "a\tb", "a\0b", "\ud800", "日本", "a\n", 0, 7, -1.5, 1e300, true, false],
  ...[[], {}, [null], [[]], [{}], [{ id: "s1" }], [{ id: 7 }], [{ id: "" }], [{ id: "s1", name: 5 }]],
  ...[[{ id: "s1", name: null, type: "t" }, { id: "s2" }], { id: "x" }, { id: 7 }, { name: "A" }, { 0: "a" }],
  ...["2024-05-01T10:20:30Z", "2024-05-01 10:20:30 UTC", 1_714_558_830, "2999-01-01T00:00:00Z", "2021-02-30T00:00:00Z"],
  ...[["a", null], ["a", "b"], { entered: [{ id: "s1" }] }, { entered: {} }, { user: { a: [1, 2] }, segments: [] }],
];

/** A copy with another value at a place; nothing changes where the way there does not exist. */
function put(target: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value;
  if (Array.isArray(target) && typeof first === "number") {
    const copy = [...(target as readonly unknown[])];
    copy[first] = put(copy[first], rest, value);
    return copy.filter((each) => each !== undefined);
  }
  if (!isAttributes(target)) return target;
  const { [String(first)]: before, ...others } = target;
  const after = put(before, rest, value);
  return after === undefined ? others : { ...others, [String(first)]: after };
}

describe("any message", () => {
  const mutation = fc.record({ place: fc.constantFrom(...PLACES), value: fc.constantFrom(...VALUES) });
  const message = fc
    .record({ fixture: fc.constantFrom(...FIXTURES), mutations: fc.array(mutation, { maxLength: 4 }) })
    .map(({ fixture: { raw, entity }, mutations }) => ({
      entity,
      raw: mutations.reduce<unknown>((each, { place, value }) => put(each, place, value), raw) as Attributes,
    }));

  it("that is read quickly is read as the full reading would", () => {
    let plain = 0;
    const runs = 2_000;
    fc.assert(
      fc.property(message, (each) => {
        if (compare(each)) plain += 1;
      }),
      { numRuns: runs },
    );
    // Both ways were tried.
    expect(plain).toBeGreaterThan(runs / 10);
    expect(plain).toBeLessThan(runs);
  });

  it("is read quickly or in full with the same result, whatever one value is, at any place", () => {
    const user = { id: "u1", email: "ann@x.example", name: "Ann", indexed_at: "2024-05-01T10:20:30Z" };
    const account = { id: "a1", external_id: "acme", domain: null, indexed_at: "2024-05-01T10:20:30Z" };
    const segments = [{ id: "s1", name: "All", type: "users_segment" }];
    const changes = { is_new: false, user: { name: ["A", "B"] }, account: {}, segments: { entered: segments } };
    const raw = { message_id: "m1", user, account, segments, account_segments: segments, changes, events: [] };
    for (const entity of ["user", "account"] as const) {
      for (const place of PLACES) {
        for (const value of VALUES) compare({ entity, raw: put(raw, place, value) as Attributes });
      }
    }
  });

  it("that is no message at all is not read quickly", () => {
    for (const raw of [undefined, null, 5, "text", [], {}, { message_id: "m1" }]) {
      for (const entity of ["user", "account"] as const) expect(plainParts(raw, entity)).toBeUndefined();
    }
  });

  it.each([
    ["a number as its id", { user: { id: 7 } }],
    ["a number as an external id", { user: { id: "u1", external_id: 7 } }],
    ["a number as the account's external id", { account: { id: "a1", external_id: 7 } }],
    ["an account without id", { account: { name: "A" } }],
    ["an id that is no text", { user: { id: "a\0b" } }],
    ["no message id", { message_id: undefined }],
    ["no list of segments", { segments: undefined }],
    ["a segment without an id", { segments: [{ name: "A" }] }],
    ["a segment with a number as id", { account_segments: [{ id: 7 }] }],
  ])("with %s is read in full", (_, odd) => {
    const base = { message_id: "m1", user: { id: "u1" }, account: {}, segments: [], account_segments: [], events: [] };
    expect(plainParts(base, "user")).toBeDefined();
    expect(plainParts({ ...base, ...odd }, "user")).toBeUndefined();
  });
});
