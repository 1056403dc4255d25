import { createPlanhatService } from "../../../src/services/planhat";
import { readSettings } from "../../../src/services/planhat/settings/settings";
import { settingsOf } from "./messages";

describe("the settings of the way to Hull", () => {
  it("change nothing for an installation that has none of them", () => {
    const blank = { contact_attributes_inbound: null, incoming_ignored_fields: null, resolve_owners: "" };
    for (const stored of [{}, blank]) {
      expect(settingsOf(stored).incoming).toEqual({
        endusers: { rows: [], ignored: [], excluded: [] },
        companies: { rows: [], ignored: [], excluded: [] },
        linkUsers: true,
        resolveOwners: false,
        markDeleted: false,
        licenses: true,
      });
    }
  });

  it("take an interval as number or text, and 0 for every call", () => {
    const intervals = (accounts: unknown, users: unknown) =>
      settingsOf({ fetch_interval_accounts: accounts, fetch_interval_users: users }).fetchIntervalMinutes;
    expect(intervals("360", 0)).toEqual({ companies: 360, endusers: 0 });
    expect(intervals("0", "")).toEqual({ companies: 0, endusers: 180 });
    expect(readSettings({ fetch_interval_accounts: -1 })).toMatchObject({
      problems: [expect.stringMatching(/^fetch_interval_accounts: .*0 or more; enter/)],
    });
  });

  it("understand fields by name, label, or display name of a custom field", () => {
    const listed = ["phase", "Lifecycle phase", "renewalDate", "# Overdue", "custom.nps", "NPS", "planhat/h", " "];
    expect(settingsOf({ incoming_ignored_fields: listed }).incoming.companies.ignored).toEqual([
      "phase",
      "phase",
      "renewalDate",
      "custom.# Overdue",
      "custom.nps",
      "custom.NPS",
      "planhat/h",
    ]);
    expect(settingsOf({ incoming_excluded_fields: "usage, Last Name" }).incoming.endusers.excluded).toEqual([
      "usage",
      "lastName",
    ]);
  });

  it("pass over rows with an empty cell, and let the last row of an attribute count", () => {
    const result = readSettings({
      contact_attributes_inbound: [
        { hull: "job", service: "position" },
        { hull: " ", service: "phone" },
        { hull: "phone" },
        null,
        { hull: "traits_job", service: "custom.Job", overwrite: false },
      ],
    });
    expect(result).toMatchObject({
      warnings: [{ code: "duplicate_field" }],
      settings: { incoming: { endusers: { rows: [{ field: "custom.Job", attribute: "job", overwrite: false }] } } },
    });
  });

  it("leave out rows for what says who somebody is, and for the account of a user", () => {
    const hulls = ["external_id", "email", "traits_email", "planhat/id", "account.name"];
    const result = readSettings({
      contact_attributes_inbound: hulls.map((hull) => ({ hull, service: "phone" })),
      account_attributes_inbound: [{ hull: "domain", service: "web" }],
    });
    expect(result).toMatchObject({
      ok: true,
      warnings: Array(6).fill({ code: "fixed_field" }),
      settings: { incoming: { endusers: { rows: [] }, companies: { rows: [] } } },
    });
  });

  it.each([
    ["contact_attributes_inbound", "x"],
    ["account_attributes_inbound", [{ hull: 3, service: "phase" }]],
    ["account_attributes_inbound", [{ hull: "a", service: "phase", overwrite: "perhaps" }]],
    ["incoming_ignored_fields", {}],
    ["incoming_excluded_fields", [1]],
    ["link_users_in_hull", {}],
    ["resolve_owners", 3],
    ["mark_deleted", "x"],
    ["fetch_licenses", []],
  ])("name the setting %s and a remedy when it holds %j", (setting, value) => {
    const result = readSettings({ [setting]: value });
    expect(result).toMatchObject({ ok: false });
    if (!result.ok) {
      expect(result.problems).toEqual([
        expect.stringMatching(new RegExp(`^${setting}.*: .*(again|choose|enter|switch)`)),
      ]);
    }
  });
});

describe("what a full fetch reads", () => {
  const service = createPlanhatService({ fingerprintKey: "k" });
  afterAll(() => service.close());
  const policy = (stored: Record<string, unknown>) => service.fetchPolicy(settingsOf(stored));
  const licenses = {
    account_licenses_attribute: "licenses",
    account_licenses_attributes_outbound: [{ hull_field_name: "id", service_field_name: "externalId" }],
  };

  it("is companies before endusers, each in its own time", () => {
    expect(policy({ fetch_interval_accounts: "360", fetch_interval_users: "0" })).toEqual({
      types: [
        { type: "companies", intervalMinutes: 360, isClaimed: false },
        { type: "endusers", intervalMinutes: 0, isClaimed: false },
      ],
      linkToParent: true,
      deletedAttribute: "planhat/deleted_at",
      marksDeleted: false,
    });
  });

  it("includes licenses with the companies if they are sent at all", () => {
    const typesOf = (stored: Record<string, unknown>) => policy(stored).types.map(({ type }) => type);
    expect(policy({ ...licenses, fetch_interval_accounts: 720 }).types[2]).toEqual({
      type: "licenses",
      intervalMinutes: 720,
    });
    expect(typesOf({ ...licenses, fetch_licenses: false })).toEqual(["companies", "endusers"]);
    expect(typesOf({ account_licenses_attribute: "licenses" })).toEqual(["companies", "endusers"]);
  });

  it("says whether users are linked, and how what vanished is marked", () => {
    expect(policy({ link_users_in_hull: false, mark_deleted: true })).toMatchObject({
      linkToParent: false,
      deletedAttribute: "planhat/deleted_at",
      marksDeleted: true,
    });
  });
});
