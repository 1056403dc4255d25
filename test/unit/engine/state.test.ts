/** What a record needs besides its fields: the desired state decides, or the service's own rule. */
import { isClosed } from "../../../src/engine/rules/identity";
import { isSettled, nextStep, rememberedOf } from "../../../src/engine/rules/state";
import type { Desired } from "../../../src/record";
import type { Remembered } from "../../../src/services/connection";
import { fingerprint, NOTHING } from "../../../src/services/compare";
import type { ObjectType } from "../../../src/services/model";
import type { Fact } from "../../../src/storage/port/rows";

const PEOPLE: ObjectType = { name: "people", entity: "user", keys: [], endable: true };
const there: Desired = { fields: {}, keys: {}, cleared: [] };
const gone: Desired = { ...there, state: "ended" };
const active = { archived: undefined, facts: {}, complete: true };
const archived = { archived: true, facts: {}, complete: true };
const typed = (more: Pick<ObjectType, "archived">): ObjectType => ({ ...PEOPLE, ...more });

describe("without a rule of the service's own", () => {
  test.each([
    ["left alone", {}, there, archived, undefined, false],
    ["revived", { archived: "revive" }, there, archived, "restart", false],
    ["written like others", { archived: "update" }, there, archived, undefined, true],
    ["there and active", { archived: "revive" }, there, active, undefined, true],
    ["to be ended", { archived: "revive" }, gone, active, "end", false],
    ["ended already", { archived: "revive" }, gone, archived, undefined, true],
    ["ended already, and left alone otherwise", {}, gone, archived, undefined, true],
  ] as const)("a record that is %s", (_, how, desired, known, step, settled) => {
    expect(nextStep({}, typed(how), desired, known)).toBe(step);
    expect(isSettled({}, typed(how), desired, known)).toBe(settled);
  });
});

describe("a rule of the service's own", () => {
  test("decides alone, from what is remembered", () => {
    const asked: [string, Desired, Remembered][] = [];
    const next = (...given: [string, Desired, Remembered]) => {
      asked.push(given);
      return "restart" as const;
    };
    const facts: Record<string, Fact> = { until: [fingerprint("2026-01-31", "day"), null, null] };
    expect(nextStep({ next }, PEOPLE, gone, { archived: true, facts })).toBe("restart");
    expect(asked).toEqual([["people", gone, { archived: true, holds: { until: "2026-01-31" } }]]);
  });

  test("leaves a record as it is by wanting nothing, unless the type leaves archived ones alone", () => {
    const next = () => undefined;
    expect(isSettled({ next }, typed({ archived: "update" }), there, archived)).toBe(true);
    expect(isSettled({ next }, typed({}), there, archived)).toBe(false);
  });
});

describe("a record that has to be read first", () => {
  const unread = { ...active, complete: false };

  test("is not taken for what it should be when its state is asked for", () => {
    expect(isSettled({}, typed({}), { ...there, stateFields: { back_on: "2026-01-31" } }, unread)).toBe(false);
    expect(isSettled({}, typed({}), gone, { ...unread, archived: true })).toBe(false);
  });

  test("is left alone when nothing is said of its state, or it has none", () => {
    expect(isSettled({}, typed({}), there, unread)).toBe(true);
    expect(isSettled({}, { ...typed({}), endable: undefined }, gone, { ...unread, archived: true })).toBe(true);
  });
});

test("only a type that says nothing of archived records is closed to them, and never for an end", () => {
  expect(isClosed(typed({}), archived, there)).toBe(true);
  expect(isClosed(typed({}), archived, gone)).toBe(false);
  expect(isClosed(typed({}), active, there)).toBe(false);
  expect(isClosed(typed({}), undefined, there)).toBe(false);
  for (const how of ["revive", "update"] as const)
    expect(isClosed(typed({ archived: how }), archived, there)).toBe(false);
});

test("remembered is what the service holds, empty fields included, and not what was sent or told", () => {
  const facts: Record<string, Fact> = {
    phase: [fingerprint("open", "text"), fingerprint("shut", "text"), null],
    city: [NOTHING, null, null],
    salary: [null, "keyed hash", null],
  };
  expect(rememberedOf({ archived: undefined, facts })).toEqual({
    archived: false,
    holds: { phase: fingerprint("open", "text"), city: NOTHING },
  });
});
