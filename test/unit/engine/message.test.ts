import type { EntityMessage } from "../../../src/services/message";
import { readMessage } from "../../../src/engine/intake/message";

const NOW = 1_750_000_000_000;
const USER = { entity: "user", isExport: false, receivedAtMs: NOW } as const;
const ACCOUNT = { entity: "account", isExport: false, receivedAtMs: NOW } as const;

function read(raw: unknown, context: typeof USER | typeof ACCOUNT = USER): EntityMessage {
  const result = readMessage(raw, context);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.message;
}

function problemOf(raw: unknown, context: typeof USER | typeof ACCOUNT = USER): string {
  const result = readMessage(raw, context);
  return result.ok ? "none" : result.problems.map(({ path, message }) => `${path} ${message}`).join("; ");
}

describe("a user message", () => {
  it("is read with its user, account, segments and changes", () => {
    const raw = {
      message_id: "m1",
      user: { id: "u1", email: "ann@x", "traits_planhat/id": "p1", indexed_at: "2024-05-01T10:20:30.456Z" },
      account: { id: "a1", external_id: "acme" },
      segments: [
        { id: "s1", name: "Leads" },
        { id: "s2", name: "Active" },
      ],
      account_segments: [{ id: "as1" }],
      changes: { user: { name: ["A", "B"] }, account: { city: [null, "X"] } },
    };
    expect(read(raw)).toEqual({
      entity: "user",
      id: "u1",
      messageId: "m1",
      version: Date.UTC(2024, 4, 1, 10, 20, 30, 456),
      user: raw.user,
      account: raw.account,
      segmentIds: ["s1", "s2"],
      segmentNames: ["Leads", "Active"],
      accountSegmentIds: ["as1"],
      // One that has no name leaves all of them unknown.
      accountSegmentNames: undefined,
      changes: raw.changes,
      events: [],
      isExport: false,
    });
  });

  it("may come without account, segments and changes", () => {
    for (const account of [undefined, null, {}]) {
      expect(read({ user: { id: "u1" }, account })).toMatchObject({
        account: {},
        segmentIds: [],
        accountSegmentIds: [],
        changes: { user: {}, account: {} },
      });
    }
  });
});

describe("an account message", () => {
  it("is read with its account and no user", () => {
    const raw = { account: { id: "a1", name: "Acme" }, user: { id: "u1" }, account_segments: [{ id: "as1" }] };
    expect(read(raw, ACCOUNT)).toMatchObject({
      entity: "account",
      id: "a1",
      user: {},
      account: raw.account,
      segmentIds: [],
      accountSegmentIds: ["as1"],
    });
  });
});

describe("the version of a message", () => {
  it("is a date a little ahead of our clock, and the time of arrival in the place of one far ahead", () => {
    const ahead = (minutes: number): number =>
      read({ user: { id: "u1", indexed_at: new Date(NOW + minutes * 60_000).toISOString() } }).version - NOW;
    expect([ahead(4), ahead(6), ahead(59)]).toEqual([240_000, 0, 0]);
  });

  it.each([
    ["2024-05-01T10:20:30Z", Date.UTC(2024, 4, 1, 10, 20, 30)],
    ["2024-05-01 10:20:30 UTC", Date.UTC(2024, 4, 1, 10, 20, 30)],
    [1_714_558_830, 1_714_558_830_000],
    [1_714_558_830_123, 1_714_558_830_123],
  ])("is its indexed_at, %j", (indexed_at, expected) => {
    expect(read({ user: { id: "u1", indexed_at } }).version).toBe(expected);
    expect(read({ account: { id: "a1", indexed_at } }, ACCOUNT).version).toBe(expected);
  });

  it.each([undefined, null, "", "yesterday", {}, "2021-02-30T00:00:00Z"])(
    "is the time of arrival for %j",
    (indexed_at) => {
      expect(read({ user: { id: "u1", indexed_at } }).version).toBe(NOW);
    },
  );

  it("of a user is not that of its account", () => {
    expect(read({ user: { id: "u1" }, account: { id: "a1", indexed_at: "2024-05-01" } }).version).toBe(NOW);
  });
});

describe("what a message may hold", () => {
  const bag = (count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, at]));
  const segments = (count: number): { id: string }[] => Array.from({ length: count }, (_, at) => ({ id: `s${at}` }));
  const MOST = 10_000;

  /** One message for each place, in which so much stands there. */
  const full = (count: number): readonly (readonly [path: string, what: string, raw: Record<string, unknown>])[] => [
    ["user", "attributes", { user: { ...bag(count - 1), id: "u1" } }],
    ["account", "attributes", { user: { id: "u1" }, account: { ...bag(count - 1), id: "a1" } }],
    ["changes.user", "attributes", { user: { id: "u1" }, changes: { user: bag(count) } }],
    ["changes.account", "attributes", { user: { id: "u1" }, changes: { account: bag(count) } }],
    ["segments", "segments", { user: { id: "u1" }, segments: segments(count) }],
    ["account_segments", "segments", { user: { id: "u1" }, account_segments: segments(count) }],
    ["user.segment_ids", "segments", { user: { id: "u1", segment_ids: Object.keys(bag(count)) } }],
    ["account.segment_ids", "segments", { user: { id: "u1" }, account: { segment_ids: Object.keys(bag(count)) } }],
    [
      "events[1].properties",
      "attributes",
      { user: { id: "u1" }, events: [{ event: "a" }, { event: "b", properties: bag(count) }] },
    ],
  ];

  it.each(full(MOST + 1))("is bounded: %s", (path, what, raw) => {
    for (const more of [{}, { message_id: "m1", segments: [], account_segments: [], ...raw }]) {
      expect(problemOf({ ...raw, ...more })).toBe(`${path} holds 10001 ${what}, at most 10000 are accepted`);
    }
    expect(readMessage({ ...raw, message_id: "m1" }, USER)).toMatchObject({ ok: false, messageId: "m1" });
  });

  it.each(full(MOST))("is more than anybody has: %s", (_path, _what, raw) => {
    expect(problemOf(raw)).toBe("none");
  });

  it("is bounded for accounts as well, and of several places each is named", () => {
    const raw = { account: { ...bag(MOST), id: "a1" }, account_segments: segments(MOST + 2) };
    expect(problemOf(raw, ACCOUNT)).toBe(
      "account holds 10001 attributes, at most 10000 are accepted; " +
        "account_segments holds 10002 segments, at most 10000 are accepted",
    );
  });
});

describe("the segments of a message", () => {
  it("are the listed ones, even if the attribute lags behind", () => {
    const user = { id: "u1", segment_ids: ["left"] };
    expect(read({ user, segments: [] }).segmentIds).toEqual([]);
    expect(read({ user, segments: [{ id: "s1" }] }).segmentIds).toEqual(["s1"]);
  });

  it("fall back to the attribute in rows of an extract, which list none", () => {
    expect(read({ user: { id: "u1", segment_ids: ["s1", 2] } }).segmentIds).toEqual(["s1", "2"]);
    expect(read({ account: { id: "a1", segment_ids: ["as1"] } }, ACCOUNT).accountSegmentIds).toEqual(["as1"]);
    expect(read({ user: { id: "u1", segment_ids: "s1" } }).segmentIds).toEqual([]);
    // Digits that nobody knows are no id.
    expect(read({ user: { id: "u1", segment_ids: ["9007199254740993", 1e21] } }).segmentIds).toEqual([
      "9007199254740993",
    ]);
  });

  it("of a user's account never come from the user's attribute", () => {
    expect(read({ user: { id: "u1", segment_ids: ["s1"] } }).accountSegmentIds).toEqual([]);
  });
});

describe("the id of a message", () => {
  it("is the one that it carries, be it a number", () => {
    expect(read({ message_id: "m1", user: { id: "u1" } }).messageId).toBe("m1");
    expect(read({ message_id: 42, user: { id: "u1" } }).messageId).toBe("42");
  });

  it("is made of the content otherwise, so that a redelivery has the same and another content has not", () => {
    const id = (raw: unknown): string => read(raw).messageId;
    expect(id({ user: { id: "u1", name: "A" } })).toMatch(/^content:[0-9a-f]{40}$/);
    expect(id({ user: { id: "u1", name: "A" } })).toBe(id({ user: { id: "u1", name: "A" } }));
    expect(id({ user: { id: "u1", name: "A" } })).not.toBe(id({ user: { id: "u1", name: "B" } }));
  });

  it.each(["x".repeat(201), "a\0b", "\ud800", ""])(
    "is made of the content when the given one is no key (%#)",
    (message_id) => {
      expect(read({ message_id, user: { id: "u1" } }).messageId).toMatch(/^content:/);
    },
  );
});

describe("an entity's id", () => {
  it("may be a number, and is a text from then on", () => {
    expect(read({ user: { id: 7 }, account: { id: 8 } })).toMatchObject({ id: "7" });
  });

  it("may have 200 bytes of any script", () => {
    const id = "日".repeat(66);
    expect(read({ user: { id } }).id).toBe(id);
  });

  it.each([
    ["x".repeat(201), "has 201 bytes, at most 200 are accepted"],
    ["a\0b", "contains characters that are not text"],
    ["\ud800", "contains characters that are not text"],
    ["a\udc00b", "contains characters that are not text"],
  ])("is refused when it cannot be a key (%#)", (id, expected) => {
    expect(problemOf({ user: { id } })).toContain(`user.id ${expected}`);
    expect(problemOf({ account: { id } }, ACCOUNT)).toContain(`account.id ${expected}`);
    expect(problemOf({ user: { id: "u1" }, account: { id } })).toContain(`account.id ${expected}`);
  });

  it.each([undefined, null, "", {}, []])("must be there, not %j", (id) => {
    expect(problemOf({ user: { id } })).toContain("user.id");
    expect(problemOf({ account: { id } }, ACCOUNT)).toContain("account.id");
  });
});

describe("a message that is none", () => {
  it.each([null, 5, "text", [], {}, { user: null }, { user: [] }, { account: { id: "a1" } }])(
    "is its own problem with words and a remedy: %j",
    (raw) => {
      const result = readMessage(raw, USER);
      expect(result.ok).toBe(false);
      if (result.ok) return;
      expect(result.messageId).toMatch(/^content:/);
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { path, message, remedy } of result.problems) {
        expect([path, message, remedy].every((text) => text.length > 0)).toBe(true);
      }
    },
  );

  it("keeps the id that it carries", () => {
    expect(readMessage({ message_id: "m1", user: {} }, USER)).toMatchObject({ ok: false, messageId: "m1" });
  });
});
