/** What a full fetch tells Hull: what changed, once. */
import {
  bodies,
  listed,
  company,
  COUNT,
  LONG_AGO,
  numbers,
  person,
  putCompany,
  putPerson,
  useFullPlanhat,
} from "../fixture/lists";
import type { Fixture } from "../fixture/fixture";

const { openFull, openKnown } = useFullPlanhat();
const row = (hull: string, service: string, overwrite: boolean) => ({ hull, service, overwrite });

describe("the first fetch", () => {
  test("tells Hull everything, and links everybody to the account", async () => {
    const fixture = await openFull();
    await fixture.fetchBoth();
    const { users, accounts } = fixture.hull.profiles.snapshot();
    expect([users.length, accounts.length]).toEqual([COUNT, COUNT]);
    const pages = [...listed(fixture), ...listed(fixture, "GET /endusers")];
    expect(pages.map(({ query }) => query.get("sort"))).toEqual(["_id", "_id"]);
    expect(users[0]).toMatchObject({
      external_id: "person-1",
      email: "person-1@example.com",
      anonymous_ids: [`planhat:${person(1)}`],
      attributes: {
        name: "Person 1",
        "planhat/id": person(1),
        "planhat/name": "Person 1",
        "planhat/company_id": company(1),
        "planhat/updated_at": LONG_AGO,
      },
    });
    const owner = accounts.find(({ external_id }) => external_id === "acme-1");
    expect(users.every(({ account_id }) => account_id === owner?.id)).toBe(true);
    expect(owner).toMatchObject({ anonymous_ids: [`planhat:${company(1)}`], attributes: { "planhat/name": "Acme 1" } });
  });

  test("does not tell what is empty or at its default", async () => {
    const fixture = await openFull();
    const told = await fixture.fetchBoth();
    const names = new Set(bodies(told).flatMap((body) => Object.keys(body)));
    for (const name of ["tags", "featured", "beats", "phone", "domains"])
      expect(names).not.toContain(`planhat/${name}`);
  });

  test("overwrites no name that Hull has", async () => {
    const fixture = await openFull();
    fixture.hull.profiles.seedUser({ external_id: "person-1", attributes: { name: "Chosen in Hull" } });
    await fixture.fetchBoth();
    const found = [...fixture.hull.profiles.users.values()].find(({ external_id }) => external_id === "person-1");
    expect(found?.attributes).toMatchObject({ name: "Chosen in Hull", "planhat/name": "Person 1" });
  });

  test("links nobody if that is switched off", async () => {
    const fixture = await openFull({ settings: { link_users_in_hull: false } });
    const told = await fixture.fetchBoth();
    expect(told).toHaveLength(2 * COUNT);
    expect(fixture.hull.books.snapshot().links).toBe(0);
  });
});

describe("the second fetch", () => {
  test("tells nothing", async () => {
    const fixture = await openKnown();
    expect(await fixture.fetchBoth()).toEqual([]);
    fixture.advance(1_000);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("tells of what changed, not of what was merely touched", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putPerson(fixture, 4, { updatedAt: fixture.ago(1) });
    putPerson(fixture, 5, { updatedAt: fixture.ago(1), position: "Captain" });
    putCompany(fixture, 6, { updatedAt: fixture.ago(1), lastUpdated: fixture.ago(1), __v: 7 });
    putCompany(fixture, 7, { updatedAt: fixture.ago(1), phase: "Live" });
    const touchedAt = fixture.planhat.tenant().companies.get(company(7))?.["updatedAt"];
    expect(await fixture.fetchBoth()).toMatchObject([
      {
        account: { external_id: "acme-7", anonymous_id: `planhat:${company(7)}` },
        body: { "planhat/phase": "Live", "planhat/updated_at": touchedAt },
      },
      { user: { external_id: "person-5" }, body: { "planhat/position": "Captain" } },
    ]);
    const run = await fixture.fetch("users");
    expect(run.counts).toEqual({ "endusers/unchanged/known": 2, "endusers/unchanged/not_touched": COUNT - 2 });
  });

  test("sends of a changed record what changed and what travels along, no more", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putPerson(fixture, 5, { updatedAt: fixture.ago(1), position: "Captain" });
    const [item] = await fixture.fetchBoth();
    expect(Object.keys(item?.body ?? {}).sort()).toEqual([
      "planhat/company_name",
      "planhat/create_date",
      "planhat/position",
      "planhat/updated_at",
    ]);
  });

  test("a field whose change is named as noise causes nothing, but travels along", async () => {
    const fixture = await openKnown({ settings: { incoming_ignored_fields: ["beats", "planhat/custom_score"] } });
    fixture.advance(60);
    putPerson(fixture, 4, { updatedAt: fixture.ago(1), beats: 12, custom: { Score: 3 } });
    expect(await fixture.fetchBoth()).toEqual([]);
    putPerson(fixture, 4, { updatedAt: fixture.ago(1), beats: 13, custom: { Score: 4 }, phone: "0049 30 1" });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([
      { "planhat/phone": "0049 30 1", "planhat/beats": 13, "planhat/custom_score": 4 },
    ]);
  });

  test("a new field at its default causes nothing, a filled one is told once", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    for (const number of numbers) {
      putPerson(fixture, number, { updatedAt: fixture.ago(1), loyalty: number === 3 ? 5 : 0, custom: { Fan: false } });
    }
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/loyalty": 5 }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("a value that went back to its default is told", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { featured: true, phone: "0049 30 1" });
    await fixture.fetchBoth();
    fixture.advance(60);
    putPerson(fixture, 3, { updatedAt: fixture.ago(1), featured: false, phone: "" });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/featured": false, "planhat/phone": "" }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("an excluded field is told neither now nor when something else changes", async () => {
    const fixture = await openFull({ settings: { incoming_excluded_fields: ["phone", "planhat/custom_salary"] } });
    putPerson(fixture, 3, { phone: "0049 30 1", custom: { Salary: 7 } });
    const first = await fixture.fetchBoth();
    fixture.advance(60);
    putPerson(fixture, 3, { updatedAt: fixture.ago(1), phone: "0049 30 2", custom: { Salary: 8 } });
    expect(await fixture.fetchBoth()).toEqual([]);
    putPerson(fixture, 3, {
      updatedAt: fixture.ago(1),
      phone: "0049 30 3",
      custom: { Salary: 9 },
      position: "Captain",
    });
    const told = await fixture.fetchBoth();
    expect(told).toHaveLength(1);
    const names = bodies([...first, ...told]).flatMap((body) => Object.keys(body));
    expect(names.filter((name) => /phone|salary/.test(name))).toEqual([]);
  });

  test("a record without updatedAt is always compared", async () => {
    const fixture = await openFull();
    const timeless = { updatedAt: undefined, lastUpdated: undefined };
    putCompany(fixture, 3, timeless);
    await fixture.fetchBoth();
    fixture.advance(600);
    putCompany(fixture, 3, { ...timeless, phase: "Live" });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/phase": "Live" }]);
  });
});

describe("a record that says that it was not touched", () => {
  test("is passed over, since Hull knows everything about it", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putPerson(fixture, 3, { position: "Captain" });
    const run = await fixture.fetch("users");
    expect(run.counts).toEqual({ "endusers/unchanged/not_touched": COUNT });
  });

  test("is compared all the same once a week", async () => {
    const fixture = await openKnown();
    putPerson(fixture, 3, { position: "Captain" });
    fixture.advance(7 * 24 * 60 - 5);
    expect(await fixture.fetchBoth()).toEqual([]);
    fixture.advance(10);
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/position": "Captain" }]);
    // The next week begins with that.
    putPerson(fixture, 3, { position: "Admiral" });
    fixture.advance(60);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("is compared at once when a person asks for a fetch", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putPerson(fixture, 3, { position: "Captain" });
    putCompany(fixture, 4, { phase: "Live" });
    expect(await fixture.fetchBoth()).toEqual([]);
    const told = await fixture.during(async () => {
      for (const what of ["accounts", "users"] as const) await fixture.fetch(what, "force=1");
    });
    expect(bodies(told)).toMatchObject([{ "planhat/phase": "Live" }, { "planhat/position": "Captain" }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("is compared at once after a version that did not write down which fields rows have shown", async () => {
    const fixture = await openKnown();
    const { store } = fixture.connector;
    fixture.advance(60);
    const id = "of-the-version-before";
    const at = Date.now();
    const checkpoint = { next: null, scanStartedAtMs: at, comparedAllAtMs: at, ended: true, vanishedAfter: null };
    await store.beginRun({ id, tenant: fixture.tenantKey, kind: "fetch", type: "endusers", options: {} }, true);
    await store.changeRun(id, { state: "success", checkpoint, announced: true });
    fixture.advance(60);
    putPerson(fixture, 3, { position: "Captain" });
    expect(bodies(await fixture.during(() => fixture.fetch("users")))).toMatchObject([
      { "planhat/position": "Captain" },
    ]);
  });

  test("is compared while the clocks may differ", async () => {
    const fixture = await openKnown();
    putPerson(fixture, 3, { position: "Captain", updatedAt: fixture.ago(9) });
    fixture.advance(60);
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/position": "Captain" }]);
  });
});

describe("a field that a complete row does not show any more", () => {
  const attributes = (fixture: Fixture, kind: "users" | "accounts", externalId: string) =>
    [...fixture.hull.profiles[kind].values()].find(({ external_id }) => external_id === externalId)?.attributes;

  test("is emptied in Hull, mapped or not, though no other row shows it, and only where Hull had a value", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { phone: "0049 30 1", position: "Captain", custom: { Score: 3, Tier: "A" } });
    putCompany(fixture, 4, { phase: "Live", description: "Bakery", custom: { Plan: "Gold" } });
    await fixture.fetchBoth();
    fixture.advance(60);
    await fixture.restart();
    for (const number of [3, 5]) putPerson(fixture, number, { updatedAt: fixture.ago(1), custom: { Tier: "A" } });
    for (const number of [4, 5]) putCompany(fixture, number, { updatedAt: fixture.ago(1) });
    const told = await fixture.fetchBoth();
    const named = (body: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(body).filter(([, value]) => value === null || value === "A"));
    expect(bodies(told).map(named)).toEqual([
      { "planhat/phase": null, "planhat/description": null, "planhat/custom_plan": null },
      { "planhat/phone": null, "planhat/position": null, "planhat/custom_score": null },
      { "planhat/custom_tier": "A" },
    ]);
    expect(fixture.hull.books.snapshot().noOpItems).toBe(0);
    fixture.advance(60);
    expect(await fixture.fetchBoth()).toEqual([]);
    expect(await fixture.during(() => fixture.fetch("users", "force=1"))).toEqual([]);
  });

  test("is told again when it is there again", async () => {
    const fixture = await openFull();
    for (const [minutes, phone] of [
      [0, "0049 30 1"],
      [60, undefined],
      [60, "0049 30 1"],
    ] as const) {
      fixture.advance(minutes);
      putPerson(fixture, 3, { phone, updatedAt: fixture.ago(1) });
      await fixture.fetchBoth();
      expect(attributes(fixture, "users", "person-3")?.["planhat/phone"] ?? undefined).toBe(phone);
    }
  });

  test("stays where the settings exclude or ignore it, and where its place is another field's", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { phone: "0049 30 1", loyalty: 7, custom: { "MRR %": 5 } });
    await fixture.fetchBoth();
    await fixture.saveSettings({ incoming_excluded_fields: ["phone"], incoming_ignored_fields: ["loyalty"] });
    fixture.advance(60);
    putPerson(fixture, 3, { updatedAt: fixture.ago(1), custom: { "MRR #": 6 } });
    await fixture.fetchBoth();
    expect(attributes(fixture, "users", "person-3")).toMatchObject({
      "planhat/phone": "0049 30 1",
      "planhat/loyalty": 7,
      "planhat/custom_mrr": 6,
    });
  });

  test("stays where the list is not asked for it any more", async () => {
    const fixture = await openFull({
      settings: { account_attributes_inbound: [row("tier", "loyaltyTier", true)] },
    });
    putCompany(fixture, 4, { loyaltyTier: "A" });
    await fixture.fetchBoth();
    expect(attributes(fixture, "accounts", "acme-4")).toMatchObject({ tier: "A", "planhat/loyalty_tier": "A" });
    await fixture.saveSettings({ account_attributes_inbound: [] });
    fixture.advance(60);
    putCompany(fixture, 4, { loyaltyTier: "B", updatedAt: fixture.ago(1) });
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("stays where a row shows so little that it cannot be complete", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { phone: "0049 30 1" });
    await fixture.fetchBoth();
    fixture.advance(60);
    putPerson(fixture, 3, { companyId: undefined, updatedAt: fixture.ago(1) });
    await fixture.fetchBoth();
    expect(attributes(fixture, "users", "person-3")).toMatchObject({ "planhat/phone": "0049 30 1" });
  });
});

describe("changed settings", () => {
  test("do not retell what Hull knows, and tell what they add", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { phone: "0049 30 1" });
    await fixture.fetchBoth();
    fixture.advance(60);
    await fixture.saveSettings({ requests_per_minute: 100, resolve_owners: true });
    expect(await fixture.fetchBoth()).toEqual([]);
    await fixture.saveSettings({ contact_attributes_inbound: [row("traits_telephone", "phone", true)] });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ telephone: "0049 30 1" }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("a field that is mapped now is not retold", async () => {
    const fixture = await openFull();
    putPerson(fixture, 3, { phone: "0049 30 1" });
    await fixture.fetchBoth();
    await fixture.saveSettings({
      contact_attributes_outbound: [{ hull_field_name: "traits_phone", service_field_name: "phone" }],
    });
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("a field that is mapped no longer is not retold", async () => {
    const fixture = await openKnown();
    await fixture.saveSettings({ contact_attributes_outbound: [] });
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("a field that is excluded no longer is told", async () => {
    const fixture = await openFull({ settings: { incoming_excluded_fields: ["phone"] } });
    putPerson(fixture, 3, { phone: "0049 30 1" });
    await fixture.fetchBoth();
    fixture.advance(60);
    await fixture.saveSettings({ incoming_excluded_fields: [] });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/phone": "0049 30 1" }]);
  });
});

describe("rows of the settings", () => {
  const settings = {
    contact_attributes_inbound: [row("traits_rank", "position", true), row("traits_telephone", "phone", false)],
  };

  test("fill further attributes: over what Hull has, or only where it has nothing", async () => {
    const fixture = await openFull({ settings });
    fixture.hull.profiles.seedUser({
      external_id: "person-3",
      attributes: { rank: "Sailor", telephone: "kept in Hull" },
    });
    putPerson(fixture, 3, { position: "Captain", phone: "0049 30 1" });
    putPerson(fixture, 4, { phone: "0049 30 4" });
    await fixture.fetchBoth();
    const people = [...fixture.hull.profiles.users.values()];
    const named = (key: string) => people.find(({ external_id }) => external_id === key)?.attributes;
    expect(named("person-3")).toMatchObject({
      rank: "Captain",
      telephone: "kept in Hull",
      "planhat/position": "Captain",
      "planhat/phone": "0049 30 1",
    });
    expect(named("person-4")).toMatchObject({ telephone: "0049 30 4" });
  });

  test("tell each change once", async () => {
    const fixture = await openFull({ settings });
    putPerson(fixture, 3, { position: "Captain" });
    await fixture.fetchBoth();
    fixture.advance(60);
    putPerson(fixture, 3, { position: "Admiral", updatedAt: fixture.ago(1) });
    expect(bodies(await fixture.fetchBoth())).toMatchObject([{ rank: "Admiral", "planhat/position": "Admiral" }]);
    expect(await fixture.fetchBoth()).toEqual([]);
  });
});

test("owners are told by name and address, and a new owner is told once", async () => {
  const fixture = await openFull({ settings: { resolve_owners: true } });
  const team = fixture.planhat.tenant();
  team.seedUser({ _id: "u1", firstName: "Ann", lastName: "Lee", email: "ann@planhat.example" });
  team.seedUser({ _id: "u2", firstName: "Bob", lastName: "Ray", email: "bob@planhat.example" });
  putCompany(fixture, 3, { owner: "u1" });
  await fixture.fetchBoth();
  const found = [...fixture.hull.profiles.accounts.values()].find(({ external_id }) => external_id === "acme-3");
  expect(found?.attributes).toMatchObject({
    "planhat/owner": "u1",
    "planhat/owner_name": "Ann Lee",
    "planhat/owner_email": "ann@planhat.example",
  });
  expect(await fixture.fetchBoth()).toEqual([]);
  fixture.advance(60);
  putCompany(fixture, 3, { owner: "u2", updatedAt: fixture.ago(1) });
  expect(bodies(await fixture.fetchBoth())).toMatchObject([{ "planhat/owner": "u2", "planhat/owner_name": "Bob Ray" }]);
});

test.each([
  ["with updatedAt", "full"],
  ["without", "lean"],
] as const)("of a company list %s, what changed is told, and what is gone", async (_name, companyList) => {
  const settings = { mark_deleted: true };
  const fixture = await openKnown({ settings, planhat: { switches: { companyList } }, fetchQuery: "force=1" });
  expect(await fixture.fetchBoth()).toEqual([]);
  fixture.planhat.tenant().edit("companies", company(2), { phase: "Live" });
  expect(await fixture.fetchBoth()).toMatchObject([{ body: { "planhat/phase": "Live" } }]);
  fixture.planhat.tenant().remove("companies", company(3));
  const gone = await fixture.fetchBoth();
  expect(gone).toMatchObject([{ account: { anonymous_id: `planhat:${company(3)}` } }]);
  expect(bodies(gone).map((body) => Object.keys(body))).toEqual([["planhat/deleted_at"]]);
});
