/** Which Hull entity is told about a Planhat record: the linked one, else the one that its keys name, else a new one. */
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, user } from "./stage";

const open = useFetching();

type Bag = Readonly<Record<string, unknown>>;

async function openWith(companies: readonly Bag[], people: readonly Bag[] = []): Promise<FetchStage> {
  const stage = await open();
  for (const each of companies) stage.planhat.tenant().seedCompany(each);
  for (const each of people) stage.planhat.tenant().seedEnduser(each);
  return stage;
}

const ACME = { _id: "c1", externalId: "acme-1", name: "Acme" };
const BETA = { _id: "c2", externalId: "acme-2", name: "Beta" };
const users = (stage: FetchStage) => stage.hull.profiles.snapshot().users;
const accounts = (stage: FetchStage) => stage.hull.profiles.snapshot().accounts;

describe("an enduser", () => {
  test("that is linked is told about by Hull's id, whatever its keys say", async () => {
    const stage = await openWith(
      [ACME],
      [{ _id: "e1", externalId: "person-1", email: "old@example.com", companyId: "c1" }],
    );
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.pass(1);
    stage.planhat.tenant().edit("endusers", "e1", { externalId: "somebody-else", phone: "0049 30 1" });
    const told = await stage.fetchBoth();
    expect(told.filter((item) => "planhat/phone" in item.body)).toMatchObject([
      { user: { id: user(1).id, anonymous_id: "planhat:e1" } },
    ]);
    expect(told.flatMap((item) => Object.keys(item.user ?? {}))).not.toContain("external_id");
    expect(users(stage)).toHaveLength(1);
  });

  test("that nobody else can be is told about by its external id and address", async () => {
    const stage = await openWith([ACME], [{ _id: "e1", externalId: "1", email: "ann@example.com", companyId: "c1" }]);
    const [known] = [stage.hull.profiles.seedUser({ email: "ann@example.com" })];
    const told = await stage.fetchBoth();
    const who = { external_id: "1", email: "ann@example.com", anonymous_id: "planhat:e1" };
    expect(told.filter(({ user: claims }) => claims !== undefined)).toMatchObject([{ user: who }, { user: who }]);
    expect(users(stage)).toMatchObject([{ id: known.id, external_id: "1", anonymous_ids: ["planhat:e1"] }]);
  });

  test("without any key is told about by its own id", async () => {
    const stage = await openWith([ACME], [{ _id: "e1", name: "Nobody", companyId: "c1" }]);
    await stage.fetchBoth();
    expect(users(stage)).toMatchObject([{ anonymous_ids: ["planhat:e1"], attributes: { "planhat/name": "Nobody" } }]);
  });

  test.each([
    ["the external id", { externalId: "1" }, { externalId: "1" }],
    ["the address", { email: "a@example.com" }, { email: "a@example.com" }],
    ["the address but for case", { email: "a@example.com" }, { email: "A@Example.com" }],
    ["one of two keys", { externalId: "1", email: "a@example.com" }, { externalId: "1", email: "b@example.com" }],
  ])("who shares %s with one of another company is told about by its own id alone", async (_name, one, other) => {
    const stage = await openWith(
      [ACME, BETA],
      [
        { _id: "e1", ...one, name: "Ann", companyId: "c1" },
        { _id: "e2", ...other, name: "Bob", companyId: "c2" },
      ],
    );
    await stage.fetch("accounts");
    const run = await stage.fetch("users");
    expect(run.counts).toEqual({ "endusers/sent/told_ambiguous": 2 });
    expect(users(stage)).toMatchObject([
      { anonymous_ids: ["planhat:e1"], attributes: { "planhat/name": "Ann" } },
      { anonymous_ids: ["planhat:e2"], attributes: { "planhat/name": "Bob" } },
    ]);
    expect(users(stage).some((each) => each.external_id !== undefined || each.email !== undefined)).toBe(false);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("who shares a key with a linked one does not become that one", async () => {
    const stage = await openWith(
      [ACME, BETA],
      [{ _id: "e2", externalId: "person-1", name: "Namesake", companyId: "c2" }],
    );
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.pass(1);
    const run = await stage.fetch("users");
    expect(run.counts).toMatchObject({ "endusers/sent/told_ambiguous": 1 });
    expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/name": "Person 1" });
    expect(users(stage).find(({ anonymous_ids }) => anonymous_ids.includes("planhat:e2"))?.external_id).toBeUndefined();
  });

  test("who shared a key with one that is gone is told about by it again", async () => {
    const stage = await openWith(
      [ACME, BETA],
      [
        { _id: "e1", externalId: "1", companyId: "c1" },
        { _id: "e2", externalId: "1", companyId: "c2" },
      ],
    );
    await stage.fetchBoth();
    stage.planhat.tenant().remove("endusers", "e2");
    await stage.fetchBoth();
    stage.planhat.tenant().edit("endusers", "e1", { phone: "0049 30 1" });
    expect(await stage.fetchBoth()).toMatchObject([{ user: { external_id: "1", anonymous_id: "planhat:e1" } }]);
  });
});

describe("a company", () => {
  test.each([
    [["acme.example"], { domain: "acme.example" }],
    [["acme.example", "acme.test"], { domain: undefined }],
    [[], { domain: undefined }],
  ])("with the domains %j", async (domains, expected) => {
    const stage = await openWith([{ ...ACME, domains }]);
    await stage.fetchBoth();
    expect(accounts(stage)).toHaveLength(1);
    expect(accounts(stage)[0]?.domain).toBe(expected.domain);
    expect(accounts(stage)[0]).toMatchObject({ external_id: "acme-1", anonymous_ids: ["planhat:c1"] });
  });

  test("that shares its external id is told about by its own id alone", async () => {
    const stage = await openWith([ACME, { ...BETA, externalId: "acme-1" }]);
    const run = await stage.fetch("accounts");
    expect(run.counts).toEqual({ "companies/sent/told_ambiguous": 2 });
    expect(accounts(stage)).toMatchObject([
      { anonymous_ids: ["planhat:c1"], attributes: { "planhat/name": "Acme" } },
      { anonymous_ids: ["planhat:c2"], attributes: { "planhat/name": "Beta" } },
    ]);
  });

  test("that shares its only domain does not become the other one", async () => {
    const stage = await openWith([
      { ...ACME, domains: ["group.example"] },
      { _id: "c2", name: "Beta", domains: ["group.example"] },
    ]);
    await stage.fetchBoth();
    expect(accounts(stage)).toHaveLength(2);
    const names = accounts(stage).map(({ attributes }) => attributes["planhat/name"]);
    expect(names.sort()).toEqual(["Acme", "Beta"]);
  });

  test("that is linked is told about by Hull's id", async () => {
    const stage = await openWith([]);
    stage.seed([account(1)]);
    await stage.tellAccount(account(1));
    await stage.settled();
    stage.pass(1);
    const id = String(stage.companies()[0]?.["_id"]);
    stage.planhat.tenant().edit("companies", id, { phase: "Live", externalId: "renamed" });
    expect(await stage.fetchBoth()).toMatchObject([
      { account: { id: account(1).id, anonymous_id: `planhat:${id}` }, body: { "planhat/phase": "Live" } },
    ]);
  });
});

describe("the link to the account", () => {
  const ANN = { _id: "e1", externalId: "person-1", email: "person-1@example.com", companyId: "c1" };
  const links = (items: Awaited<ReturnType<FetchStage["fetchBoth"]>>) =>
    items.filter((item) => item.user !== undefined && item.account !== undefined);

  test("is told once, and names the company as the company is known", async () => {
    const stage = await openWith([ACME], [ANN]);
    expect(links(await stage.fetchBoth())).toMatchObject([
      {
        type: "traits",
        user: { external_id: "person-1", anonymous_id: "planhat:e1" },
        account: { external_id: "acme-1", anonymous_id: "planhat:c1" },
      },
    ]);
    expect(accounts(stage)).toHaveLength(1);
    expect(users(stage)[0]?.account_id).toBe(accounts(stage)[0]?.id);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("is not told again when the company becomes linked", async () => {
    const stage = await openWith([ACME], [ANN]);
    await stage.fetchBoth();
    const known = accounts(stage)[0];
    await stage.tellAccount(account(1, { id: known?.id ?? "", name: "Acme" }));
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "companies/unchanged/in_sync": 1 });
    stage.pass(60);
    expect(links(await stage.fetchBoth())).toEqual([]);
    expect(stage.hull.books.snapshot().links).toBe(1);
  });

  test("is told when the enduser moves to another company", async () => {
    const stage = await openWith([ACME, BETA], [ANN]);
    await stage.fetchBoth();
    stage.planhat.tenant().edit("endusers", "e1", { companyId: "c2" });
    expect(links(await stage.fetchBoth())).toMatchObject([{ account: { anonymous_id: "planhat:c2" } }]);
    const beta = accounts(stage).find(({ external_id }) => external_id === "acme-2");
    expect(users(stage)[0]?.account_id).toBe(beta?.id);
    expect(await stage.fetchBoth()).toEqual([]);
  });

  test("does not name an external id that two companies share", async () => {
    const stage = await openWith([ACME, { ...BETA, externalId: "acme-1" }], [{ ...ANN, companyId: "c2" }]);
    await stage.fetchBoth();
    const beta = accounts(stage).find(({ anonymous_ids }) => anonymous_ids.includes("planhat:c2"));
    expect(users(stage)[0]?.account_id).toBe(beta?.id);
  });

  test("waits for its company: endusers fetched before it are linked by the next fetch", async () => {
    const stage = await openWith([ACME], [ANN]);
    await stage.fetch("users");
    expect(stage.hull.books.snapshot().links).toBe(0);
    await stage.fetch("accounts");
    stage.pass(60);
    expect(links(await stage.fetchBoth())).toHaveLength(1);
    expect(users(stage)[0]?.account_id).toBe(accounts(stage)[0]?.id);
  });
});

test("what was told about the one whom a link names later stays with that one", async () => {
  const stage = await openWith(
    [ACME],
    [{ _id: "e1", externalId: "person-1", email: "person-1@example.com", companyId: "c1" }],
  );
  stage.seed([account(1)], [user(1)]);
  await stage.fetchBoth();
  const told = await stage.during(async () => {
    await stage.tellUser(user(1, { "planhat/id": "e1", indexed_at: minute(1) }), account(1));
    await stage.settled();
    stage.pass(60);
    await stage.fetchBoth();
  });
  expect(users(stage)).toHaveLength(1);
  expect(told.filter(({ body }) => "planhat/id" in body)).toEqual([]);
});
