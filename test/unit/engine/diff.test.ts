import { fingerprint, NOTHING } from "../../../src/services/compare";
import { diff, type Difference } from "../../../src/engine/rules/diff";
import type { Json } from "../../../src/record";
import type { FieldSpec } from "../../../src/services/model";
import type { Fact } from "../../../src/storage/port/rows";

const spec = (name: string): FieldSpec => ({ name, type: "text" });
/** What is remembered of a value: `-` not known, `∅` nothing, otherwise the text. */
const mark = (text: string): string | null =>
  text === "-" ? null : text === "∅" ? NOTHING : fingerprint(text, "text");

interface Case {
  readonly own: Json;
  readonly sent: string;
  readonly remote: string;
  readonly cleared?: boolean;
  readonly force?: boolean;
  readonly create?: boolean;
  readonly replay?: boolean;
}

function decide({
  own,
  sent,
  remote,
  cleared = false,
  force = false,
  create = false,
  replay = false,
}: Case): Difference {
  const facts: Record<string, Fact> = { f: [mark(remote), mark(sent), null] };
  const desired = { fields: { f: own }, keys: {}, cleared: cleared ? ["f"] : [] };
  return diff(desired, {}, facts, spec, { force, create, replay });
}

function verdict(given: Case): string {
  const { send, equal, found } = decide(given);
  if (send.length > 0) return "send";
  return found.length > 0 ? "found equal" : equal.length > 0 ? "equal" : "leave";
}

describe("Hull's value A", () => {
  it.each([
    // never sent: first contact
    ["-", "-", "send"],
    ["-", "A", "found equal"],
    ["-", "B", "send"],
    ["-", "∅", "send"],
    // Hull has not moved since
    ["A", "-", "leave"],
    ["A", "A", "equal"],
    ["A", "B", "leave"],
    ["A", "∅", "leave"],
    // Hull has moved
    ["B", "-", "send"],
    ["B", "A", "found equal"],
    ["B", "B", "send"],
    ["B", "C", "send"],
    ["B", "∅", "send"],
    // Hull held nothing before
    ["∅", "-", "send"],
    ["∅", "A", "found equal"],
    ["∅", "B", "send"],
    ["∅", "∅", "send"],
  ])("with %s sent and %s there: %s", (sent, remote, expected) => {
    expect(verdict({ own: "A", sent, remote })).toBe(expected);
    expect(verdict({ own: "A", sent, remote, cleared: true })).toBe(expected);
    expect(verdict({ own: "A", sent, remote, force: true })).toBe("send");
  });
});

describe("nothing in Hull", () => {
  it.each([
    // nothing was ever sent: a value that is there is somebody else's
    ["-", "-", "leave"],
    ["-", "A", "leave"],
    ["-", "∅", "leave"],
    // we sent a value: it is taken back
    ["A", "-", "send"],
    ["A", "A", "send"],
    ["A", "B", "send"],
    ["A", "∅", "found equal"],
    // it was cleared before: what a person filled in since is kept
    ["∅", "-", "leave"],
    ["∅", "A", "leave"],
    ["∅", "∅", "leave"],
  ])("with %s sent and %s there: %s", (sent, remote, expected) => {
    expect(verdict({ own: null, sent, remote })).toBe(expected);
  });

  it.each([
    ["-", "-", "send"],
    ["-", "A", "send"],
    ["-", "∅", "found equal"],
    ["A", "A", "send"],
    ["A", "∅", "found equal"],
    ["∅", "A", "leave"],
    ["∅", "∅", "equal"],
  ])("but a value before, with %s sent and %s there: %s", (sent, remote, expected) => {
    expect(verdict({ own: null, sent, remote, cleared: true })).toBe(expected);
  });

  it("is not forced into fields that Hull never filled", () => {
    expect(verdict({ own: null, sent: "-", remote: "A", force: true })).toBe("leave");
    expect(verdict({ own: null, sent: "A", remote: "A", force: true })).toBe("send");
    expect(verdict({ own: null, sent: "A", remote: "∅", force: true })).not.toBe("send");
  });
});

describe("a new record", () => {
  it("gets every value and no null, whatever was remembered", () => {
    const desired = { fields: { a: 1, b: null, c: "" }, keys: {}, cleared: ["b"] };
    const facts: Record<string, Fact> = { a: [mark("1"), mark("1"), null], b: [mark("x"), mark("x"), null] };
    expect(diff(desired, {}, facts, spec, { force: false, create: true }).send).toEqual(["a", "c"]);
  });
});

describe("fields with a policy", () => {
  const policies: Readonly<Record<string, FieldSpec>> = {
    born: { name: "born", type: "instant", writeOnce: true },
    computed: { name: "computed", type: "text", readOnly: true },
  };
  const specOf = (name: string): FieldSpec => policies[name] ?? spec(name);
  const desired = { fields: { born: "2024-05-01", computed: "x", free: "y" }, keys: {}, cleared: [] };

  it("are sent only with a new record, or never", () => {
    for (const force of [false, true]) {
      expect(diff(desired, {}, {}, specOf, { force, create: true }).send).toEqual(["born", "free"]);
      expect(diff(desired, {}, {}, specOf, { force, create: false }).send).toEqual(["free"]);
    }
  });
});

describe("a field that goes alongside another", () => {
  const policies: Readonly<Record<string, FieldSpec>> = {
    pay: { name: "pay", type: "number", alongside: "since" },
    rate: { name: "rate", type: "number", alongside: "since" },
    grade: { name: "grade", type: "text", alongside: "born" },
    born: { name: "born", type: "day", writeOnce: true },
  };
  const specOf = (name: string): FieldSpec => policies[name] ?? spec(name);
  const sent = (fields: Readonly<Record<string, Json>>): Readonly<Record<string, Fact>> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => {
        const mark = fingerprint(value, specOf(name).type);
        return [name, [mark, mark, null]];
      }),
    );
  const send = (fields: Readonly<Record<string, Json>>, before: Readonly<Record<string, Json>>) =>
    diff({ fields, keys: {}, cleared: [] }, {}, sent(before), specOf, { force: false, create: false });

  it("is sent whenever that one is, once, and then counts as sent", () => {
    const before = { pay: 1, rate: 1, since: "2026" };
    expect(send({ pay: 2, rate: 2, since: "2026" }, before)).toMatchObject({
      send: ["pay", "rate", "since"],
      equal: [],
    });
  });

  it("is sent with nothing else, and causes nothing", () => {
    expect(send({ pay: 1, since: "2026" }, { pay: 1, since: "2026" })).toMatchObject({
      send: [],
      equal: ["pay", "since"],
    });
    expect(send({ pay: 1, since: "2027" }, { pay: 1, since: "2026" }).send).toEqual(["since"]);
  });

  it("is left out where Hull holds none, and where an update may not send it", () => {
    expect(send({ pay: 2, since: null }, { pay: 1 }).send).toEqual(["pay"]);
    expect(send({ pay: 2 }, { pay: 1 }).send).toEqual(["pay"]);
    expect(send({ grade: "b", born: "1990-01-01" }, { grade: "a", born: "1990-01-01" }).send).toEqual(["grade"]);
  });
});

describe("a write-only value", () => {
  const specOf = (name: string): FieldSpec => ({ name, type: "text", writeOnly: true });
  const value = (mark: string): Json => ({ sealed: "…", mark });
  const check = (own: Json, sent: string | null, more: { force?: true; replay?: true; create?: true } = {}) =>
    diff({ fields: { ssn: own }, keys: {}, cleared: [] }, { ssn: "open" }, { ssn: [null, sent, null] }, specOf, {
      ...{ force: false, create: false },
      ...more,
    });

  it("is sent when its hash is another one, and never read before that", () => {
    expect(check(value("one"), "one")).toEqual({ send: [], equal: [], found: [], blind: [] });
    expect(check(value("two"), "one")).toMatchObject({ send: ["ssn"], blind: [] });
    expect(check(value("one"), null)).toMatchObject({ send: ["ssn"], blind: [] });
  });

  it("is not equal to nothing, as whose fingerprint an open value counts", () => {
    const facts: Record<string, Fact> = { ssn: [NOTHING, null, null] };
    const desired = { fields: { ssn: value("one") }, keys: {}, cleared: [] };
    expect(diff(desired, { ssn: "open" }, facts, specOf, { force: false, create: false }).send).toEqual(["ssn"]);
  });

  it("is sent again by exports, replays and for a new record", () => {
    for (const more of [{ force: true }, { replay: true }, { create: true }] as const) {
      expect(check(value("one"), "one", more).send).toEqual(["ssn"]);
    }
  });

  it("is cleared once, if one was sent", () => {
    expect(check(null, "one").send).toEqual(["ssn"]);
    expect(check(null, NOTHING).send).toEqual([]);
    expect(check(null, null).send).toEqual([]);
  });
});

describe("a value that the service stores in another form", () => {
  const desired = { fields: { owner: "ann@x.example" }, keys: {}, cleared: [] };
  const own = fingerprint("ann@x.example", "text");
  const wired = fingerprint("id-7", "text");
  const check = (fact: Fact, wire: Readonly<Record<string, Json>>): Difference =>
    diff(desired, wire, { owner: fact }, spec, { force: false, create: false });

  it("is compared there in the service's form", () => {
    expect(check([wired, null, null], { owner: "id-7" })).toMatchObject({
      send: [],
      equal: ["owner"],
      found: ["owner"],
    });
    expect(check([wired, own, null], { owner: "id-7" })).toMatchObject({ send: [], equal: ["owner"], found: [] });
    expect(check([wired, null, null], { owner: "id-8" }).send).toEqual(["owner"]);
  });

  it("is found unchanged by our own form when the service's is not at hand", () => {
    expect(check([wired, own, null], {}).send).toEqual([]);
  });
});

describe("many fields", () => {
  it("are decided one by one, in Hull's order", () => {
    const desired = { fields: { z: "new", a: "same", m: null, k: "kept" }, keys: {}, cleared: [] };
    const facts: Record<string, Fact> = {
      z: [mark("old"), mark("old"), null],
      a: [mark("same"), mark("same"), null],
      m: [mark("x"), mark("x"), null],
      k: [mark("person"), mark("kept"), null],
    };
    const result = diff(desired, {}, facts, spec, { force: false, create: false });
    expect(result).toEqual({ send: ["z", "m"], equal: ["a"], found: [], blind: [] });
  });
});

describe("what nobody knows the field to hold", () => {
  const blind = (own: Json, fact: Fact | undefined, more: { cleared?: true; create?: true } = {}): readonly string[] =>
    diff(
      { fields: { f: own }, keys: {}, cleared: more.cleared === true ? ["f"] : [] },
      {},
      fact === undefined ? {} : { f: fact },
      spec,
      { force: false, create: more.create === true },
    ).blind;

  it("would be sent blindly: a value that was not sent, and a null with evidence", () => {
    expect(blind("A", undefined)).toEqual(["f"]);
    expect(blind("A", [null, mark("B"), mark("A")])).toEqual(["f"]);
    expect(blind(null, [null, mark("B"), null])).toEqual(["f"]);
    expect(blind(null, undefined, { cleared: true })).toEqual(["f"]);
  });

  it("does not matter where nothing would be sent, or nothing can be there", () => {
    expect(blind("A", [null, mark("A"), null])).toEqual([]);
    expect(blind("A", [mark("B"), null, null])).toEqual([]);
    expect(blind("A", ["∅", null, null])).toEqual([]);
    expect(blind(null, undefined)).toEqual([]);
    expect(blind("A", undefined, { create: true })).toEqual([]);
  });
});

describe("a replay compares as if nothing had been sent", () => {
  it.each([
    ["A", "A", "equal"],
    ["B", "A", "found equal"],
    ["A", "B", "send"],
    ["A", "∅", "send"],
    ["A", "-", "send"],
    ["-", "B", "send"],
  ])("Hull's value A with %s sent and %s there: %s", (sent, remote, expected) => {
    expect(verdict({ own: "A", sent, remote, replay: true })).toBe(expected);
  });

  it("clears again what was cleared and is there once more", () => {
    expect(verdict({ own: null, sent: "∅", remote: "B", cleared: true, replay: true })).toBe("send");
    expect(verdict({ own: null, sent: "∅", remote: "B", cleared: true })).toBe("leave");
  });

  it("clears nothing without evidence that Hull held a value", () => {
    expect(verdict({ own: null, sent: "-", remote: "B", replay: true })).toBe("leave");
  });
});
