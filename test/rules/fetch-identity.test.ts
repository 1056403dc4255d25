/** Which Hull entity is told about a Planhat record: the linked one, else the one that its keys name, else a new one. */
import { account, minute, useFixtures, user, type Bag, type Fixture } from "../fixture/fixture";

const open = useFixtures();

async function openWith(companies: readonly Bag[], people: readonly Bag[] = []): Promise<Fixture> {
  const fixture = await open();
  for (const each of companies) fixture.planhat.tenant().seedCompany(each);
  for (const each of people) fixture.planhat.tenant().seedEnduser(each);
  return fixture;
}

const ACME = { _id: "c1", externalId: "acme-1", name: "Acme" };
const BETA = { _id: "c2", externalId: "acme-2", name: "Beta" };
const users = (fixture: Fixture) => fixture.hull.profiles.snapshot().users;
const accounts = (fixture: Fixture) => fixture.hull.profiles.snapshot().accounts;

describe("an enduser", () => {
  test("that is linked is told about by Hull's id, whatever its keys say", async () => {
    const fixture = await openWith(
      [ACME],
      [{ _id: "e1", externalId: "person-1", email: "old@example.com", companyId: "c1" }],
    );
    await fixture.deliverUser(user(1), account(1));
    fixture.advance(1);
    fixture.planhat.tenant().edit("endusers", "e1", { externalId: "somebody-else", phone: "0049 30 1" });
    const told = await fixture.fetchBoth();
    expect(told.filter((item) => "planhat/phone" in item.body)).toMatchObject([
      { user: { id: user(1).id, anonymous_id: "planhat:e1" } },
    ]);
    expect(told.flatMap((item) => Object.keys(item.user ?? {}))).not.toContain("external_id");
    expect(users(fixture)).toHaveLength(1);
  });

  test("that nobody else can be is told about by its external id and address", async () => {
    const fixture = await openWith([ACME], [{ _id: "e1", externalId: "1", email: "ann@example.com", companyId: "c1" }]);
    const [known] = [fixture.hull.profiles.seedUser({ email: "ann@example.com" })];
    const told = await fixture.fetchBoth();
    const who = { external_id: "1", email: "ann@example.com", anonymous_id: "planhat:e1" };
    expect(told.filter(({ user: claims }) => claims !== undefined)).toMatchObject([{ user: who }, { user: who }]);
    expect(users(fixture)).toMatchObject([{ id: known.id, external_id: "1", anonymous_ids: ["planhat:e1"] }]);
  });

  test("without any key is told about by its own id", async () => {
    const fixture = await openWith([ACME], [{ _id: "e1", name: "Nobody", companyId: "c1" }]);
    await fixture.fetchBoth();
    expect(users(fixture)).toMatchObject([{ anonymous_ids: ["planhat:e1"], attributes: { "planhat/name": "Nobody" } }]);
  });

  test.each([
    ["the external id", { externalId: "1" }, { externalId: "1" }],
    ["the address", { email: "a@example.com" }, { email: "a@example.com" }],
    ["the address but for case", { email: "a@example.com" }, { email: "A@Example.com" }],
    ["one of two keys", { externalId: "1", email: "a@example.com" }, { externalId: "1", email: "b@example.com" }],
  ])("who shares %s with one of another company is told about by its own id alone", async (_name, one, other) => {
    const fixture = await openWith(
      [ACME, BETA],
      [
        { _id: "e1", ...one, name: "Ann", companyId: "c1" },
        { _id: "e2", ...other, name: "Bob", companyId: "c2" },
      ],
    );
    await fixture.fetch("accounts");
    const run = await fixture.fetch("users");
    expect(run.counts).toEqual({ "endusers/sent/told_ambiguous": 2 });
    expect(users(fixture)).toMatchObject([
      { anonymous_ids: ["planhat:e1"], attributes: { "planhat/name": "Ann" } },
      { anonymous_ids: ["planhat:e2"], attributes: { "planhat/name": "Bob" } },
    ]);
    expect(users(fixture).some((each) => each.external_id !== undefined || each.email !== undefined)).toBe(false);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("who shares a key with a linked one does not become that one", async () => {
    const fixture = await openWith(
      [ACME, BETA],
      [{ _id: "e2", externalId: "person-1", name: "Namesake", companyId: "c2" }],
    );
    await fixture.deliverUser(user(1), account(1));
    fixture.advance(1);
    const run = await fixture.fetch("users");
    expect(run.counts).toMatchObject({ "endusers/sent/told_ambiguous": 1 });
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/name": "Person 1" });
    expect(
      users(fixture).find(({ anonymous_ids }) => anonymous_ids.includes("planhat:e2"))?.external_id,
    ).toBeUndefined();
  });

  test("who shared a key with one that is gone is told about by it again", async () => {
    const fixture = await openWith(
      [ACME, BETA],
      [
        { _id: "e1", externalId: "1", companyId: "c1" },
        { _id: "e2", externalId: "1", companyId: "c2" },
      ],
    );
    await fixture.fetchBoth();
    fixture.planhat.tenant().remove("endusers", "e2");
    await fixture.fetchBoth();
    fixture.planhat.tenant().edit("endusers", "e1", { phone: "0049 30 1" });
    expect(await fixture.fetchBoth()).toMatchObject([{ user: { external_id: "1", anonymous_id: "planhat:e1" } }]);
  });
});

describe("a company", () => {
  test.each([
    [["acme.example"], { domain: "acme.example" }],
    [["acme.example", "acme.test"], { domain: undefined }],
    [[], { domain: undefined }],
  ])("with the domains %j", async (domains, expected) => {
    const fixture = await openWith([{ ...ACME, domains }]);
    await fixture.fetchBoth();
    expect(accounts(fixture)).toHaveLength(1);
    expect(accounts(fixture)[0]?.domain).toBe(expected.domain);
    expect(accounts(fixture)[0]).toMatchObject({ external_id: "acme-1", anonymous_ids: ["planhat:c1"] });
  });

  test("that shares its external id is told about by its own id alone", async () => {
    const fixture = await openWith([ACME, { ...BETA, externalId: "acme-1" }]);
    const run = await fixture.fetch("accounts");
    expect(run.counts).toEqual({ "companies/sent/told_ambiguous": 2 });
    expect(accounts(fixture)).toMatchObject([
      { anonymous_ids: ["planhat:c1"], attributes: { "planhat/name": "Acme" } },
      { anonymous_ids: ["planhat:c2"], attributes: { "planhat/name": "Beta" } },
    ]);
  });

  test("that shares its only domain does not become the other one", async () => {
    const fixture = await openWith([
      { ...ACME, domains: ["group.example"] },
      { _id: "c2", name: "Beta", domains: ["group.example"] },
    ]);
    await fixture.fetchBoth();
    expect(accounts(fixture)).toHaveLength(2);
    const names = accounts(fixture).map(({ attributes }) => attributes["planhat/name"]);
    expect(names.sort()).toEqual(["Acme", "Beta"]);
  });

  test("that is linked is told about by Hull's id", async () => {
    const fixture = await openWith([]);
    await fixture.deliverAccount(account(1));
    fixture.advance(1);
    const id = String(fixture.companies()[0]?.["_id"]);
    fixture.planhat.tenant().edit("companies", id, { phase: "Live", externalId: "renamed" });
    expect(await fixture.fetchBoth()).toMatchObject([
      { account: { id: account(1).id, anonymous_id: `planhat:${id}` }, body: { "planhat/phase": "Live" } },
    ]);
  });
});

describe("the link to the account", () => {
  const ANN = { _id: "e1", externalId: "person-1", email: "person-1@example.com", companyId: "c1" };
  const links = (items: Awaited<ReturnType<Fixture["fetchBoth"]>>) =>
    items.filter((item) => item.user !== undefined && item.account !== undefined);

  test("is told once, and names the company as the company is known", async () => {
    const fixture = await openWith([ACME], [ANN]);
    expect(links(await fixture.fetchBoth())).toMatchObject([
      {
        type: "traits",
        user: { external_id: "person-1", anonymous_id: "planhat:e1" },
        account: { external_id: "acme-1", anonymous_id: "planhat:c1" },
      },
    ]);
    expect(accounts(fixture)).toHaveLength(1);
    expect(users(fixture)[0]?.account_id).toBe(accounts(fixture)[0]?.id);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("is not told again when the company becomes linked", async () => {
    const fixture = await openWith([ACME], [ANN]);
    await fixture.fetchBoth();
    const known = accounts(fixture)[0];
    await fixture.deliverAccount(account(1, { id: known?.id ?? "", name: "Acme" }));
    expect(await fixture.outcomes()).toEqual({ "companies/unchanged/in_sync": 1 });
    fixture.advance(60);
    expect(links(await fixture.fetchBoth())).toEqual([]);
    expect(fixture.hull.books.snapshot().links).toBe(1);
  });

  test("is told when the enduser moves to another company", async () => {
    const fixture = await openWith([ACME, BETA], [ANN]);
    await fixture.fetchBoth();
    fixture.planhat.tenant().edit("endusers", "e1", { companyId: "c2" });
    expect(links(await fixture.fetchBoth())).toMatchObject([{ account: { anonymous_id: "planhat:c2" } }]);
    const beta = accounts(fixture).find(({ external_id }) => external_id === "acme-2");
    expect(users(fixture)[0]?.account_id).toBe(beta?.id);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("does not name an external id that two companies share", async () => {
    const fixture = await openWith([ACME, { ...BETA, externalId: "acme-1" }], [{ ...ANN, companyId: "c2" }]);
    await fixture.fetchBoth();
    const beta = accounts(fixture).find(({ anonymous_ids }) => anonymous_ids.includes("planhat:c2"));
    expect(users(fixture)[0]?.account_id).toBe(beta?.id);
  });

  test("waits for its company: endusers fetched before it are linked by the next fetch", async () => {
    const fixture = await openWith([ACME], [ANN]);
    await fixture.fetch("users");
    expect(fixture.hull.books.snapshot().links).toBe(0);
    await fixture.fetch("accounts");
    fixture.advance(60);
    expect(links(await fixture.fetchBoth())).toHaveLength(1);
    expect(users(fixture)[0]?.account_id).toBe(accounts(fixture)[0]?.id);
  });
});

test("what was told about the one whom a link names later stays with that one", async () => {
  const fixture = await openWith(
    [ACME],
    [{ _id: "e1", externalId: "person-1", email: "person-1@example.com", companyId: "c1" }],
  );
  fixture.seed([account(1)], [user(1)]);
  await fixture.fetchBoth();
  const told = await fixture.during(async () => {
    await fixture.deliverUser(user(1, { "planhat/id": "e1", indexed_at: minute(1) }), account(1));
    fixture.advance(60);
    await fixture.fetchBoth();
  });
  expect(users(fixture)).toHaveLength(1);
  expect(told.filter(({ body }) => "planhat/id" in body)).toEqual([]);
});
