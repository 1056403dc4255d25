/** Messages of one record with the same digest come to the same plan: what must be in it, and what must not. */
import fc from "fast-check";
import { pick } from "lodash";
import type { Attributes, EntityMessage } from "../../../src/services/message";
import type { Json } from "../../../src/record";
import { fingerprintOf } from "../../../src/services/planhat/mapping/fingerprint";
import { plan } from "../../../src/services/planhat/mapping/outgoing";
import type { PlanhatSettings } from "../../../src/services/planhat/settings/settings";
import { account, accountMessage, settingsOf, userMessage } from "./messages";

type Stored = Readonly<Record<string, unknown>>;

const rows = (pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).map(([hull_field_name, service_field_name]) => ({ hull_field_name, service_field_name }));

const MAPPED: Stored = {
  contact_attributes_outbound: rows({
    name: "name",
    email: "email",
    external_id: "externalId",
    traits_position: "position",
    tags: "tags",
    created_at: "createDate",
    "account.city": "phone",
  }),
  contact_custom_attributes_outbound: rows({ score: "Score" }),
  account_attributes_outbound: rows({ name: "name", city: "city", traits_phase: "phase" }),
  account_custom_attributes_outbound: rows({ score: "Score" }),
};

/** Settings that read a message in different ways. */
const VARIANTS: readonly Stored[] = [{}, { clear_on_null: true }].flatMap((clearing) => [
  { ...clearing },
  { ...MAPPED, ...clearing },
  { ...MAPPED, ...clearing, contact_require_email: false, account_synchronized_segments: ["ALL"] },
  { ...MAPPED, ...clearing, account_synchronized_segments: [], contact_synchronized_segments: ["all_segments"] },
  { ...MAPPED, ...clearing, contact_synchronized_segments: ["s1", "s2"], contact_events: ["ALL"] },
  { ...MAPPED, ...clearing, contact_attributes_outbound: rows({ "traits_planhat/id": "sourceId", domain: "email" }) },
]);

describe("a digest", () => {
  const ODD: readonly Json[] = ["", " ", "a", "B", 0, 1, false, true, [], {}, ["A"], ["a", null], [[]], { a: 1 }];
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Json | undefined>(undefined, null, "A") },
    { weight: 1, arbitrary: fc.constantFrom<Json>(...ODD) },
  );

  /** One thing of a message, and what it becomes. */
  interface Edit {
    readonly at: "user" | "account" | "changes.user" | "changes.account" | "meta";
    readonly key: string;
    readonly value: Json | undefined;
  }

  const KEYS = {
    user: [
      ...["email", "external_id", "name", "traits_name", "traits_position", "position", "tags", "created_at", "score"],
      ...["traits_planhat/id", "planhat/id", "domain", "clicks", "traits_clicks", "id"],
    ],
    account: [
      ...["id", "external_id", "name", "domain", "planhat/id", "city", "traits_city", "phase", "score", "plan"],
    ],
    changed: ["name", "traits_position", "position", "tags[0]", "tags", "city", "score", "email", "clicks"],
  };
  const changed: readonly Json[] = [["A", null], [null, "A"], [null, null], ["A", "B"], "odd"];
  const change = fc.constantFrom<Json | undefined>(undefined, ...changed);

  const edit: fc.Arbitrary<Edit> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ at: fc.constant("user" as const), key: fc.constantFrom(...KEYS.user), value }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ at: fc.constant("account" as const), key: fc.constantFrom(...KEYS.account), value }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        at: fc.constantFrom("changes.user" as const, "changes.account" as const),
        key: fc.constantFrom(...KEYS.changed),
        value: change,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.oneof(
        fc.record({
          at: fc.constant("meta" as const),
          key: fc.constantFrom("segmentIds", "accountSegmentIds"),
          value: fc.subarray(["s1", "s2", "a1", "other"]),
        }),
        fc.record({ at: fc.constant("meta" as const), key: fc.constant("noAccount"), value: fc.constant(true) }),
        fc.record({ at: fc.constant("meta" as const), key: fc.constant("messageId"), value: fc.constant("m9") }),
        fc.record({ at: fc.constant("meta" as const), key: fc.constant("version"), value: fc.constant(9) }),
      ),
    },
  );

  function put(attributes: Attributes, key: string, next: Json | undefined): Attributes {
    const others = Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== key));
    return next === undefined ? others : { ...others, [key]: next };
  }

  function apply(message: EntityMessage, { at, key, value: next }: Edit): EntityMessage {
    const { changes } = message;
    switch (at) {
      case "user":
        return message.entity === "user" ? { ...message, user: put(message.user, key, next) } : message;
      case "account":
        return { ...message, account: put(message.account, key, next) };
      case "changes.user":
        return { ...message, changes: { ...changes, user: put(changes.user, key, next) } };
      case "changes.account":
        return { ...message, changes: { ...changes, account: put(changes.account, key, next) } };
      case "meta":
        return key === "noAccount" && message.entity === "user"
          ? { ...message, account: {} }
          : { ...message, [key]: next };
    }
  }

  /** What decides about the record; the company that a user brings along counts only when it has to be made. */
  function decided(message: EntityMessage, settings: PlanhatSettings): unknown {
    const plans = plan(message, settings);
    const [own] = plans;
    expect(plans).toHaveLength(1);
    if (own?.kind !== "record") return own;
    const { fields, keys, cleared, parent } = own.desired;
    const above = parent && pick(parent, ["type", "hullId", "hintId"]);
    return { ...pick(own, ["type", "hullId", "hintId", "warnings"]), fields, keys, cleared, above };
  }

  const pair = fc
    .record({
      base: fc.constantFrom(userMessage(), userMessage(), accountMessage()),
      first: fc.array(edit, { maxLength: 6 }),
      then: fc.array(edit, { maxLength: 3 }),
      stored: fc.constantFrom(...VARIANTS),
    })
    .map(({ base, first, then, stored }) => {
      const one = first.reduce(apply, base);
      return { one, other: then.reduce(apply, one), settings: settingsOf(stored) };
    });

  it("that two messages of one record share means that both come to the same plan", () => {
    let [same, different] = [0, 0];
    fc.assert(
      fc.property(pair, ({ one, other, settings }) => {
        const digest = fingerprintOf(one, settings);
        expect(digest).toBeDefined();
        if (digest !== fingerprintOf(other, settings)) {
          different += 1;
          return;
        }
        same += 1;
        expect(decided(other, settings)).toEqual(decided(one, settings));
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(same, different)).toBeGreaterThan(300);
  });

  it("stays when only what is not mapped changes", () => {
    const unmapped = fc.dictionary(
      fc.string().map((name) => `unmapped ${name}`),
      fc.jsonValue() as fc.Arbitrary<Json>,
    );
    fc.assert(
      fc.property(pair, unmapped, fc.nat(), ({ one, settings }, more, version) => {
        const other: EntityMessage = {
          ...one,
          version,
          messageId: `m${version}`,
          user: one.entity === "user" ? { ...one.user, ...more } : one.user,
          account: Object.keys(one.account).length === 0 ? one.account : { ...one.account, ...more },
          changes: { user: { ...one.changes.user, ...more }, account: { ...one.changes.account, ...more } },
        };
        expect(fingerprintOf(other, settings)).toBe(fingerprintOf(one, settings));
      }),
    );
  });

  it("stays when the record moves between segments that the filters do not name", () => {
    const settings = settingsOf();
    const ofUser = (more: Partial<EntityMessage> = {}) => fingerprintOf(userMessage(more), settings);
    const ofAccount = (more: Partial<EntityMessage> = {}) => fingerprintOf(accountMessage(more), settings);
    expect(ofUser({ segmentIds: ["s1", "other"], accountSegmentIds: ["x", "a1"] })).toBe(ofUser());
    expect(ofUser({ segmentIds: ["other"] })).not.toBe(ofUser());
    expect(ofUser({ accountSegmentIds: ["x"] })).not.toBe(ofUser());
    expect(ofAccount({ segmentIds: [], accountSegmentIds: ["x"] })).not.toBe(ofAccount());
  });

  it.each<[string, Partial<EntityMessage>]>([
    ["a mapped value", { user: { ...userMessage().user, name: "Bob" } }],
    ["the e-mail address", { user: { ...userMessage().user, email: "bob@acme.example" } }],
    ["the id that Hull shows", { user: { ...userMessage().user, "traits_planhat/id": "p1" } }],
    ["the company", { account: { ...account, id: "5e0000000000000000000002" } }],
    ["the company's external id", { account: { ...account, external_id: "other" } }],
    ["the company's id that Hull shows", { account: { ...account, "planhat/id": "c1" } }],
    ["that there is a company", { account: {} }],
  ])("of a user changes with it: %s", (_, changes) => {
    expect(fingerprintOf(userMessage(changes), settingsOf())).not.toBe(fingerprintOf(userMessage(), settingsOf()));
  });

  it("tells apart what was cleared, what is empty and what is absent, if that makes a difference", () => {
    const clearing = settingsOf({ ...MAPPED, clear_on_null: true });
    const keeping = settingsOf(MAPPED);
    const absent = userMessage();
    const empty = userMessage({ user: { ...absent.user, traits_position: null } });
    const cleared = { ...empty, changes: { user: { traits_position: ["CEO", null] }, account: {} } };
    const blank = userMessage({ user: { ...absent.user, traits_position: "" } });
    const all = [absent, empty, cleared, blank];
    expect(new Set(all.map((each) => fingerprintOf(each, clearing))).size).toBe(4);
    expect(fingerprintOf(cleared, keeping)).toBe(fingerprintOf(empty, keeping));
    expect(fingerprintOf(blank, keeping)).not.toBe(fingerprintOf(empty, keeping));
  });

  it("does not take values for others that are written alike", () => {
    const settings = settingsOf(MAPPED);
    const plain: Json[] = [0, "0", false, "false", "", null, "[]", "null", "A", 1];
    const values: Json[] = [...plain, [], {}, ["A"], [["A"]], ["A", null]];
    for (const key of ["score", "tags", "name", "external_id", "planhat/id"]) {
      const digests = values.map((each) =>
        fingerprintOf(userMessage({ user: { ...userMessage().user, [key]: each } }), settings),
      );
      expect(new Set(digests).size).toBe(values.length);
    }
  });

  it("does not take the value of one attribute for that of the next", () => {
    const settings = settingsOf({ contact_attributes_outbound: rows({ a: "position", b: "phone", c: "sourceId" }) });
    const of = (more: Attributes) => fingerprintOf(userMessage({ user: { ...userMessage().user, ...more } }), settings);
    const all: Attributes[] = [
      { a: "x" },
      { b: "x" },
      { c: "x" },
      { a: "x", b: "x" },
      { a: ["x"] },
      {},
      { b: "x", c: "x" },
    ];
    expect(new Set(all.map(of)).size).toBe(all.length);
  });
});

describe("settings", () => {
  const CHANGES: readonly Stored[] = [
    {},
    { personal_acccess_token: "another" },
    { api_prefix: "api-us4" },
    { tenant_id: "t2" },
    { contact_synchronized_segments: ["s1", "s2"] },
    { contact_synchronized_segments: ["ALL"] },
    { account_synchronized_segments: [] },
    { account_synchronized_segments: ["a1", "a2"] },
    { contact_events: ["Signed up"] },
    { contact_attributes_outbound: rows({ name: "name" }) },
    { contact_attributes_outbound: rows({ name: "name", email: "email", external_id: "externalId" }) },
    { contact_attributes_outbound: rows({ email: "email", name: "name" }) },
    { contact_attributes_outbound: rows({ name: "name", email: "email", "account.name": "phone" }) },
    { contact_custom_attributes_outbound: rows({ score: "Score" }) },
    { contact_custom_attributes_outbound: rows({ score: "score" }) },
    { account_attributes_outbound: rows({ domain: "name" }) },
    { account_custom_attributes_outbound: rows({ score: "Score" }) },
    { account_licenses_attributes_outbound: rows({ id: "externalId" }) },
    { contact_require_email: false },
    { clear_on_null: true },
    { activities_unconfirmed: "hold" },
  ];

  it.each([
    ["user", userMessage()],
    ["account", accountMessage()],
  ] as const)("that differ in anything give another digest of the same %s", (_, message) => {
    const digests = CHANGES.map((stored) => fingerprintOf(message, settingsOf(stored)));
    expect(digests).not.toContain(undefined);
    expect(new Set(digests).size).toBe(CHANGES.length);
  });

  it("that are read anew, as after a restart, give the same digest", () => {
    for (const stored of [{}, MAPPED, { ...MAPPED, clear_on_null: true }]) {
      for (const message of [userMessage(), accountMessage()]) {
        expect(fingerprintOf(message, settingsOf(stored))).toBe(fingerprintOf(message, settingsOf(stored)));
      }
    }
  });
});

describe("no digest", () => {
  const event = { id: "e1", name: "Signed up", createdAt: "2026-01-01", properties: {} };

  it("is given without a token, since such a message is refused aloud every time", () => {
    const settings = settingsOf({ personal_acccess_token: null });
    expect(fingerprintOf(userMessage(), settings)).toBeUndefined();
    expect(fingerprintOf(accountMessage(), settings)).toBeUndefined();
  });

  it("is given to an export, which is sent whatever is known", () => {
    expect(fingerprintOf(userMessage({ isExport: true }), settingsOf())).toBeUndefined();
    expect(fingerprintOf(accountMessage({ isExport: true }), settingsOf())).toBeUndefined();
  });

  it("is given to a user who did something, if the tracking filter is used", () => {
    for (const name of ["ALL", "Signed up", "Something else"]) {
      const settings = settingsOf({ contact_events: [name] });
      expect(fingerprintOf(userMessage({ events: [event] }), settings)).toBeUndefined();
      expect(fingerprintOf(userMessage(), settings)).toBeDefined();
    }
    expect(fingerprintOf(userMessage({ events: [event] }), settingsOf())).toBe(
      fingerprintOf(userMessage(), settingsOf()),
    );
  });

  it("is given to an account that may carry licenses", () => {
    const settings = settingsOf({
      account_licenses_attribute: "licenses",
      account_licenses_attributes_outbound: rows({ id: "externalId" }),
    });
    expect(fingerprintOf(accountMessage(), settings)).toBeUndefined();
    expect(fingerprintOf(userMessage(), settings)).toBeDefined();
  });

  it("keeps a message from its further records: with one, there is one plan", () => {
    const licenses = [{ id: "l1", product: "A" }];
    const settings = settingsOf({
      contact_events: ["ALL"],
      account_licenses_attribute: "licenses",
      account_licenses_attributes_outbound: rows({ id: "externalId", product: "product" }),
    });
    const licensed = accountMessage({ account: { ...account, licenses } });
    for (const message of [userMessage(), userMessage({ events: [event] }), accountMessage(), licensed]) {
      const plans = plan(message, settings).length;
      if (fingerprintOf(message, settings) !== undefined) expect(plans).toBe(1);
      if (plans > 1) expect(fingerprintOf(message, settings)).toBeUndefined();
    }
  });
});
