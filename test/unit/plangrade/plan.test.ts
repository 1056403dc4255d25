import type { EntityMessage } from "../../../src/services/message";
import type { Plan } from "../../../src/services/model";
import { fingerprintOf } from "../../../src/services/plangrade/fingerprint";
import { checks, plan } from "../../../src/services/plangrade/plan";
import { account, accountMessage, ANN, containing, settingsOf, userMessage } from "./messages";

const settings = settingsOf();

function onlyPlan(message: EntityMessage, chosen = settings): Plan {
  const [first, second] = plan(message, chosen);
  if (first === undefined || second !== undefined) throw new Error("One plan was expected.");
  return first;
}

function desiredOf(message: EntityMessage, chosen = settings) {
  const found = onlyPlan(message, chosen);
  if (found.kind !== "record") throw new Error(found.reasons.map(({ text }) => text).join(" "));
  return found.desired;
}

function reasonsOf(message: EntityMessage, chosen = settings): readonly string[] {
  const found = onlyPlan(message, chosen);
  return found.kind === "end" ? [found.outcome, ...found.reasons.map(({ code }) => code)] : [];
}

const without = (...names: readonly (keyof typeof ANN)[]) =>
  userMessage({
    user: Object.fromEntries(Object.entries(ANN).filter(([name]) => !names.some((each) => each === name))),
  });

describe("a user", () => {
  it("becomes an employee of its account's company, in the forms that plangrade takes", () => {
    expect(onlyPlan(userMessage())).toEqual({
      type: "participants",
      hullId: "user-1",
      kind: "record",
      desired: {
        fields: {
          ...ANN,
          phone: "6175550100",
          zip: "02139",
          dob: "1980-01-31",
          ssn: "0123",
          company_id: "acc-1",
        },
        keys: { email: "ann@acme.example", name_and_dob: "ann lee 1980-01-31" },
        cleared: [],
        parent: {
          type: "companies",
          hullId: "acc-1",
          desired: { fields: { name: "Acme", ein: "123456789" }, keys: { ein: "123456789" }, cleared: [] },
          claims: { id: "acc-1", domain: "acme.example" },
        },
        outside: undefined,
      },
      claims: { id: "user-1", email: "Ann@acme.example" },
      hintId: undefined,
      warnings: [],
    });
  });

  it.each(["first_name", "last_name", "street1", "city", "state", "zip", "dob"] as const)(
    "without %s is incomplete, and the reason names the field",
    (field) => {
      for (const message of [without(field), userMessage({ user: { ...ANN, [field]: " " } })]) {
        expect(reasonsOf(message)).toEqual(["skipped", "incomplete"]);
        expect(onlyPlan(message)).toMatchObject({ reasons: [{ text: containing(`(${field})`) }] });
      }
    },
  );

  it("lacks nothing without e-mail, phone, second street line and social security number", () => {
    const { fields, keys } = desiredOf(without("email", "phone", "street2", "ssn"));
    expect(Object.keys(fields)).not.toEqual(expect.arrayContaining(["email"]));
    expect(keys).toEqual({ name_and_dob: "ann lee 1980-01-31" });
  });

  it("with a required value of another form is incomplete, and told the form without the value", () => {
    const found = onlyPlan(userMessage({ user: { ...ANN, zip: "2177" } }));
    expect(found).toMatchObject({ outcome: "skipped", reasons: [{ code: "incomplete" }, { code: "invalid_value" }] });
    expect(JSON.stringify(found)).toContain("4 digits");
    expect(JSON.stringify(found)).not.toContain("2177");
  });

  it("with an optional value of another form goes without it", () => {
    const found = onlyPlan(userMessage({ user: { ...ANN, phone: "555-0100" } }));
    expect(found).toMatchObject({ kind: "record", warnings: [{ code: "invalid_value" }] });
    expect(desiredOf(userMessage({ user: { ...ANN, phone: "555-0100" } })).fields).not.toHaveProperty("phone");
  });

  it.each([
    ["987-65-0123", "0123"],
    ["987650123", "0123"],
    ["***-**-0123", "0123"],
    ["0123", "0123"],
    [4321, "4321"],
  ])("gives of the number %p no more than the last four digits", (ssn, last) => {
    const desired = desiredOf(userMessage({ user: { ...ANN, ssn } }));
    expect(desired.fields["ssn"]).toBe(last);
    expect(JSON.stringify(desired)).not.toMatch(/98765|987-65/);
  });

  it.each([123, "12345", "98765012", "none"])("never shows a number that cannot be read (%p)", (ssn) => {
    const found = onlyPlan(userMessage({ user: { ...ANN, ssn } }));
    expect(found).toMatchObject({ kind: "record", warnings: [{ code: "invalid_value" }] });
    expect(JSON.stringify(found)).not.toContain(`: ${ssn}`);
    expect(desiredOf(userMessage({ user: { ...ANN, ssn } })).fields).not.toHaveProperty("ssn");
  });

  it("needs an account that can be found", () => {
    expect(reasonsOf(userMessage({ account: {} }))).toEqual(["skipped", "missing_account"]);
    expect(reasonsOf(userMessage({ account: { id: "acc-1", name: "Acme" } }))).toEqual(["skipped", "missing_ein"]);
    expect(reasonsOf(userMessage({ account: { ...account, ein: "12345678" } }))).toEqual(["rejected", "invalid_value"]);
    expect(desiredOf(userMessage({ account: { id: "acc-1", "plangrade/id": 7 } })).parent).toMatchObject({
      hintId: "7",
    });
  });

  it("must be in the segments, its account too where those are chosen", () => {
    expect(reasonsOf(userMessage({ segmentIds: [] }))).toEqual(["skipped", "outside_segments"]);
    expect(reasonsOf(userMessage({ accountSegmentIds: [] }))).toEqual(["skipped", "account_outside_segments"]);
    const everyAccount = settingsOf({ account_synchronized_segments: [] });
    expect(desiredOf(userMessage({ accountSegmentIds: [] }), everyAccount)).toBeDefined();
  });

  it("passes the filters in an export, and no other restriction", () => {
    const outside = { segmentIds: [], accountSegmentIds: [], isExport: true };
    expect(desiredOf(userMessage(outside))).toMatchObject({ outside: true });
    expect(checks(userMessage(outside), settings).map(({ verdict }) => verdict)).toContain("bypassed");
    expect(reasonsOf(userMessage({ ...outside, account: {} }))).toEqual(["skipped", "missing_account"]);
  });
});

describe("a user who leaves all segments", () => {
  const left = userMessage({ segmentIds: [], leftSegmentIds: ["s1"], account: {} });
  const archiving = settingsOf({ archive_on_leaving_segments: true });

  it("is left alone by default", () => {
    expect(reasonsOf(left)).toContain("outside_segments");
  });

  it("is archived where that is chosen, and nothing else is written", () => {
    expect(desiredOf(left, archiving)).toEqual({
      fields: {},
      keys: { email: "ann@acme.example", name_and_dob: "ann lee 1980-01-31" },
      cleared: [],
      state: "ended",
      leaves: true,
    });
  });

  it("is not archived while another segment remains", () => {
    const both = settingsOf({ archive_on_leaving_segments: true, synchronized_segments: ["s1", "s2"] });
    expect(desiredOf(userMessage({ segmentIds: ["s2"], leftSegmentIds: ["s1"] }), both).state).toBeUndefined();
  });
});

describe("an account", () => {
  it("becomes a company by its EIN", () => {
    expect(onlyPlan(accountMessage())).toMatchObject({
      type: "companies",
      hullId: "acc-1",
      desired: { fields: { name: "Acme", ein: "123456789" }, keys: { ein: "123456789" } },
    });
  });

  it("is skipped outside of the segments, and without EIN and id", () => {
    expect(reasonsOf(accountMessage({ segmentIds: [], accountSegmentIds: [] }))).toEqual([
      "skipped",
      "account_outside_segments",
    ]);
    expect(reasonsOf(accountMessage({ account: { id: "acc-1", name: "Acme" } }))).toEqual(["skipped", "missing_ein"]);
  });

  it("keeps the zeros of an EIN, and guesses none", () => {
    const einOf = (ein: unknown) =>
      desiredOf(accountMessage({ account: { ...account, ein: ein as string } })).keys["ein"];
    expect(einOf("01-2345678")).toBe("012345678");
    expect(einOf(123456789)).toBe("123456789");
    expect(reasonsOf(accountMessage({ account: { ...account, ein: 12345678 } }))).toEqual([
      "rejected",
      "invalid_value",
    ]);
  });
});

describe("the fingerprint of a message", () => {
  const of = (message: EntityMessage, chosen = settings) => fingerprintOf(message, chosen, "key");

  it("changes with everything that the plan reads", () => {
    const messages = [
      userMessage(),
      userMessage({ user: { ...ANN, city: "Salem" } }),
      userMessage({ user: { ...ANN, ssn: "0124" } }),
      userMessage({ account: { ...account, ein: "12-3456780" } }),
      userMessage({ account: { ...account, "plangrade/id": 7 } }),
      userMessage({ segmentIds: [] }),
      userMessage({ accountSegmentIds: [] }),
      userMessage({ user: { ...ANN, "traits_plangrade/id": 9 } }),
    ];
    const all = [...messages.map((each) => of(each)), of(userMessage(), settingsOf({ ssn_attribute: null }))];
    expect(new Set(all).size).toBe(messages.length + 1);
    expect(of(userMessage({ messageId: "m2", version: 2 }))).toBe(of(userMessage()));
  });

  it("cannot be guessed without the key, and is none for exports and those who leave", () => {
    expect(fingerprintOf(userMessage(), settings, "other")).not.toBe(of(userMessage()));
    expect(of(userMessage({ isExport: true }))).toBeUndefined();
    const archiving = settingsOf({ archive_on_leaving_segments: true });
    expect(of(userMessage({ segmentIds: [], leftSegmentIds: ["s1"] }), archiving)).toBeUndefined();
  });
});
