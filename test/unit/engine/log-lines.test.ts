import type { OutcomeKind } from "../../../src/record";
import { entityContext, outcomeLine, type RecordEvent } from "../../../src/outcome/log-lines";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import type { Outcome } from "../../../src/storage/port/rows";

const CREDENTIALS = { organization: "acme.hull.example", id: "c1", secret: "s3cret" };

function ending(outcome: OutcomeKind, code = "code", more: Partial<Outcome> = {}): Outcome {
  return { messageId: "m1", outcome, code, text: "Because.", atMs: 1, counted: true, ...more };
}

function event(given: Outcome, more: Partial<RecordEvent> = {}): RecordEvent {
  return {
    entity: "user",
    type: "endusers",
    hullId: "u1",
    claims: { email: "ann@x.example", external_id: "7" },
    outcome: given,
    ...more,
  };
}

describe("the log line of an outcome", () => {
  it.each([
    ["sent", "info", "outgoing.user.success"],
    ["unchanged", "debug", "outgoing.user.skip"],
    ["skipped", "debug", "outgoing.user.skip"],
    ["superseded", "debug", "outgoing.user.skip"],
    ["rejected", "error", "outgoing.user.error"],
    ["dead", "error", "outgoing.user.error"],
  ] as const)("%s is %s, %s", (outcome, level, name) => {
    expect(outcomeLine(CREDENTIALS, event(ending(outcome)), OUTCOMES)).toMatchObject({ level, event: name });
    const account = event(ending(outcome), { entity: "account" });
    expect(outcomeLine(CREDENTIALS, account, OUTCOMES).event).toBe(name.replace("user", "account"));
  });

  it("says what happened to which message, and why", () => {
    expect(outcomeLine(CREDENTIALS, event(ending("skipped", "missing_email")), OUTCOMES).data).toEqual({
      type: "endusers",
      outcome: "skipped",
      code: "missing_email",
      reason: "Because.",
      message_id: "m1",
    });
  });

  it.each(["missing_token", "invalid_settings", "ambiguous", "same_remote_record", "archived"])(
    "of a skip that a person must mend is a warning: %s",
    (code) => {
      expect(outcomeLine(CREDENTIALS, event(ending("skipped", code)), OUTCOMES).level).toBe("warn");
    },
  );

  it.each(["missing_account_external_id", "missing_name", "missing_email", "invalid_owner"])(
    "of a skip that is mended in the record's data is seen at the usual level: %s",
    (code) => {
      expect(outcomeLine(CREDENTIALS, event(ending("skipped", code)), OUTCOMES).level).toBe("info");
    },
  );

  it("of a record that Hull refused to hear about is a warning, not a plain success", () => {
    const line = outcomeLine(CREDENTIALS, event(ending("sent", "hull_refused")), OUTCOMES);
    expect(line).toMatchObject({ level: "warn", event: "outgoing.user.success" });
  });

  it("with warnings is a warning, unless it is an error anyway", () => {
    const warnings = ["A value was left out."];
    const sent = outcomeLine(CREDENTIALS, event(ending("sent"), { warnings }), OUTCOMES);
    expect(sent).toMatchObject({ level: "warn", data: { warnings } });
    expect(outcomeLine(CREDENTIALS, event(ending("rejected"), { warnings }), OUTCOMES).level).toBe("error");
    expect(outcomeLine(CREDENTIALS, event(ending("sent"), { warnings: [] }), OUTCOMES)).toMatchObject({
      level: "info",
    });
  });

  it("shows a note about how the record was found", () => {
    const noted = ending("sent", "updated", { note: "Several companies share the external id." });
    expect(outcomeLine(CREDENTIALS, event(noted), OUTCOMES)).toMatchObject({
      level: "warn",
      data: { warnings: ["Several companies share the external id."] },
    });
  });

  it("says when a company was made for a user", () => {
    expect(outcomeLine(CREDENTIALS, event(ending("sent", "created", { derived: true })), OUTCOMES).data).toMatchObject({
      for: "a user of this account",
    });
  });

  it("never holds the connector's secret", () => {
    expect(JSON.stringify(outcomeLine(CREDENTIALS, event(ending("sent")), OUTCOMES))).not.toContain("s3cret");
  });
});

describe("the context of an entity", () => {
  it("names connector and entity in Hull's words", () => {
    expect(entityContext(CREDENTIALS, "user", "u1", { email: "ann@x", external_id: "7" })).toEqual({
      organization: "acme.hull.example",
      id: "c1",
      subject_type: "user",
      user_id: "u1",
      user_email: "ann@x",
      user_external_id: "7",
    });
    expect(entityContext(CREDENTIALS, "account", "a1", { domain: "x.example", anonymous_id: "p" })).toEqual({
      organization: "acme.hull.example",
      id: "c1",
      subject_type: "account",
      account_id: "a1",
      account_domain: "x.example",
    });
  });
});
