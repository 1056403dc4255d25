/** Which company is it? External id, then link, then what Hull remembers. */
import { account, minute, user, useStages } from "./stage";
import { openBlindProxy } from "./blind-proxy";

const open = useStages();

test("a company that Planhat already has under the external id is used, not made again", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  const there = stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Old name", phase: "Renewal" });
  await stage.tellAccount(account(1));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ _id: there._id, name: "Acme 1", phase: "Renewal" }]);
  expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(there._id);
});

test("the external id is compared to the letter", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  const shouting = stage.planhat.tenant().seedCompany({ externalId: "ACME-1", name: "Somebody else" });
  await stage.tellAccount(account(1));
  await stage.settled();
  expect(stage.companies()).toHaveLength(2);
  expect(stage.planhat.tenant().companies.get(shouting._id)).toMatchObject({ name: "Somebody else" });
});

test("an account without external id matches nothing, not even companies without one", async () => {
  const stage = await open();
  const nameless = account(1, { external_id: "" });
  stage.planhat.tenant().seedCompany({ externalId: "", name: "Without" });
  stage.planhat.tenant().seedCompany({ name: "Without any" });
  await stage.tellAccount(nameless);
  await stage.settled();
  expect(await stage.outcomes()).toEqual({ "companies/skipped/missing_account_external_id": 1 });
  expect(stage.calls).toEqual([]);
});

test("of several companies with one external id the linked one is used", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  const [linked] = stage.companies();
  const older = stage.planhat
    .tenant()
    .seedCompany({ externalId: "acme-1", name: "Older copy", createDate: "2015-01-01T00:00:00.000Z" });
  await stage.tellAccount(account(1, { name: "Renamed", indexed_at: minute(1) }), { isExport: true });
  await stage.settled();
  expect(stage.planhat.tenant().companies.get(String(linked?.["_id"]))).toMatchObject({ name: "Renamed" });
  expect(stage.planhat.tenant().companies.get(older._id)).toMatchObject({ name: "Older copy" });
});

test("of several companies with one external id and no link the oldest is used, and somebody is warned", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  const tenant = stage.planhat.tenant();
  const copies = ["2020-05-05", "2016-01-01", "2022-02-02"].map((day) =>
    tenant.seedCompany({ externalId: "acme-1", name: day, createDate: `${day}T00:00:00.000Z` }),
  );
  await stage.tellAccount(account(1));
  await stage.settled();
  expect(stage.companies().map((each) => each["name"])).toEqual(["2020-05-05", "Acme 1", "2022-02-02"]);
  expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(copies[1]?._id);
  await stage.until(() => JSON.stringify(stage.logs).includes("Several companies share the external id"));
});

test("a linked company keeps its link when its external id changes to one that nobody has", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  await stage.tellAccount(account(1, { external_id: "acme-new", indexed_at: minute(1) }));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ externalId: "acme-new" }]);
});

test("an external id is trusted more than the link: the company that carries it is used", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  const other = stage.planhat.tenant().seedCompany({ externalId: "acme-other", name: "Other" });
  await stage.tellAccount(account(1, { external_id: "acme-other", name: "Moved", indexed_at: minute(1) }));
  await stage.settled();
  expect(stage.companies()).toHaveLength(2);
  expect(stage.planhat.tenant().companies.get(other._id)).toMatchObject({ name: "Moved" });
  expect(stage.companies()[0]).toMatchObject({ externalId: "acme-1", name: "Acme 1" });
  expect(stage.profile("account", account(1).id)["planhat/id"]).toBe(other._id);
});

test("what Hull remembers finds a company that has no external id yet, and gives it one", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  const there = stage.planhat.tenant().seedCompany({ name: "By hand" });
  await stage.tellAccount(account(1, { "planhat/id": there._id }));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ _id: there._id, externalId: "acme-1", name: "Acme 1" }]);
});

test("what Hull remembers is not believed when the company there has another external id", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  const other = stage.planhat.tenant().seedCompany({ externalId: "other", name: "Other" });
  await stage.tellAccount(account(1, { "planhat/id": other._id }));
  await stage.settled();
  expect(stage.planhat.tenant().companies.get(other._id)).toMatchObject({ externalId: "other", name: "Other" });
  expect(stage.companies()).toHaveLength(2);
});

test("what Hull remembers may be gone: then the company is made", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1, { "planhat/id": "5f5f5f5f5f5f5f5f5f5f5f5f" }));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ externalId: "acme-1" }]);
});

test("a second account for a linked company ends same_remote_record and touches nothing", async () => {
  const stage = await open();
  stage.seed([account(1), account(2)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  await stage.tellAccount(account(2, { external_id: "acme-1" }));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ name: "Acme 1" }]);
  expect(await stage.outcomes()).toEqual({
    "companies/sent/created": 1,
    "companies/skipped/same_remote_record": 1,
  });
});

test("two accounts with one external id in one shipment make one company", async () => {
  const stage = await open();
  stage.seed([account(1), account(2)]);
  await stage.together(async () => {
    await stage.tellAccount(account(1));
    await stage.tellAccount(account(2, { external_id: "acme-1" }));
  });
  await stage.settled();
  expect(stage.companies()).toHaveLength(1);
  expect(await stage.outcomes()).toEqual({
    "companies/sent/created": 1,
    "companies/skipped/same_remote_record": 1,
  });
});

test("an archived company that a look-up still shows is not written", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  const [company] = stage.companies();
  stage.planhat.tenant().archive("companies", String(company?.["_id"]));
  await stage.restart();
  await stage.tellAccount(account(1, { name: "Renamed", indexed_at: minute(1) }));
  await stage.settled();
  expect(stage.companies()).toHaveLength(1);
});

describe("when Planhat ignores a filter, foreign hits are not believed", () => {
  test.each([["externalId"], ["companyId"], ["email"]])("the filter %s is ignored", async (filter) => {
    const proxy = await openBlindProxy([filter]);
    try {
      const stage = await open({ environment: { PLANHAT_API_URL: `${proxy.url}/{api_prefix}` } });
      proxy.target = stage.planhat.url;
      stage.seed([account(1), account(2)], [user(1), user(2)]);
      const tenant = stage.planhat.tenant();
      const foreign = tenant.seedCompany({ externalId: "foreign", name: "Foreign" });
      const stranger = tenant.seedEnduser({ companyId: foreign._id, externalId: "stranger", email: "s@example.com" });
      const known = tenant.seedCompany({ externalId: "acme-2", name: "Acme 2" });
      const member = tenant.seedEnduser({ companyId: known._id, externalId: "person-2", email: user(2)["email"] });
      await stage.tellUser(user(1), account(1));
      await stage.tellUser(user(2), account(2));
      await stage.settled();
      expect(stage.companies()).toHaveLength(3);
      expect(stage.endusers()).toHaveLength(3);
      expect(tenant.companies.get(foreign._id)).toMatchObject({ externalId: "foreign", name: "Foreign" });
      expect(tenant.endusers.get(stranger._id)).toMatchObject({ externalId: "stranger", email: "s@example.com" });
      expect(stage.profile("user", user(2).id)["planhat/id"]).toBe(member._id);
      expect(await stage.outcomes()).toMatchObject({ "endusers/sent/created": 1 });
    } finally {
      await proxy.close();
    }
  });
});
