/** Settings of Hull's newer connectors: by what Hull knows records, names of segments, and what was deleted in Planhat. */
import { account, minute, row, useFixtures, user, type Fixture, type FixtureOptions } from "../fixture/fixture";
import { company, person, putCompany, putPerson } from "../fixture/lists";

const open = useFixtures();

describe("claims of the settings", () => {
  const NUMBER = "Number in the shop";
  const claim = (hull: string, service: string, required = false) => ({ hull, service, required });
  const numbered = (value: unknown) => ({ custom: { [NUMBER]: value } });

  async function openClaiming(settings: FixtureOptions["settings"]): Promise<Fixture> {
    const fixture = await open({ settings });
    putCompany(fixture, 1);
    return fixture;
  }

  test("are taken from the rows, the first with a value; other keys of Planhat claim nothing", async () => {
    const fixture = await openClaiming({
      incoming_user_claims: [
        claim("external_id", NUMBER),
        claim("external_id", "custom.Second"),
        claim("email", "email"),
      ],
    });
    putPerson(fixture, 1, numbered("4711"));
    putPerson(fixture, 2, { custom: { Second: 4712 } });
    putPerson(fixture, 3, { email: undefined });
    await fixture.fetchBoth();
    const { users } = fixture.hull.profiles.snapshot();
    expect(users).toMatchObject([
      { external_id: "4711", email: "person-1@example.com", anonymous_ids: [`planhat:${person(1)}`] },
      { external_id: "4712", email: "person-2@example.com", anonymous_ids: [`planhat:${person(2)}`] },
      { anonymous_ids: [`planhat:${person(3)}`] },
    ]);
    expect(users[2]?.external_id ?? undefined).toBeUndefined();
  });

  test("that are required keep from Hull who lacks them, but not whom Hull knows already", async () => {
    const fixture = await openClaiming({ incoming_user_claims: [claim("external_id", NUMBER, true)] });
    await fixture.deliverUser(user(1), account(1));
    putPerson(fixture, 7);
    fixture.advance(1);
    await fixture.fetchBoth();
    const { users } = fixture.hull.profiles.snapshot();
    expect(users.map(({ external_id }) => external_id)).toEqual(["person-1"]);
    const known = String(fixture.endusers().find(({ externalId }) => externalId === "person-1")?.["_id"]);
    fixture.planhat.tenant().edit("endusers", known, { position: "Captain" });
    fixture.planhat.tenant().edit("endusers", person(7), numbered("4717"));
    fixture.advance(1);
    await fixture.fetchBoth();
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Captain" });
    expect(fixture.hull.profiles.snapshot().users.map(({ external_id }) => external_id)).toEqual(["person-1", "4717"]);
  });

  test("that got lost do not hide from Hull whom a fetch told it of", async () => {
    const fixture = await openClaiming({ incoming_user_claims: [claim("external_id", NUMBER, true)] });
    putPerson(fixture, 1, numbered("4711"));
    await fixture.fetchBoth();
    fixture.planhat.tenant().edit("endusers", person(1), { ...numbered(null), position: "Captain" });
    fixture.advance(1);
    await fixture.fetchBoth();
    const { users } = fixture.hull.profiles.snapshot();
    expect(users).toMatchObject([{ external_id: "4711", attributes: { "planhat/position": "Captain" } }]);
  });

  test("that a company lacks keep it from Hull with its users too; both meet once it has them", async () => {
    const erp = [claim("external_id", "erpId", true)];
    const fixture = await open({ settings: { incoming_account_claims: erp }, fetchQuery: "" });
    putCompany(fixture, 1);
    putPerson(fixture, 1);
    await fixture.fetchBoth();
    const before = fixture.hull.profiles.snapshot();
    expect([before.users.map(({ account_id: id = null }) => id), before.accounts]).toEqual([[null], []]);
    putCompany(fixture, 1, { erpId: "erp-1" });
    // By then the user has not been touched for long.
    fixture.advance(200);
    await fixture.fetchBoth();
    const { users, accounts } = fixture.hull.profiles.snapshot();
    expect(accounts).toMatchObject([{ external_id: "erp-1" }]);
    expect(users).toMatchObject([{ account_id: accounts[0]?.id }]);
  });

  test("alone say who is somebody else: an address that nobody claims may be shared", async () => {
    const fixture = await openClaiming({ incoming_user_claims: [claim("external_id", NUMBER)] });
    for (const [index, number] of ["4711", "4712"].entries())
      putPerson(fixture, index + 1, { ...numbered(number), email: "both@example.com" });
    await fixture.fetchBoth();
    const { users } = fixture.hull.profiles.snapshot();
    expect(users.map(({ external_id }) => external_id)).toEqual(["4711", "4712"]);
  });

  test("leave the keys by which records are found as they are", async () => {
    const fixture = await openClaiming({ incoming_user_claims: [claim("email", NUMBER)] });
    putPerson(fixture, 1, { externalId: undefined, ...numbered("other@example.com") });
    await fixture.fetchBoth();
    await fixture.deliverUser(user(1, { email: "person-1@example.com" }), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: person(1), externalId: "person-1" }]);
    await fixture.deliverUser(user(2, { email: "other@example.com" }), account(1));
    expect(fixture.endusers()).toHaveLength(2);
  });

  test("that two records share make one of nobody: Hull is told of each under Planhat's id", async () => {
    const fixture = await openClaiming({ incoming_user_claims: [claim("external_id", NUMBER)] });
    putPerson(fixture, 1, numbered("4711"));
    putPerson(fixture, 2, numbered("4711"));
    await fixture.fetchBoth();
    const { users } = fixture.hull.profiles.snapshot();
    expect(users.map(({ anonymous_ids: ids }) => ids)).toEqual([[`planhat:${person(1)}`], [`planhat:${person(2)}`]]);
  });

  test("of companies name the account to which users are linked", async () => {
    const fixture = await openClaiming({ incoming_account_claims: [claim("external_id", "sourceId")] });
    putCompany(fixture, 1, { sourceId: "crm-1" });
    const { id } = fixture.hull.profiles.seedAccount({ external_id: "crm-1" });
    putPerson(fixture, 1);
    await fixture.fetchBoth();
    const { users, accounts } = fixture.hull.profiles.snapshot();
    expect(accounts).toMatchObject([{ id, external_id: "crm-1", attributes: { "planhat/id": company(1) } }]);
    expect(users).toMatchObject([{ account_id: id }]);
  });
});

describe("names of segments", () => {
  const dates = { created_at: minute(0), updated_at: minute(0) };
  const segment = (name: string) =>
    ({ id: name.toLowerCase(), name, type: "users_segment", ...dates, stats: {} }) as const;
  const settings = {
    contact_attributes_outbound: [row("email", "email"), row("segments.name[]", "tags")],
    outgoing_user_attributes: [{ hull: "account_segments.name[]", service: "position" }],
  };

  test("fill fields by rows of either table, sorted, and with commas where there is no list", async () => {
    const fixture = await open({ settings });
    const told = { segments: ["Leads", "Active"].map(segment), account_segments: ["Large", "East"].map(segment) };
    await fixture.deliverUser(user(1), account(1), told);
    expect(fixture.endusers()).toMatchObject([{ tags: ["Active", "Leads"], position: "East, Large" }]);
    const again = { ...told, segments: told.segments.toReversed() };
    const before = fixture.calls.length;
    await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1), again);
    expect(fixture.calls).toHaveLength(before);
    await fixture.deliverUser(user(1, { indexed_at: minute(2) }), account(1), { ...again, segments: [segment("New")] });
    expect(fixture.endusers()).toMatchObject([{ tags: ["New"] }]);
  });
});

describe("who was deleted in Planhat", () => {
  const GONE = { "planhat/deleted_at": "2026-01-01T00:00:00.000Z" };
  const IGNORED = { ignore_deleted_users: true, ignore_deleted_accounts: true };

  test("is not made again, nor is the company of a user, unless a person sends them", async () => {
    const fixture = await open({ settings: IGNORED });
    await fixture.deliverUser(user(1, GONE), account(1));
    await fixture.deliverUser(user(2), account(2, GONE));
    await fixture.deliverAccount(account(2, { ...GONE, indexed_at: minute(1) }));
    expect(await fixture.outcomes()).toEqual({
      "endusers/skipped/deleted_in_planhat": 2,
      "companies/skipped/deleted_in_planhat": 1,
    });
    expect(fixture.calls).toEqual([]);
    await fixture.deliverUser(user(2, { indexed_at: minute(2) }), account(2, GONE), { isExport: true });
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-2" }]);
  });

  test("is sent where the settings say so, and once the mark is gone", async () => {
    const fixture = await open({ settings: { ...IGNORED, ignore_deleted_users: false } });
    await fixture.deliverUser(user(1, GONE), account(1));
    await fixture.deliverUser(user(2), account(2, GONE));
    expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
    for (const [index, emptied] of [null, " "].entries()) {
      const told = account(2 + index, { "planhat/deleted_at": emptied });
      await fixture.deliverUser(user(2 + index, { indexed_at: minute(1) }), told);
    }
    expect(fixture.endusers().map(({ externalId }) => externalId)).toEqual(["person-1", "person-2", "person-3"]);
  });

  test("is sent as ever by an installation that has no such setting", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1, GONE), account(1, GONE));
    expect([fixture.endusers(), fixture.companies()]).toMatchObject([[{}], [{}]]);
  });

  describe("and lives there again", () => {
    const markOf = (fixture: Fixture): unknown => fixture.profile("account", account(1).id)["planhat/deleted_at"];

    /** An account whose company was made here, and is gone. */
    async function openGone(): Promise<Fixture> {
      const fixture = await open({ settings: { ...IGNORED, mark_deleted: true } });
      await fixture.deliverAccount(account(1));
      const [{ _id: id } = {}] = fixture.companies();
      fixture.planhat.tenant().remove("companies", String(id));
      fixture.advance(30);
      return fixture;
    }

    test("loses the mark when a fetch finds the new record", async () => {
      const fixture = await openGone();
      await fixture.fetchBoth();
      expect(markOf(fixture)).toEqual(expect.any(String));
      putCompany(fixture, 7, { externalId: account(1)["external_id"] });
      fixture.advance(30);
      await fixture.fetchBoth();
      expect(markOf(fixture)).toBeNull();
    });

    test("loses it when a person has the record made again", async () => {
      const fixture = await openGone();
      await fixture.fetchBoth();
      await fixture.deliverAccount(account(1, { ...GONE, indexed_at: minute(1) }), { isExport: true });
      expect(markOf(fixture)).toBeNull();
    });

    test("never gets it when the new record was there before anybody missed the old one", async () => {
      const fixture = await openGone();
      putCompany(fixture, 7, { externalId: account(1)["external_id"] });
      await fixture.fetchBoth();
      expect(markOf(fixture) ?? null).toBeNull();
    });
  });
});
