import fc from "fast-check";
import { identify } from "../../../src/engine/rules/identity";
import { OBJECT_TYPES } from "../../../src/services/planhat/object-types";
import type { ObjectType } from "../../../src/services/model";
import type { MirrorRow } from "../../../src/storage/port/rows";
import type { Subject } from "../../../src/engine/rules/identity";

const LOOKED_UP = OBJECT_TYPES.filter((type) => type.append !== true);

const key = (values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const keys = fc
  .record({ externalId: key(["1", "2"]), email: key(["a@x", "A@x", "b@x"]) })
  .map(({ externalId, email }) => ({
    ...(externalId === undefined ? {} : { externalId }),
    ...(email === undefined ? {} : { email }),
  }));
const parentId = fc.constantFrom("here", "there", "elsewhere");

const isMine = ({ linkedTo }: { readonly linkedTo: string | undefined }): boolean => linkedTo === "me";

const rows: fc.Arbitrary<MirrorRow[]> = fc
  .array(
    fc.record({
      keys,
      parentId,
      linkedTo: fc.constantFrom(undefined, undefined, "me", "somebody"),
      archived: fc.constantFrom(false, false, false, true),
      createdAtMs: fc.option(fc.nat(3), { nil: undefined }),
    }),
    { maxLength: 5 },
  )
  .map((list) =>
    list.map((each, index, all) => ({
      id: `p${index}`,
      generation: 1,
      keys: each.keys,
      parentId: each.parentId,
      facts: {},
      complete: true,
      // A Hull entity is linked to one record at most.
      ...(each.linkedTo === undefined || (each.linkedTo === "me" && all.slice(0, index).some(isMine))
        ? {}
        : { linkedTo: each.linkedTo }),
      ...(each.archived ? { archived: true } : {}),
      ...(each.createdAtMs === undefined ? {} : { createdAtMs: each.createdAtMs }),
    })),
  );

const subjects: fc.Arbitrary<Subject> = fc
  .record({ keys, parentId, hintId: fc.constantFrom(undefined, undefined, "p0", "p9") })
  .map(({ hintId, ...rest }) => ({ hullId: "me", ...rest, ...(hintId === undefined ? {} : { hintId }) }));

const types = fc.constantFrom(...LOOKED_UP);
const fold = (text: string | undefined): string | undefined => text?.toLowerCase();
const sharesKey = (subject: Subject, row: MirrorRow, names: readonly string[]): boolean =>
  names.some((name) => subject.keys[name] !== undefined && fold(subject.keys[name]) === fold(row.keys[name]));

function forAll(check: (type: ObjectType, subject: Subject, rows: readonly MirrorRow[]) => void, seed: number): void {
  fc.assert(fc.property(types, subjects, rows, check), { seed, numRuns: 3_000 });
}

describe("among any records", () => {
  it("none that is linked to another entity or archived is ever matched", () => {
    forAll((type, subject, known) => {
      const verdict = identify(type, subject, known);
      if (verdict.kind !== "match") return;
      expect([undefined, "me"]).toContain(verdict.row.linkedTo);
      expect(verdict.row.archived).not.toBe(true);
    }, 31);
  });

  it("a match shares a key, or is the company that Hull remembers", () => {
    forAll((type, subject, known) => {
      const verdict = identify(type, subject, known);
      if (verdict.kind !== "match") return;
      const remembered = type.parent === undefined && verdict.row.id === subject.hintId;
      const names = type.keys.map(({ name }) => name);
      expect(remembered || sharesKey(subject, verdict.row, names)).toBe(true);
    }, 32);
  });

  it("an enduser is never guessed among several: only its own link or Hull's memory chooses", () => {
    forAll((type, subject, known) => {
      const verdict = identify(type, subject, known);
      if (type.parent === undefined || verdict.kind !== "match") return;
      const { row } = verdict;
      if (row.linkedTo === "me" || row.id === subject.hintId) return;
      const rivals = known.filter((each) => each !== row && each.archived !== true);
      const sameId = rivals.filter(
        (each) => each.parentId === subject.parentId && each.keys["externalId"] === subject.keys["externalId"],
      );
      if (subject.keys["externalId"] !== undefined) expect(sameId).toEqual([]);
      if (row.keys["externalId"] === subject.keys["externalId"] && !verdict.moved) return;
      const sameMail = rivals.filter((each) =>
        verdict.moved ? sharesKey(subject, each, ["email"]) : each.keys["email"] === subject.keys["email"],
      );
      if (subject.keys["email"] === row.keys["email"]) {
        const inReach = verdict.moved ? sameMail : sameMail.filter((each) => each.parentId === subject.parentId);
        expect(inReach).toEqual([]);
      }
    }, 33);
  });

  it("a new record is never made while its external id is there and free", () => {
    forAll((type, subject, known) => {
      const verdict = identify(type, subject, known);
      if (verdict.kind !== "absent") return;
      const own = known.filter(
        (each) =>
          subject.keys["externalId"] !== undefined &&
          each.keys["externalId"] === subject.keys["externalId"] &&
          (type.parent === undefined || each.parentId === subject.parentId),
      );
      expect(own).toEqual([]);
    }, 34);
  });

  it("the order in which they were found does not matter", () => {
    forAll((type, subject, known) => {
      const one = identify(type, subject, known);
      const other = identify(type, subject, known.toReversed());
      expect(other.kind).toBe(one.kind);
      if (one.kind === "match" && other.kind === "match") expect(other.row.id).toBe(one.row.id);
      if (one.kind === "taken" && other.kind === "taken") expect(other.by).toBe(one.by);
      if (one.kind === "ambiguous" && other.kind === "ambiguous") {
        expect(other.ids.toSorted()).toEqual(one.ids.toSorted());
      }
    }, 35);
  });
});
