/** What follows a request: the next step, what the answer shows, and what a refusal or a lost answer means. */
import { reason } from "../../../src/outcome/outcome";
import type { Remembered } from "../../../src/services/connection";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import { LANE } from "../storage/builders";
import { setUpPeople } from "./people-lane";

const { lane, people, calls, outcomes, store, deliver, hear, told } = setUpPeople();

describe("an archived record of a type that writes to archived ones", () => {
  beforeEach(async () => {
    await hear({ name: "Ann" });
    await hear({ name: "Ann" }, { state: "ended" });
    calls.length = 0;
  });

  test("is written like others, and stays archived", async () => {
    await hear({ name: "Anne" });
    expect(calls).toEqual(['update p1 {"name":"Anne"}']);
    expect(people.get("p1")?.archived).toBe(true);
    expect((await store.mirrors(LANE, "people", ["p1"]))[0]?.archived).toBe(true);
  });

  test("comes back where the service's own rule says so, and then gets its fields", async () => {
    lane.service.next = (_type, _desired, { archived }) => (archived ? "restart" : undefined);
    await hear({ name: "Anne" }, { stateFields: { on: "2026-02-01" } });
    expect(calls).toEqual(['restart p1 {"on":"2026-02-01"}', 'update p1 {"name":"Anne"}']);
    expect(people.get("p1")?.archived).toBe(false);
  });

  test("is found by its key, and written, when another one was linked", async () => {
    people.set("p2", { id: "p2", keys: { code: "b" }, fields: { name: "Bea" }, complete: true, archived: true });
    await hear({ name: "Anne" }, { keys: { code: "b" } });
    expect(calls).toEqual(["find", 'update p2 {"name":"Anne"}']);
  });
});

test("an archived record of a type that leaves them alone is skipped", async () => {
  const { archived: _, ...closed } = lane.type;
  lane.type = closed;
  await hear({ name: "Ann" });
  await hear({ name: "Ann" }, { state: "ended" });
  await hear({ name: "Anne" });
  expect(calls.filter((call) => call.startsWith("update"))).toEqual([]);
  expect(outcomes.at(-1)).toMatchObject({ outcome: "skipped", code: "archived" });
});

describe("the service's own rule for the next step", () => {
  test("is asked anew after each one, with what the answer showed", async () => {
    const asked: Remembered["holds"][string][] = [];
    lane.service.next = (_type, _desired, { holds }) => {
      const { standing = "" } = holds;
      asked.push(standing);
      return standing === '"new"' ? "end" : undefined;
    };
    lane.answer = ({ kind }, record) => {
      const standing = kind === "end" ? "gone" : "new";
      const shown = { ...record, fields: { ...record.fields, standing } };
      people.set(record.id, shown);
      return kind === "create"
        ? { kind: "created", remoteId: record.id, record: shown }
        : { kind: "ended", record: shown };
    };
    await hear({ name: "Ann" });
    expect(calls).toEqual(["find", 'create p1 {"name":"Ann"}', "end p1 {}"]);
    expect(asked).toContain('"new"');
    expect(await told()).toMatchObject([{ outcomes: [{ outcome: "sent", code: "ended" }] }]);
    await hear({ name: "Ann" });
    expect(calls).toHaveLength(3);
  });

  test("restarts once for a message, also when no answer shows that it was done", async () => {
    people.set("p1", {
      ...{ id: "p1", keys: { code: "a" }, complete: true },
      fields: { name: "Ann", standing: "gone" },
    });
    lane.service.next = (_type, _desired, { holds }) => (holds["standing"] === '"gone"' ? "restart" : undefined);
    await hear({ name: "Ann" });
    expect(calls).toEqual(["find", "restart p1 {}"]);
    expect((await store.depth(LANE)).outbox).toBe(0);
  });
});

describe("an answer that shows the record", () => {
  test("is what is remembered of it: what the service made of a value is no edit to be reverted", async () => {
    lane.answer = ({ kind }, { id, ...record }) =>
      kind === "create"
        ? { kind: "created", remoteId: id, record: { id, ...record, fields: { name: "ANN", city: "Rome", ssn: "1" } } }
        : undefined;
    await hear({ name: "Ann" });
    const [mirror] = await store.mirrors(LANE, "people", ["p1"]);
    expect(mirror?.facts).toMatchObject({ name: ['"ANN"', '"Ann"', null], city: ['"Rome"', null, null] });
    // Not even the hash of what a service should not show.
    expect(mirror?.facts).not.toHaveProperty("ssn");
    await hear({ name: "Ann" });
    expect(calls).toEqual(["find", 'create p1 {"name":"Ann"}']);
  });

  test("counts a value that a restart changed as delivered, and does not send Hull's back", async () => {
    await hear({ name: "Ann", city: "Rome" });
    await hear({ name: "Ann", city: "Rome" }, { state: "ended" });
    lane.service.next = (_type, _desired, { archived }) => (archived ? "restart" : undefined);
    lane.answer = (_, record) => ({ kind: "restarted", record: { ...record, fields: { name: "Ann", city: "Bern" } } });
    await hear({ name: "Ann", city: "Oslo" });
    expect(calls.slice(-2)).toEqual(["end p1 {}", "restart p1 {}"]);
    await hear({ name: "Ann", city: "Oslo" });
    expect(calls.at(-1)).toBe("restart p1 {}");
    await hear({ name: "Ann", city: "Rome" });
    expect(calls.at(-1)).toBe('update p1 {"city":"Rome"}');
  });
});

describe("a refusal", () => {
  test.each([undefined, true as const])(
    "has the service's own reason, if it gives one (events: %s)",
    async (append) => {
      lane.type = { ...lane.type, append };
      const own = reason("ambiguous", "twice");
      lane.answer = () => ({ kind: "rejected", status: 422, message: "no", reason: own });
      await hear({ name: "Ann" });
      expect(outcomes).toMatchObject([{ outcome: "rejected", code: own.code, text: own.text }]);
      lane.answer = () => ({ kind: "rejected", status: 422, message: "no" });
      await hear({ name: "Anne" });
      expect(outcomes.at(-1)).toMatchObject({
        outcome: "rejected",
        code: "refused",
        text: reason("refused", "no").text,
      });
    },
  );
});

test("what a service leaves alone because of what it showed only then is skipped, and no dead letter", async () => {
  const why = reason("archived");
  lane.answer = () => ({ kind: "skipped", reason: why });
  await hear({ name: "Ann" });
  expect(outcomes).toMatchObject([{ outcome: "skipped", code: "archived", text: why.text }]);
  expect(await store.deadLettersOf(LANE)).toEqual([]);
});

describe("an end whose answer was lost", () => {
  beforeEach(async () => {
    await hear({ name: "Ann" });
    lane.answer = ({ kind }) => (kind === "end" ? { kind: "unconfirmed", message: "The answer was lost." } : undefined);
  });

  test("is looked at where the service shows what became of it", async () => {
    lane.type = { ...lane.type, writes: { repeatable: ["update"] } };
    await hear({ name: "Ann" }, { state: "ended" });
    expect(calls.slice(-2)).toEqual(["end p1 {}", "read"]);
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  test("is left to a person where nothing shows it", async () => {
    lane.type = { ...lane.type, writes: { repeatable: ["update"], endUnseen: true } };
    await hear({ name: "Ann" }, { state: "ended" });
    expect(calls.filter((call) => call.startsWith("end"))).toHaveLength(1);
    expect(outcomes.at(-1)).toMatchObject({ outcome: "dead", code: "unconfirmed" });
  });
});

describe("a create whose answer was lost", () => {
  const LOST = ["find", 'create p1 {"name":"Ann"}'];
  beforeEach(() => {
    lane.answer = () => ({ kind: "unconfirmed", message: "The answer was lost." });
  });

  describe("where there is no key to look for it by", () => {
    const keys = {};
    beforeEach(async () => {
      // Asked for it, the service would say for ever that it cannot tell.
      lane.connection.find = (_type, wanted) => {
        calls.push("find");
        return Promise.resolve({ records: [], exhaustive: wanted.map(({ fresh }) => !fresh) });
      };
      await hear({ name: "Ann" }, { keys });
      lane.answer = () => undefined;
    });

    test("is left to a person, and nobody is asked", async () => {
      expect(calls).toEqual(LOST);
      expect(outcomes).toMatchObject([{ outcome: "dead", code: "unconfirmed" }]);
      expect(await store.deadLettersOf(LANE)).toHaveLength(1);
    });

    test("is not made again by the next message, but when the person says so", async () => {
      await hear({ name: "Anne" }, { keys });
      expect(calls).toEqual(LOST);
      const [letter] = await store.deadLettersOf(LANE);
      if (letter === undefined) throw new Error("It was left to a person.");
      await store.replayDeadLetter(deadLetterId(letter));
      people.clear();
      await deliver();
      expect(calls.slice(LOST.length)).toEqual(["find", 'create p1 {"name":"Anne"}']);
      expect(await store.deadLettersOf(LANE)).toEqual([]);
    });

    test("is forgotten when the person drops it: then the next message is one like any other", async () => {
      const [letter] = await store.deadLettersOf(LANE);
      if (letter === undefined) throw new Error("It was left to a person.");
      await store.dropDeadLetter(deadLetterId(letter));
      people.clear();
      await hear({ name: "Anne" }, { keys });
      expect(calls.slice(LOST.length)).toEqual(["find", 'create p1 {"name":"Anne"}']);
    });

    test("is found as soon as Hull has a key for it", async () => {
      people.set("p1", { id: "p1", keys: { code: "a" }, fields: { name: "Ann" }, complete: true });
      delete lane.connection.find;
      await hear({ name: "Ann" });
      expect(calls).toEqual([...LOST, "find"]);
      expect(await told()).toMatchObject([{ outcomes: [{ outcome: "sent", code: "created" }] }]);
    });
  });

  test("is looked for by its key otherwise", async () => {
    await hear({ name: "Ann" });
    expect(calls).toEqual([...LOST, "find"]);
    expect(await told()).toMatchObject([{ outcomes: [{ outcome: "sent", code: "created" }] }]);
  });
});
