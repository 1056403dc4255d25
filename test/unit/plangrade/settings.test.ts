import { readSettings } from "../../../src/services/plangrade/settings/settings";
import { checkOutcomes, checkSettings } from "../../../src/services/plangrade/settings/status";
import { isSafeAddress, targetOf } from "../../../src/services/plangrade/settings/target";
import { containing, settingsOf } from "./messages";

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });

describe("the settings of an installation", () => {
  it("take their defaults when they are absent, null or blank", () => {
    const blank = { application_key: " ", ssn_attribute: "", body_format: "", requests_per_minute: null };
    for (const stored of [undefined, null, {}, blank]) {
      const result = readSettings(stored);
      expect(result).toMatchObject({ ok: true, warnings: [] });
      if (!result.ok) continue;
      const { companyRows, participantRows, ...rest } = result.settings;
      expect(rest).toEqual({
        applicationKey: undefined,
        applicationSecret: undefined,
        accountSegments: [],
        segments: [],
        rowWarnings: [],
        ssnAttribute: undefined,
        archiveOnLeavingSegments: false,
        fetchIntervals: { companies: 180, participants: 180 },
        fetchCompanyEvents: false,
        claims: {},
        requestsPerMinute: 60,
        bodyFormat: "form",
      });
      expect(companyRows.map(({ field }) => field)).toEqual(["name", "ein"]);
      expect(participantRows.map(({ field }) => field).join(" ")).toBe(
        "first_name last_name email phone street1 street2 city state zip dob",
      );
    }
  });

  it("name what is wrong and what to do", () => {
    const result = readSettings({ application_key: "two words", body_format: "xml" });
    expect(result).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/^application_key: .*copy/), expect.stringMatching(/^body_format: .*choose/)],
    });
  });

  it("leave out rows that cannot be used, with a warning for each", () => {
    const rows = [row("a", "City"), row("b", "city"), row("c", "ssn"), row("d", "salary"), row("", "zip")];
    const settings = settingsOf({ participant_attributes_outbound: rows });
    expect(settings.participantRows).toMatchObject([{ field: "city", attribute: { text: "b" } }]);
    expect(settings.rowWarnings.map(({ code, name }) => [code, name])).toEqual([
      ["duplicate_field", "city"],
      ["fixed_field", "ssn"],
      ["unknown_field", "salary"],
    ]);
  });
});

describe("the status", () => {
  it("wants key and secret first", () => {
    const findings = checkSettings(settingsOf({ application_key: null, application_secret: null }));
    expect(findings.map(({ level }) => level)).toEqual(["setupRequired", "setupRequired"]);
  });

  it("says nothing about complete settings", () => {
    expect(checkSettings(settingsOf())).toEqual([]);
  });

  it("names missing rows, empty filters, and what creating and archiving need", () => {
    const settings = settingsOf({
      participant_attributes_outbound: [row("city", "city")],
      account_synchronized_segments: [],
      ssn_attribute: null,
      archive_on_leaving_segments: true,
    });
    expect(checkSettings(settings)).toMatchObject([
      { level: "error", text: containing("first_name, last_name, street1, state, zip, dob") },
      { level: "ok", text: containing("Companies Filter") },
      { level: "warning", text: containing("nobody is created") },
      { level: "ok", text: containing("archives dependents") },
    ]);
  });

  it("counts what people must mend", () => {
    const findings = checkOutcomes({
      "participants/skipped/incomplete": 2,
      "companies/skipped/incomplete": 1,
      "participants/sent/created": 9,
    });
    expect(findings).toMatchObject([{ level: "warning", text: containing("3 times") }]);
  });
});

describe("the target", () => {
  const target = (stored = {}, account?: string, key = "k") =>
    targetOf(settingsOf(stored), "https://plangrade.com/", account, key);

  it("is named by the address and the account of the grant", () => {
    expect(target({}, "7")).toMatchObject({
      baseUrl: "https://plangrade.com",
      account: "7",
      quotaKey: "https://plangrade.com#app-key",
    });
    expect(target()).toMatchObject({ account: undefined });
  });

  it("changes its fingerprint with key, secret and account, and shows none of them", () => {
    const all = [
      target({}, "7"),
      target({}, "8"),
      target(),
      target({ application_key: "other" }, "7"),
      target({ application_secret: "other" }, "7"),
      target({}, "7", "k2"),
    ].map((each) => each?.fingerprint);
    expect(new Set(all).size).toBe(all.length);
    expect(all.join(" ")).not.toMatch(/app-secret|other/);
  });

  it("is none without key or secret", () => {
    expect(target({ application_key: "" })).toBeUndefined();
    expect(target({ application_secret: "" })).toBeUndefined();
  });

  it("is reached by https, except on this machine", () => {
    expect(
      ["https://plangrade.com", "http://127.0.0.1:81", "http://localhost", "http://[::1]:8"].map(isSafeAddress),
    ).toEqual(Array.from({ length: 4 }, () => true));
    for (const address of [
      "http://plangrade.com",
      "http://127.0.0.1.example",
      "ftp://x",
      "https://a:b@x",
      "https://x?y",
      "x",
    ]) {
      expect(isSafeAddress(address)).toBe(false);
    }
  });
});
