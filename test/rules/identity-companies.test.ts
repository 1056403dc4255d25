/** Which company is it? External id, then link, then what Hull remembers. */
import { account, minute, useFixtures, user } from "../fixture/fixture";
import { openBlindProxy } from "../fixture/blind-proxy";

const open = useFixtures();

test("a company that Planhat already has under the external id is used, not made again", async () => {
  const fixture = await open();
  const there = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Old name", phase: "Renewal" });
  await fixture.deliverAccount(account(1));
  expect(fixture.companies()).toMatchObject([{ _id: there._id, name: "Acme 1", phase: "Renewal" }]);
  expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(there._id);
});

test("the external id is compared to the letter", async () => {
  const fixture = await open();
  const shouting = fixture.planhat.tenant().seedCompany({ externalId: "ACME-1", name: "Somebody else" });
  await fixture.deliverAccount(account(1));
  expect(fixture.companies()).toHaveLength(2);
  expect(fixture.planhat.tenant().companies.get(shouting._id)).toMatchObject({ name: "Somebody else" });
});

test("an account without external id matches nothing, not even companies without one", async () => {
  const fixture = await open();
  const nameless = account(1, { external_id: "" });
  fixture.planhat.tenant().seedCompany({ externalId: "", name: "Without" });
  fixture.planhat.tenant().seedCompany({ name: "Without any" });
  await fixture.deliverAccount(nameless);
  expect(await fixture.outcomes()).toEqual({ "companies/skipped/missing_account_external_id": 1 });
  expect(fixture.calls).toEqual([]);
});

test("of several companies with one external id the linked one is used", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  const [linked] = fixture.companies();
  const older = fixture.planhat
    .tenant()
    .seedCompany({ externalId: "acme-1", name: "Older copy", createDate: "2015-01-01T00:00:00.000Z" });
  await fixture.deliverAccount(account(1, { name: "Renamed", indexed_at: minute(1) }), { isExport: true });
  expect(fixture.planhat.tenant().companies.get(String(linked?.["_id"]))).toMatchObject({ name: "Renamed" });
  expect(fixture.planhat.tenant().companies.get(older._id)).toMatchObject({ name: "Older copy" });
});

test("of several companies with one external id and no link the oldest is used, and somebody is warned", async () => {
  const fixture = await open();
  const tenant = fixture.planhat.tenant();
  const copies = ["2020-05-05", "2016-01-01", "2022-02-02"].map((day) =>
    tenant.seedCompany({ externalId: "acme-1", name: day, createDate: `${day}T00:00:00.000Z` }),
  );
  await fixture.deliverAccount(account(1));
  expect(fixture.companies().map((each) => each["name"])).toEqual(["2020-05-05", "Acme 1", "2022-02-02"]);
  expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(copies[1]?._id);
  await fixture.until(() => JSON.stringify(fixture.logs).includes("Several companies share the external id"));
});

test("a linked company keeps its link when its external id changes to one that nobody has", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  await fixture.deliverAccount(account(1, { external_id: "acme-new", indexed_at: minute(1) }));
  expect(fixture.companies()).toMatchObject([{ externalId: "acme-new" }]);
});

test("an external id is trusted more than the link: the company that carries it is used", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  const other = fixture.planhat.tenant().seedCompany({ externalId: "acme-other", name: "Other" });
  await fixture.deliverAccount(account(1, { external_id: "acme-other", name: "Moved", indexed_at: minute(1) }));
  expect(fixture.companies()).toHaveLength(2);
  expect(fixture.planhat.tenant().companies.get(other._id)).toMatchObject({ name: "Moved" });
  expect(fixture.companies()[0]).toMatchObject({ externalId: "acme-1", name: "Acme 1" });
  expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(other._id);
});

test("what Hull remembers finds a company that has no external id yet, and gives it one", async () => {
  const fixture = await open();
  const there = fixture.planhat.tenant().seedCompany({ name: "By hand" });
  await fixture.deliverAccount(account(1, { "planhat/id": there._id }));
  expect(fixture.companies()).toMatchObject([{ _id: there._id, externalId: "acme-1", name: "Acme 1" }]);
});

test("what Hull remembers is not believed when the company there has another external id", async () => {
  const fixture = await open();
  const other = fixture.planhat.tenant().seedCompany({ externalId: "other", name: "Other" });
  await fixture.deliverAccount(account(1, { "planhat/id": other._id }));
  expect(fixture.planhat.tenant().companies.get(other._id)).toMatchObject({ externalId: "other", name: "Other" });
  expect(fixture.companies()).toHaveLength(2);
});

test("what Hull remembers may be gone: then the company is made", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1, { "planhat/id": "5f5f5f5f5f5f5f5f5f5f5f5f" }));
  expect(fixture.companies()).toMatchObject([{ externalId: "acme-1" }]);
});

test("a second account for a linked company ends same_remote_record and touches nothing", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  await fixture.deliverAccount(account(2, { external_id: "acme-1" }));
  expect(fixture.companies()).toMatchObject([{ name: "Acme 1" }]);
  expect(await fixture.outcomes()).toEqual({
    "companies/sent/created": 1,
    "companies/skipped/same_remote_record": 1,
  });
});

test("two accounts with one external id in one shipment make one company", async () => {
  const fixture = await open();
  await fixture.together(async () => {
    await fixture.tellAccount(account(1));
    await fixture.tellAccount(account(2, { external_id: "acme-1" }));
  });
  await fixture.settled();
  expect(fixture.companies()).toHaveLength(1);
  expect(await fixture.outcomes()).toEqual({
    "companies/sent/created": 1,
    "companies/skipped/same_remote_record": 1,
  });
});

test("an archived company that a look-up still shows is not written", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  const [company] = fixture.companies();
  fixture.planhat.tenant().archive("companies", String(company?.["_id"]));
  await fixture.restart();
  await fixture.deliverAccount(account(1, { name: "Renamed", indexed_at: minute(1) }));
  expect(fixture.companies()).toHaveLength(1);
});

describe("when Planhat ignores a filter, foreign hits are not believed", () => {
  test.each([["externalId"], ["companyId"], ["email"]])("the filter %s is ignored", async (filter) => {
    const proxy = await openBlindProxy([filter]);
    try {
      const fixture = await open({ environment: { PLANHAT_API_URL: `${proxy.url}/{api_prefix}` } });
      proxy.target = fixture.planhat.url;
      const tenant = fixture.planhat.tenant();
      const foreign = tenant.seedCompany({ externalId: "foreign", name: "Foreign" });
      const stranger = tenant.seedEnduser({ companyId: foreign._id, externalId: "stranger", email: "s@example.com" });
      const known = tenant.seedCompany({ externalId: "acme-2", name: "Acme 2" });
      const member = tenant.seedEnduser({ companyId: known._id, externalId: "person-2", email: user(2)["email"] });
      await fixture.tellUser(user(1), account(1));
      await fixture.tellUser(user(2), account(2));
      await fixture.settled();
      expect(fixture.companies()).toHaveLength(3);
      expect(fixture.endusers()).toHaveLength(3);
      expect(tenant.companies.get(foreign._id)).toMatchObject({ externalId: "foreign", name: "Foreign" });
      expect(tenant.endusers.get(stranger._id)).toMatchObject({ externalId: "stranger", email: "s@example.com" });
      expect(fixture.profile("user", user(2).id)["planhat/id"]).toBe(member._id);
      expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/created": 1 });
    } finally {
      await proxy.close();
    }
  });
});
