import fc from "fast-check";
import type { EntityMessage } from "../../../src/services/message";
import { bodyOf } from "../../../src/services/planhat/write/body";
import { plan as planAll } from "../../../src/services/planhat/mapping/outgoing";
import type { PlanhatSettings } from "../../../src/services/planhat/settings/settings";
import type { Json } from "../../../src/record";
import type { Plan } from "../../../src/services/model";
import { account, accountMessage, settingsOf, userMessage } from "./messages";

fc.configureGlobal({ seed: 20260101 });

/** What becomes of the entity's own record. */
function plan(message: EntityMessage, settings: PlanhatSettings): Plan {
  const [own] = planAll(message, settings);
  if (own === undefined) throw new Error("A message always holds the entity's own record.");
  return own;
}

const codes = (planned: Plan) =>
  planned.kind === "end" ? [planned.outcome, ...planned.reasons.map((each) => each.code)] : [];
const ends = (message: EntityMessage, stored: Record<string, unknown> = {}) => codes(plan(message, settingsOf(stored)));
function record(planned: Plan): Extract<Plan, { kind: "record" }> {
  if (planned.kind !== "record") throw new Error(`Not sent: ${JSON.stringify(planned)}`);
  return planned;
}
const rows = (pairs: Record<string, string>) =>
  Object.entries(pairs).map(([service_field_name, hull_field_name]) => ({ hull_field_name, service_field_name }));
const enduser = (pairs: Record<string, string>, custom: Record<string, string> = {}) =>
  settingsOf({ contact_attributes_outbound: rows(pairs), contact_custom_attributes_outbound: rows(custom) });

describe("which users are sent", () => {
  it("nobody without a token", () => {
    expect(ends(userMessage(), { personal_acccess_token: " " })).toEqual(["skipped", "missing_token"]);
  });

  it("nobody with an empty Endusers Filter, everybody with ALL", () => {
    const nobody = { contact_synchronized_segments: [] };
    expect(ends(userMessage(), nobody)).toEqual(["skipped", "outside_user_segments"]);
    for (const all of ["ALL", "all_segments"]) {
      const settings = settingsOf({ contact_synchronized_segments: [all] });
      expect(plan(userMessage({ segmentIds: [] }), settings).kind).toBe("record");
    }
  });

  it("only users of matching accounts when the Company Filter is set", () => {
    const outside = userMessage({ accountSegmentIds: ["a2"] });
    expect(codes(plan(outside, settingsOf()))).toEqual(["skipped", "user_account_outside_segments"]);
    expect(plan(outside, settingsOf({ account_synchronized_segments: [] })).kind).toBe("record");
    expect(plan(outside, settingsOf({ account_synchronized_segments: ["ALL"] })).kind).toBe("record");
  });

  it("with all reasons at once", () => {
    const message = userMessage({ segmentIds: [], accountSegmentIds: [], user: {}, account: { id: "x" } });
    expect(codes(plan(message, settingsOf()))).toEqual([
      "skipped",
      "outside_user_segments",
      "missing_account_external_id",
      "user_account_outside_segments",
      "missing_email",
    ]);
    expect(codes(plan(userMessage({ account: {} }), settingsOf()))).toEqual(["skipped", "missing_account"]);
  });

  it("an export passes the segment filters but not the restrictions", () => {
    const message = userMessage({ segmentIds: [], accountSegmentIds: [], isExport: true });
    expect(plan(message, settingsOf()).kind).toBe("record");
    expect(codes(plan({ ...message, account: {} }, settingsOf()))).toEqual(["skipped", "missing_account"]);
  });

  it("needs an e-mail address in Hull, or with the setting off any mapped key", () => {
    const silent = userMessage({ user: { id: "u", external_id: "u1", email: " " } });
    const mapping = rows({ externalId: "external_id" });
    const off = settingsOf({ contact_attributes_outbound: mapping, contact_require_email: false });
    expect(ends(silent, { contact_attributes_outbound: mapping })).toEqual(["skipped", "missing_email"]);
    expect(record(plan(silent, off)).desired.keys).toEqual({ externalId: "u1" });
    expect(codes(plan(userMessage({ user: { id: "u" } }), off))).toEqual(["skipped", "missing_identity"]);
    const nameOnly = { contact_attributes_outbound: rows({ name: "name" }) };
    expect(ends(userMessage(), nameOnly)).toEqual(["skipped", "missing_identity"]);
  });
});

describe("which accounts are sent", () => {
  it("those of the Company Filter with external id and name", () => {
    expect(plan(accountMessage(), settingsOf()).kind).toBe("record");
    const nobody = { account_synchronized_segments: [] };
    expect(ends(accountMessage(), nobody)).toEqual(["skipped", "outside_account_segments"]);
    const bare = accountMessage({ account: { id: "a", name: " " }, segmentIds: [], accountSegmentIds: [] });
    expect(codes(plan(bare, settingsOf({ account_require_externalid: false })))).toEqual([
      "skipped",
      "outside_account_segments",
      "missing_account_external_id",
      "missing_name",
    ]);
    const exported = accountMessage({ segmentIds: [], accountSegmentIds: [], isExport: true });
    expect(plan(exported, settingsOf()).kind).toBe("record");
  });

  it("with the external id as key, also when it is a number", () => {
    const message = accountMessage({ account: { ...account, external_id: 17, "planhat/id": "ph1" } });
    expect(record(plan(message, settingsOf()))).toMatchObject({
      type: "companies",
      desired: { fields: { externalId: "17", name: "Acme" }, keys: { externalId: "17" } },
      claims: { id: account.id, external_id: "17", domain: "acme.example" },
      hintId: "ph1",
    });
  });
});

describe("what an enduser looks like", () => {
  it("carries mapped keys as they are, its company, claims and the remembered id", () => {
    const message = userMessage({ user: { ...userMessage().user, "traits_planhat/id": "ph7" } });
    expect(record(plan(message, settingsOf()))).toEqual({
      kind: "record",
      type: "endusers",
      hullId: message.id,
      desired: {
        fields: { name: "Ann", email: "Ann@acme.example", companyId: account.id },
        keys: { email: "Ann@acme.example" },
        cleared: [],
        parent: {
          type: "companies",
          hullId: account.id,
          desired: { fields: { name: "Acme", externalId: "acme" }, keys: { externalId: "acme" }, cleared: [] },
          claims: { id: account.id, external_id: "acme", domain: "acme.example" },
        },
      },
      claims: { id: message.id, external_id: "u1", email: "Ann@acme.example" },
      hintId: "ph7",
      warnings: [],
    });
  });

  it("has a company with a name and an id in any case", () => {
    const company = (value: Record<string, Json>) =>
      record(plan(userMessage({ account: value }), settingsOf())).desired.parent;
    expect(company({ external_id: "x", domain: "d.example" })).toMatchObject({
      hullId: "external_id:x",
      desired: { fields: { name: "d.example" } },
    });
    expect(company({ external_id: "x" })).toMatchObject({ desired: { fields: { name: "x" } } });
  });

  it("reads attributes with and without prefix, of the account and in groups", () => {
    const settings = enduser(
      { email: "email", position: "traits_job", phone: "tel", "First name": "group/first" },
      { plan: "account.plan", "a.b[0]": "traits_score" },
    );
    const message = userMessage({
      user: {
        email: "a@b.example",
        job: "CEO",
        traits_tel: "1",
        "traits_group/first": "A",
        score: 3,
        "0": "junk",
        constructor: "x",
      },
      account: { ...account, plan: "gold" },
    });
    expect(record(plan(message, settings)).desired.fields).toMatchObject({
      position: "CEO",
      phone: "1",
      firstName: "A",
      "custom.plan": "gold",
      "custom.a.b[0]": 3,
    });
  });

  it("never reads inherited properties", () => {
    const settings = enduser({ email: "email" }, { a: "constructor", b: "__proto__", c: "toString" });
    expect(Object.keys(record(plan(userMessage(), settings)).desired.fields)).toEqual(["email", "companyId"]);
  });

  it("types values by field and keeps custom values as they are", () => {
    const settings = enduser(
      { email: "email", featured: "vip", tags: "tags", createDate: "created_at", lastActive: "seen" },
      { n: "n", text: "text", list: "list" },
    );
    const message = userMessage({
      user: {
        email: "a@b.example",
        vip: "false",
        tags: "a, b,,a",
        created_at: 1522420682,
        seen: "2018-03-30 14:38:02 UTC",
        n: 0,
        text: "17",
        list: [1, "x"],
      },
    });
    expect(record(plan(message, settings)).desired.fields).toMatchObject({
      featured: false,
      tags: ["a", "b"],
      createDate: "2018-03-30T14:38:02.000Z",
      lastActive: "2018-03-30T14:38:02.000Z",
      "custom.n": 0,
      "custom.text": "17",
      "custom.list": [1, "x"],
    });
  });

  it("leaves out what a field cannot hold, and says so", () => {
    const settings = enduser({ email: "email", position: "p", phone: "t", featured: "f", createDate: "c" }, { x: "x" });
    const user = { email: "a@b.example", p: { a: 1 }, t: "a\0b", f: "maybe", c: 17, x: ["\ud800"] };
    const planned = record(plan(userMessage({ user }), settings));
    expect(Object.keys(planned.desired.fields)).toEqual(["email", "companyId"]);
    expect(planned.warnings.map((each) => each.text)).toEqual(
      ["p → position", "t → phone", "f → featured", "c → createDate", "x → custom.x"].map(
        (each) => expect.stringContaining(each) as string,
      ),
    );
  });

  it("leaves out lists and objects of more than 10,000 values, and says so", () => {
    const settings = enduser({ email: "email", tags: "tags" }, { x: "x" });
    const list = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
    const read = (values: Readonly<Record<string, Json>>) =>
      record(plan(userMessage({ user: { email: "a@b.example", ...values } }), settings));
    for (const tags of [list(10_000), list(10_000).join(",")]) {
      const { desired, warnings } = read({ tags, x: { deep: [list(4_997), list(5_000)] } });
      expect(Object.keys(desired.fields)).toEqual(["email", "tags", "custom.x", "companyId"]);
      expect(warnings).toEqual([]);
    }
    for (const tags of [list(10_001), list(10_001).join(","), ",".repeat(1_000_000)]) {
      for (const x of [list(10_001), { deep: [list(4_998), list(5_000)] }]) {
        const { desired, warnings } = read({ tags, x });
        expect(Object.keys(desired.fields)).toEqual(["email", "companyId"]);
        expect(warnings.map(({ code }) => code)).toEqual(["invalid_value", "invalid_value"]);
        expect(warnings[0]?.text).toContain("(tags → tags: it holds more than 10000 values)");
        expect(warnings[1]?.text).toContain("(x → custom.x: it holds more than 10000 values)");
      }
    }
  });

  it("is rejected when a key cannot be stored", () => {
    for (const message of [
      userMessage({ user: { email: "a\0@b.example" } }),
      userMessage({ account: { ...account, external_id: "\udc00" } }),
      accountMessage({ account: { ...account, external_id: "a\0" } }),
    ]) {
      expect(ends(message)).toEqual(["rejected", "invalid_value"]);
    }
  });

  it("tells absent, null and empty apart", () => {
    const mapped = { email: "email", position: "p", phone: "t", tags: "tags", createDate: "c", externalId: "e" };
    const stored = { contact_attributes_outbound: rows(mapped) };
    const message = userMessage({
      user: { email: "a@b.example", p: null, t: "", tags: null, c: null, e: null },
      changes: { user: { traits_p: ["CEO", null], "tags[0]": ["a", null], c: ["2020-01-01", null] }, account: {} },
    });
    expect(record(plan(message, settingsOf(stored))).desired).toMatchObject({
      fields: { email: "a@b.example", phone: "", companyId: account.id },
      cleared: [],
    });
    const { desired } = record(plan(message, settingsOf({ ...stored, clear_on_null: true })));
    const cleared = { email: "a@b.example", position: null, phone: "", tags: null, companyId: account.id };
    expect(desired.fields).toEqual(cleared);
    expect(desired.cleared).toEqual(["position", "tags"]);
  });
});

it("goes through the changes of a message once, however many fields were cleared", () => {
  const fields = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, `a${at}`]));
  const settings = settingsOf({
    clear_on_null: true,
    contact_custom_attributes_outbound: rows(fields),
  });
  let looks = 0;
  const pairs = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`traits_a${at}`, ["x", null]]));
  const changes = new Proxy(pairs, {
    ownKeys: (target) => {
      looks += 1;
      return Reflect.ownKeys(target);
    },
  });
  const empty = Object.fromEntries(Object.values(fields).map((name) => [name, null]));
  const message = userMessage({ user: { email: "a@b.example", ...empty }, changes: { user: changes, account: {} } });
  expect(record(plan(message, settings)).desired.cleared).toHaveLength(50);
  expect(looks).toBe(1);
});

describe("the mapping", () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "a.b", "x[0]", "toString"));
  const filled = name.filter(
    (each) => each.trim() !== "" && !/^(?:traits_|account\.)/.test(each.trim()) && each === each.trim(),
  );

  it("passes any JSON value under any custom name through to the body, or warns", () => {
    fc.assert(
      fc.property(
        filled,
        name.filter((each) => each.trim() !== ""),
        fc.jsonValue(),
        (attribute, display, value) => {
          fc.pre(attribute !== "email" && value !== null);
          const settings = enduser({ email: "email" }, { [display]: attribute });
          fc.pre(display !== "__proto__");
          const user = Object.fromEntries([
            ["email", "a@b.example"],
            [attribute, value as Json],
          ]);
          const planned = record(plan(userMessage({ user }), settings));
          const { fields, keys } = planned.desired;
          const body = bodyOf("endusers", { kind: "create", keys, parentId: "c1", fields, namesake: false });
          const custom = body["custom"];
          if (planned.warnings.length > 0) expect(custom).toBeUndefined();
          else
            expect(JSON.parse(JSON.stringify(custom))).toEqual(
              JSON.parse(JSON.stringify(Object.fromEntries([[display, value]]))),
            );
          expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
        },
      ),
    );
  });

  it("writes a custom field called __proto__ as a field", () => {
    const fields = { "custom.__proto__": 1 };
    const body = bodyOf("endusers", { kind: "create", keys: { email: "a" }, fields, namesake: false });
    expect(JSON.stringify(body)).toBe('{"email":"a","custom":{"__proto__":1}}');
  });

  it("is pure, total and never loses a message", () => {
    const attributes = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("email", "external_id", "name", "traits_x")),
      fc.jsonValue(),
    );
    const messages = fc.record({
      user: attributes,
      account: attributes,
      isExport: fc.boolean(),
      entity: fc.constantFrom("user" as const, "account" as const),
    });
    const settings = enduser({ email: "email", externalId: "external_id", name: "name", tags: "x", featured: "y" });
    fc.assert(
      fc.property(messages, (parts) => {
        const message = userMessage(parts as Partial<EntityMessage>);
        const first = plan(message, settings);
        expect(plan(message, settings)).toEqual(first);
        if (first.kind === "end") {
          expect(first.reasons.length).toBeGreaterThan(0);
          return;
        }
        expect(Object.keys(first.desired.keys).length).toBeGreaterThan(0);
        for (const [key, value] of Object.entries(first.desired.keys)) expect(first.desired.fields[key]).toBe(value);
      }),
    );
  });
});
