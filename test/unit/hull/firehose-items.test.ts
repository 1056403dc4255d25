import fc from "fast-check";
import { batchBody, encodeItem, intoBatches, type EncodedItem } from "../../../src/hull/firehose/items";
import { decodeToken } from "../../../src/hull/auth/jwt";
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

  it("that is an event is one of its user, who is linked to the account, and nobody's browser made it", () => {
    const event = {
      id: "plangrade:company_events:notice-5",
      name: "plangrade notice",
      source: "plangrade",
      atMs: Date.parse("2014-11-08T10:00:00Z"),
      properties: { plan_name: "401(k)", id: 5 },
    };
    const user = { anonymous_id: "plangrade:company_events:7" };
    const result = encodeItem({ type: "track", user, account: { id: "a" }, event }, 0, signer, NOW);
    if (!result.ok) throw new Error(result.reason);
    const { type, body, headers } = JSON.parse(result.item.json) as Record<string, Record<string, string>>;
    expect([type, body]).toEqual([
      "track",
      {
        ...{ ip: null, url: null, referer: null },
        ...{ source: "plangrade", event: "plangrade notice", event_id: "plangrade:company_events:notice-5" },
        ...{ created_at: "2014-11-08T10:00:00.000Z", properties: { plan_name: "401(k)", id: 5 } },
      },
    ]);
    expect(decodeToken(headers?.["Hull-Access-Token"] ?? "")?.payload).toMatchObject({
      "io.hull.asUser": user,
      "io.hull.asAccount": { id: "a" },
      "io.hull.subjectType": "user",
    });
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
