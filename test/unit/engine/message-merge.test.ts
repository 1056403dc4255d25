import fc from "fast-check";
import type { EntityMessage } from "../../../src/services/message";
import { mergeMessages } from "../../../src/engine/intake/message";
import type { Json } from "../../../src/record";

function message(messageId: string, version: number, more: Partial<EntityMessage> = {}): EntityMessage {
  return {
    entity: "user",
    id: "u1",
    messageId,
    version,
    user: { id: "u1", from: messageId },
    account: {},
    segmentIds: [],
    accountSegmentIds: [],
    changes: { user: {}, account: {} },
    events: [],
    isExport: false,
    ...more,
  };
}

const changed = (user: Record<string, Json>, account: Record<string, Json> = {}): Partial<EntityMessage> => ({
  changes: { user, account },
});

describe("the messages of a shipment", () => {
  it("stay as they are when each is about another entity", () => {
    const messages = [message("m1", 2), message("m2", 1, { id: "u2" })];
    expect(mergeMessages(messages)).toEqual(messages.map((each) => ({ message: each, mergedIds: [] })));
    expect(mergeMessages([])).toEqual([]);
  });

  it("become one per entity: the newest, which names those that it mergedIds", () => {
    const merged = mergeMessages([message("m2", 2), message("m3", 3), message("m1", 1)]);
    expect(merged).toHaveLength(1);
    expect(merged[0]?.message).toMatchObject({ messageId: "m3", version: 3, user: { from: "m3" } });
    expect(merged[0]?.mergedIds).toEqual(["m1", "m2"]);
  });

  it("are ordered by arrival where versions are the same", () => {
    expect(mergeMessages([message("m1", 1), message("m2", 1)])[0]?.message.messageId).toBe("m2");
  });

  it("do not swallow themselves when one comes twice", () => {
    const [merged] = mergeMessages([message("m1", 1), message("m1", 1), message("m0", 0)]);
    expect(merged?.mergedIds).toEqual(["m0"]);
  });

  it("are an export as soon as one of them is", () => {
    expect(mergeMessages([message("m1", 1, { isExport: true }), message("m2", 2)])[0]?.message.isExport).toBe(true);
  });

  it("take the segments of the newest, not the sum", () => {
    const [merged] = mergeMessages([message("m1", 1, { segmentIds: ["s1"] }), message("m2", 2, { segmentIds: [] })]);
    expect(merged?.message.segmentIds).toEqual([]);
  });
});

describe("merged changes", () => {
  const merge = (...all: readonly Record<string, Json>[]): Readonly<Record<string, Json>> | undefined =>
    mergeMessages(all.map((user, index) => message(`m${index}`, index, changed(user))))[0]?.message.changes.user;

  it("go from the first old value to the last new one", () => {
    expect(merge({ name: ["a", "b"] }, { name: ["b", "c"] }, { name: ["c", null] })).toEqual({ name: ["a", null] });
  });

  it("keep what only one of them says", () => {
    expect(merge({ name: ["a", "b"] }, { city: [null, "x"] })).toEqual({ name: ["a", "b"], city: [null, "x"] });
  });

  it("still show that a value was there and is gone", () => {
    expect(merge({ name: ["a", null] }, { city: [1, 2] })).toEqual({ name: ["a", null], city: [1, 2] });
  });

  it("follow the version, whatever the order of arrival", () => {
    const newer = message("m2", 2, changed({ name: ["b", "c"] }, { city: [2, 3] }));
    const older = message("m1", 1, changed({ name: ["a", "b"] }, { city: [1, 2] }));
    expect(mergeMessages([newer, older])[0]?.message.changes).toEqual({
      user: { name: ["a", "c"] },
      account: { city: [1, 3] },
    });
  });

  it("take the newest of what is no pair", () => {
    expect(merge({ is_new: true }, { is_new: ["x", "y"] })).toEqual({ is_new: ["x", "y"] });
  });

  it("treat names of inherited properties as plain names", () => {
    expect(merge({ constructor: ["a", "b"] }, { constructor: ["b", "c"] })).toEqual({ constructor: ["a", "c"] });
  });
});

describe("any shipment", () => {
  const shipment = fc.array(fc.record({ id: fc.constantFrom("u1", "u2", "u3"), version: fc.nat(5) }), {
    maxLength: 12,
  });

  it("loses no message: each is kept or mergedIds, once", () => {
    fc.assert(
      fc.property(shipment, (list) => {
        const messages = list.map((each, index) => message(`m${index}`, each.version, { id: each.id }));
        const merged = mergeMessages(messages);
        const ids = merged.flatMap((each) => [each.message.messageId, ...each.mergedIds]);
        expect(ids.toSorted()).toEqual(messages.map(({ messageId }) => messageId).toSorted());
        for (const each of merged) {
          const versions = messages.filter(({ id }) => id === each.message.id).map(({ version }) => version);
          expect(each.message.version).toBe(Math.max(...versions));
        }
      }),
      { seed: 41 },
    );
  });
});
