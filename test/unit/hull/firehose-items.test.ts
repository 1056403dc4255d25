import fc from "fast-check";
import { batchBody, encodeItem, intoBatches, type EncodedItem } from "../../../src/hull/firehose/items";
import { firehoseUrl } from "../../../src/hull/firehose/firehose";

const signer = { id: "c-1", secret: "connector-secret" };
const NOW = 1_700_000_000_000;

describe("cutting items into batches", () => {
  const items = fc
    .array(fc.integer({ min: 1, max: 400 }))
    .map((sizes) => sizes.map((bytes, index): EncodedItem => ({ index, json: "x".repeat(bytes), bytes })));

  it("keeps every item in order, within both limits unless an item is too big by itself", () => {
    fc.assert(
      fc.property(
        items,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 1_000 }),
        (list, maxItems, maxBytes) => {
          const batches = intoBatches(list, maxItems, maxBytes);
          expect(batches.flat()).toEqual(list);
          for (const batch of batches) {
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(maxItems);
            const bytes = batch.map((item) => item.json).join(",").length;
            expect(batch.length === 1 || bytes <= maxBytes).toBe(true);
          }
        },
      ),
    );
  });

  it("fills batches: neighbours would not have fitted together", () => {
    fc.assert(
      fc.property(items, (list) => {
        const batches = intoBatches(list, 5, 600);
        batches.slice(1).forEach((batch, i) => {
          const before = batches[i] ?? [];
          const together = [...before, ...batch.slice(0, 1)];
          expect(together.length > 5 || together.map((item) => item.json).join(",").length > 600).toBe(true);
        });
      }),
    );
  });
});

describe("an item", () => {
  it("counts its bytes, not its characters", () => {
    const result = encodeItem(
      { type: "traits", subject: "user", user: { id: "u" }, attributes: { a: "ü" } },
      3,
      signer,
      NOW,
    );
    expect(result).toMatchObject({ ok: true, item: { index: 3 } });
    if (result.ok) expect(result.item.bytes).toBe(Buffer.byteLength(result.item.json));
  });

  it.each([
    ["nobody", { type: "traits", subject: "user", user: {}, attributes: {} }, /identifies the user/],
    ["NaN", { type: "traits", subject: "user", user: { id: "u" }, attributes: { n: NaN } }, /n is not a finite number/],
    ["BigInt", { type: "traits", subject: "user", user: { id: "u" }, attributes: { n: 1n } }, /BigInt/],
  ] as const)("about %s is refused here", (_what, item, reason) => {
    expect(encodeItem(item, 0, signer, NOW)).toEqual({ ok: false, reason: expect.stringMatching(reason) as string });
  });

  it("ends up in a body that is one JSON object", () => {
    const item: EncodedItem = { index: 0, json: '{"type":"traits"}', bytes: 17 };
    expect(JSON.parse(batchBody([item, item], NOW))).toEqual({
      batch: [{ type: "traits" }, { type: "traits" }],
      timestamp: "2023-11-14T22:13:20.000Z",
      sentAt: "2023-11-14T22:13:20.000Z",
    });
  });
});

describe("the firehose address", () => {
  it("stands beside the organization", () => {
    expect(firehoseUrl("acme.hullapp.io")).toBe("https://firehose.hullapp.io/");
    expect(firehoseUrl("acme.eu.hullapp.io:8443", "http")).toBe("http://firehose.eu.hullapp.io:8443/");
  });

  it.each(["localhost", "127.0.0.1:4010", "10.0.0.1", "[::1]:80", "hullapp.io", ""])(
    "cannot be derived from %j",
    (organization) => {
      expect(() => firehoseUrl(organization)).toThrow(/HULL_FIREHOSE_URL/);
    },
  );
});
