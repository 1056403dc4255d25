/** What Hull must be told of a listed record, and what is remembered of it. */
import fc from "fast-check";
import {
  isToldDeleted,
  isConfirmedWholly,
  newsOf,
  numberOf,
  untoldRest,
  type KnowledgeContext,
} from "../../../src/engine/hull-updates/what-hull-knows";
import type { IncomingAttribute } from "../../../src/services/connection";
import type { Json } from "../../../src/record";
import { createReader } from "../../../src/services/planhat/incoming/incoming";
import { fieldSpec } from "../../../src/services/planhat/object-types";
import type { Fact, MirrorRow } from "../../../src/storage/port/rows";
import { settingsOf } from "../planhat/messages";
import { remoteRecord } from "./fake-service";

const CONTEXT: KnowledgeContext = {
  specOf: (field) => fieldSpec("endusers", field),
  nameOf: numberOf,
  ownFacts: new Set(["position", "tags"]),
  mapping: 7,
  deletedAttribute: "planhat/deleted_at",
  markAttribute: undefined,
  idField: "_id",
};

const attribute = (field: string, value: Json, more: Partial<IncomingAttribute> = {}): IncomingAttribute => ({
  field,
  attribute: `planhat/${field}`,
  value,
  ...more,
});

const listed = (...attributes: readonly IncomingAttribute[]) => ({
  id: "e1",
  record: remoteRecord("e1"),
  claims: {},
  attributes,
});

const EMPTY: MirrorRow = { id: "e1", generation: 1, keys: {}, facts: {}, complete: true };

/** The mirror after Hull confirmed the news. */
function after(before: MirrorRow | undefined, news: ReturnType<typeof newsOf>): MirrorRow {
  const facts: Record<string, Fact> = { ...before?.facts };
  for (const [field, mark] of Object.entries(news.facts)) {
    const [remote, sent] = facts[field] ?? [null, null];
    facts[field] = [remote, sent, mark];
  }
  return { ...(before ?? EMPTY), facts, confirmedRest: news.rest };
}

const tell = (before: MirrorRow | undefined, ...attributes: readonly IncomingAttribute[]) =>
  newsOf(listed(...attributes), before, CONTEXT);

describe("of a record that Hull never heard of", () => {
  it("everything is told that is not at its default", () => {
    const news = tell(
      undefined,
      attribute("_id", "e1"),
      attribute("position", "Captain"),
      attribute("phone", "1"),
      attribute("tags", []),
      attribute("beats", 0),
      attribute("featured", false),
      attribute("note", ""),
      attribute("house", null),
      attribute("prefs", {}),
    );
    expect(news.attributes).toEqual({ "planhat/_id": "e1", "planhat/position": "Captain", "planhat/phone": "1" });
  });

  it("nothing is told if nothing but noise is there", () => {
    expect(tell(undefined, attribute("updatedAt", "2026-01-01", { volatile: true })).attributes).toEqual({});
  });

  it("noise travels along", () => {
    const noise = attribute("updatedAt", "2026-01-01", { volatile: true });
    expect(tell(undefined, attribute("phone", "1"), noise).attributes).toEqual({
      "planhat/phone": "1",
      "planhat/updatedAt": "2026-01-01",
    });
  });

  it("what must overwrite nothing says so", () => {
    const own = { attribute: "telephone", setIfNull: true } as const;
    expect(tell(undefined, attribute("phone", "1", own)).attributes).toEqual({
      telephone: { operation: "setIfNull", value: "1" },
    });
  });
});

describe("of a record that Hull knows", () => {
  const known = after(undefined, tell(undefined, attribute("position", "Captain"), attribute("phone", "1")));

  it.each([
    ["nothing when nothing changed", [attribute("position", "Captain"), attribute("phone", "1")], {}],
    ["a mapped field", [attribute("position", "Admiral"), attribute("phone", "1")], { "planhat/position": "Admiral" }],
    ["any other field", [attribute("position", "Captain"), attribute("phone", "2")], { "planhat/phone": "2" }],
    [
      "a field that was emptied",
      [attribute("position", null), attribute("phone", "")],
      {
        "planhat/position": null,
        "planhat/phone": "",
      },
    ],
    ["a field that is new and filled", [attribute("house", "A"), attribute("phone", "1")], { "planhat/house": "A" }],
    ["not what is new and empty", [attribute("house", false)], {}],
    ["not what the list does not show", [], {}],
  ])("is told %s", (_name, attributes, expected) => {
    expect(tell(known, ...attributes).attributes).toEqual(expected);
  });

  it("two attributes of one field are told together", () => {
    const name = attribute("phone", "2", { attribute: "telephone" });
    expect(tell(known, attribute("phone", "2"), name).attributes).toEqual({ "planhat/phone": "2", telephone: "2" });
  });

  it("a field that is mapped since, or no longer, is not told again", () => {
    const wider = { ...CONTEXT, ownFacts: new Set(["position", "tags", "phone"]) };
    const mapped = newsOf(listed(attribute("phone", "1")), known, wider);
    expect(mapped.attributes).toEqual({});
    const now = after(known, mapped);
    expect(newsOf(listed(attribute("phone", "1")), now, wider).attributes).toEqual({});
    expect(newsOf(listed(attribute("phone", "1")), now, CONTEXT).attributes).toEqual({});
    expect(newsOf(listed(attribute("phone", "2")), now, CONTEXT).attributes).toEqual({ "planhat/phone": "2" });
    const unmapped = { ...CONTEXT, ownFacts: new Set<string>() };
    expect(newsOf(listed(attribute("position", "Captain")), known, unmapped).attributes).toEqual({});
  });
});

describe("whether a record may be passed over", () => {
  const known = after(undefined, tell(undefined, attribute("phone", "1")));

  it("holds for today's mapping alone", () => {
    expect(isConfirmedWholly(known, 7)).toBe(true);
    expect(isConfirmedWholly(known, 8)).toBe(false);
    expect(isConfirmedWholly(EMPTY, 7)).toBe(false);
    expect(isConfirmedWholly(undefined, 7)).toBe(false);
  });

  it("ends when something could not be told, and nothing else is forgotten", () => {
    const rest = untoldRest(known);
    if (rest === undefined) throw new Error("Something was told.");
    const now = { ...known, confirmedRest: rest };
    expect(isConfirmedWholly(now, 7)).toBe(false);
    expect(tell(now, attribute("phone", "1")).attributes).toEqual({});
    expect(untoldRest(EMPTY)).toBeUndefined();
  });
});

describe("a record that vanished and returned", () => {
  const gone = { ...EMPTY, facts: { "@deleted": [null, null, "2026-01-01T00:00:00.000Z"] as const } };

  it("is told to be back, once", () => {
    const news = newsOf(listed(), gone, CONTEXT);
    expect(news.attributes).toEqual({ "planhat/deleted_at": null });
    const back = after(gone, news);
    expect([isToldDeleted(gone.facts), isToldDeleted(back.facts)]).toEqual([true, false]);
    expect(newsOf(listed(), back, CONTEXT).attributes).toEqual({});
  });

  it("of which Hull heard nothing is told nothing", () => {
    expect(newsOf(listed(), EMPTY, CONTEXT).attributes).toEqual({});
  });
});

const values = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
);
const records = fc
  .dictionary(fc.constantFrom("position", "tags", "phone", "beats", "custom.A", "custom.B"), values)
  .map((fields) => Object.entries(fields).map(([field, value]) => attribute(field, value)));

it("whatever changes, what was told is not told again, and Hull ends up with what the service holds", () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 6 }), (history) => {
      const hull: Record<string, unknown> = {};
      let mirror: MirrorRow | undefined;
      for (const attributes of history) {
        const news = tell(mirror, ...attributes);
        Object.assign(hull, news.attributes);
        mirror = after(mirror, news);
        expect(tell(mirror, ...attributes).attributes).toEqual({});
        // As far as the fields' types tell values apart.
        for (const { attribute: name, value, field } of attributes) {
          const isEmpty = [null, "", false, 0].includes(value as null) || (Array.isArray(value) && value.length === 0);
          if (!isEmpty && CONTEXT.specOf(field).type === "any" && !(name in hull))
            throw new Error(`${name} is missing`);
        }
      }
    }),
  );
});

it("whatever appears in complete rows and vanishes from them, Hull holds what the row shows, and is told it once", () => {
  const full = fc.oneof(fc.string({ minLength: 1 }), fc.integer({ min: 1 }), fc.constant(true));
  const some = (...names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), full, { maxKeys: 3 });
  const rows = fc.tuple(some("position", "phone", "beats"), some("A", "B", "c.d"));
  fc.assert(
    fc.property(fc.array(rows, { minLength: 1, maxLength: 6 }), fc.array(rows), (history, others) => {
      const settings = settingsOf();
      const shown = new Set<string>();
      const read = ([fields, custom]: (typeof history)[number]) => {
        const reader = createReader("endusers", ["position", "tags"], settings, undefined, [...shown]);
        const row = reader({ _id: "e1", companyId: "c1", updatedAt: "2026-01-01", ...fields, custom });
        for (const { field, value } of row.attributes) if (value !== null) shown.add(field);
        return row;
      };
      // What others have shown and this one never did causes nothing.
      for (const other of others) read(other);
      const hull: Record<string, unknown> = {};
      let mirror: MirrorRow | undefined;
      for (const each of history) {
        const row = read(each);
        const news = newsOf(row, mirror, CONTEXT);
        for (const [name, value] of Object.entries(news.attributes)) {
          if (value === null) expect(hull).toHaveProperty([name]);
          hull[name] = value;
        }
        const [fields, custom] = each;
        const there: Record<string, unknown> = { "planhat/id": "e1", "planhat/company_id": "c1" };
        for (const [name, value] of Object.entries(fields)) there[`planhat/${name}`] = value;
        for (const [name, value] of Object.entries(custom)) {
          there[`planhat/custom_${name.toLowerCase().replace(".", "_")}`] = value;
        }
        // What moves by itself travels along.
        const { "planhat/updated_at": _, ...attributes } = hull;
        const held = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
        expect(Object.keys(held).sort()).toEqual(Object.keys(there).sort());
        mirror = after(mirror, news);
        expect(newsOf(read(each), mirror, CONTEXT).attributes).toEqual({});
      }
    }),
    { numRuns: 300 },
  );
});

it("numbers of names and values are never that of the mapping", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(numberOf(text)).toBeGreaterThan(0);
      expect(numberOf(text)).toBeLessThanOrEqual(0xffff_ffff);
    }),
  );
});
