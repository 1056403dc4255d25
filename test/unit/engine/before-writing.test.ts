/** What a service says of a record before it is written: refused without a call, left out in part, or stuck. */
import type { Desired } from "../../../src/record";
import type { Prepared, Remembered } from "../../../src/services/connection";
import { reason } from "../../../src/outcome/outcome";
import { createSeal } from "../../../src/storage/port/seal";
import { LANE } from "../storage/builders";
import { setUpPeople } from "./people-lane";

const { lane, people, calls, outcomes, store, deliver, hear, told } = setUpPeople();
const UNFIT = reason("refused", "too short");
const isUnfit = ({ fields }: Desired): boolean => fields["name"] === "A";

describe("a check before the look-up", () => {
  beforeEach(() => {
    lane.connection.check = (_type, records) =>
      Promise.resolve(
        records.map((record) => (isUnfit(record) ? { kind: "end", outcome: "rejected", reason: UNFIT } : undefined)),
      );
  });

  test("refuses without a call, and the others go on", async () => {
    await hear({ name: "A" });
    expect(calls).toEqual([]);
    expect(outcomes).toMatchObject([{ outcome: "rejected", code: "refused", text: UNFIT.text }]);
    expect(await store.deadLettersOf(LANE)).toHaveLength(1);
    await hear({ name: "Ann" });
    expect(calls).toEqual(["find", 'create p1 {"name":"Ann"}']);
  });

  test("may put a record off", async () => {
    let asked = 0;
    lane.connection.check = (_type, records) => {
      asked += 1;
      return Promise.resolve(records.map(() => (asked === 1 ? { kind: "later", waitMs: 1, message: "…" } : undefined)));
    };
    await hear({ name: "Ann" });
    expect(asked).toBe(2);
    expect(calls).toEqual(["find", 'create p1 {"name":"Ann"}']);
  });

  test("comes after a lost request was found, so that its record is not made twice", async () => {
    // A list that was read to its end before the record was made proves nothing of it.
    await store.noteScan(LANE.remote, "people", { startedAtMs: Date.parse("2025-06-15T15:06:40Z"), size: 0 });
    lane.answer = () => ({ kind: "unconfirmed", message: "The answer was lost." });
    await hear({ name: "Ann" }, {}, 1);
    lane.answer = () => undefined;
    await hear({ name: "A" });
    await hear({ name: "Anne" });
    expect(calls).toEqual(['create p1 {"name":"Ann"}', "find", 'update p1 {"name":"Anne"}']);
    expect(people.size).toBe(1);
  });
});

test("what is remembered of a record reaches the service before it is written", async () => {
  const asked: (Remembered | undefined)[] = [];
  lane.connection.prepare = (_type, records, known) => {
    asked.push(...known);
    return Promise.resolve(records.map(({ fields }) => ({ kind: "ready", fields })));
  };
  await hear({ name: "Ann", ssn: "078-05-1120" });
  await hear({ name: "Anne", ssn: "078-05-1120" });
  expect(asked).toEqual([undefined, { archived: false, holds: { name: '"Ann"', city: "∅", standing: "∅" } }]);
});

describe("a field that is withheld", () => {
  const why = reason("refused", "city");
  beforeEach(() => {
    lane.connection.prepare = (_type, records) =>
      Promise.resolve(
        records.map(({ fields }): Prepared => ({
          kind: "ready",
          fields,
          withheld: isUnfit({ fields, keys: {}, cleared: [] }) ? { city: why } : {},
        })),
      );
  });

  test("is not sent, and the outcome says why; later it is as if it had never been", async () => {
    await hear({ name: "A", city: "Rome" });
    expect(calls.at(-1)).toBe('create p1 {"name":"A"}');
    expect(await told()).toEqual([
      {
        attributes: { "planhat/id": "p1", "planhat/name": "A" },
        outcomes: [{ outcome: "sent", code: "created", note: why.text }],
      },
    ]);
    await hear({ name: "Ann", city: "Rome" });
    expect(calls.at(-1)).toBe('update p1 {"name":"Ann","city":"Rome"}');
  });
});

describe("a record that shall be ended and cannot be", () => {
  const HELD = reason("ambiguous", "on leave");
  beforeEach(() => {
    lane.connection.prepare = (_type, records) =>
      Promise.resolve(
        records.map(({ fields, state }): Prepared => ({
          ...{ kind: "ready", fields },
          stuck: state === "ended" ? { outcome: "rejected", reason: HELD } : undefined,
        })),
      );
  });

  test("gets the rest, and one outcome that says both; Hull is told what was written, and the id", async () => {
    people.set("p1", { id: "p1", keys: { code: "a" }, fields: { name: "Ann", city: null }, complete: true });
    await hear({ name: "Ann", city: "Rome" }, { state: "ended" });
    expect(calls).toEqual(["find", 'update p1 {"city":"Rome"}']);
    expect(await told()).toEqual([
      {
        attributes: { "planhat/id": "p1", "planhat/name": "Ann", "planhat/city": "Rome" },
        outcomes: [{ outcome: "rejected", code: "ambiguous", note: reason("partly_written", "city").text }],
      },
    ]);
    expect((await store.deadLettersOf(LANE)).map(({ hullId }) => hullId)).toEqual(["e1"]);
    expect((await store.depth(LANE)).outbox).toBe(0);
  });

  test("has that outcome alone when there is nothing else to write", async () => {
    await hear({ name: "Ann" });
    await told();
    await hear({ name: "Ann" }, { state: "ended" });
    expect(calls).toEqual(["find", 'create p1 {"name":"Ann"}']);
    expect(await told()).toEqual([]);
    expect(outcomes.at(-1)).toMatchObject({ outcome: "rejected", code: "ambiguous", note: undefined });
  });

  test("ends as soon as it can be", async () => {
    await hear({ name: "Ann" });
    await hear({ name: "Ann" }, { state: "ended" });
    delete lane.connection.prepare;
    await hear({ name: "Ann" }, { state: "ended" });
    expect(calls.at(-1)).toBe("end p1 {}");
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });
});

describe("a write-only value on its way", () => {
  const SSN = "078-05-1120";

  test("is opened for the request alone, and costs one only when it changed", async () => {
    await hear({ name: "Ann", ssn: SSN });
    await hear({ name: "Ann", ssn: SSN });
    await hear({ name: "Ann", ssn: "219-09-9999" });
    expect(calls).toEqual(["find", `create p1 {"name":"Ann","ssn":"${SSN}"}`, 'update p1 {"ssn":"219-09-9999"}']);
    expect(JSON.stringify(await told())).not.toContain("ssn");
  });

  test("is sent in Hull's own form where the service has none", async () => {
    lane.connection.prepare = (_type, records) =>
      Promise.resolve(records.map(() => ({ kind: "ready", fields: { name: "ANN", ssn: null } })));
    await hear({ name: "Ann", ssn: SSN });
    expect(calls.at(-1)).toBe(`create p1 {"name":"ANN","ssn":"${SSN}"}`);
  });

  test("is neither asked for nor remembered, even if a service shows it", async () => {
    const asked: (readonly string[])[] = [];
    lane.connection.find = (_type, _wanted, { fields }) => {
      asked.push(fields);
      const [record] = people.values();
      return Promise.resolve({ records: record === undefined ? [] : [record], exhaustive: [true] });
    };
    people.set("p1", { id: "p1", keys: { code: "a" }, fields: { name: "Ann", ssn: SSN }, complete: true });
    await hear({ name: "Ann", ssn: SSN });
    expect(asked).toEqual([["name", "city", "standing"]]);
    // What it holds is not known, so it is sent.
    expect(calls).toEqual([`update p1 {"ssn":"${SSN}"}`]);
    const [mirror] = await store.mirrors(LANE, "people", ["p1"]);
    expect(mirror?.facts["ssn"]?.[0]).toBeNull();
  });

  test("ends its record when it cannot be opened any more, before any call is made for it", async () => {
    lane.connection.check = (_type, records) => Promise.resolve(records.map(() => undefined));
    await hear({ name: "Ann", ssn: SSN }, {}, 0);
    lane.seal = createSeal("another secret of some length");
    await deliver();
    expect(calls).toEqual([]);
    expect(outcomes).toMatchObject([{ outcome: "rejected", code: "unreadable" }]);
  });

  test("is cut out of the service's words about it", async () => {
    lane.answer = () => ({ kind: "rejected", status: 422, message: `The number ${SSN} is taken.` });
    await hear({ name: "Ann", ssn: SSN });
    expect(outcomes.at(-1)?.text).toContain("The number [redacted] is taken.");
    lane.connection.apply = () => Promise.reject(new Error(`Nobody has ${SSN}.`));
    await hear({ name: "Anne", ssn: SSN }, {}, 1);
    expect((await store.ready(LANE, "people", 9)).map(({ problem }) => problem)).toEqual(["Nobody has [redacted]."]);
  });

  test("is opened for events, too", async () => {
    lane.type = { ...lane.type, append: true };
    await hear({ name: "Ann", ssn: SSN });
    expect(calls).toEqual([`create p1 {"name":"Ann","ssn":"${SSN}"}`]);
  });
});
