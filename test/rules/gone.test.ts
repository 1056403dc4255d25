/** What is gone from Planhat, or archived there, is dealt with: it is found out once, and nothing is tried forever. */
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, user } from "./stage";

const open = useFetching();

/** A company and one of its people whom both sides hold, and of whom Hull never told. */
async function openFetched(): Promise<{
  readonly stage: FetchStage;
  readonly tenant: ReturnType<FetchStage["planhat"]["tenant"]>;
  readonly company: string;
  readonly person: string;
}> {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  const tenant = stage.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme" })._id;
  const fields = { companyId: company, externalId: "person-1", email: user(1)["email"], name: "Person" };
  const person = tenant.seedEnduser(fields)._id;
  await stage.fetchBoth();
  return { stage, tenant, company, person };
}

test("an enduser that only a fetch knew, and that was removed since, is made anew", async () => {
  const { stage, tenant, person } = await openFetched();
  tenant.remove("endusers", person);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ name: "Person 1" }]);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1 });
});

test("so is a company", async () => {
  const { stage, tenant, person, company } = await openFetched();
  tenant.remove("endusers", person);
  tenant.remove("companies", company);
  await stage.tellAccount(account(1));
  await stage.settled();
  expect(stage.companies()).toMatchObject([{ externalId: "acme-1", name: "Acme 1" }]);
  expect(await stage.outcomes()).toEqual({ "companies/sent/updated": 1 });
});

test("an archived enduser is left alone, however many messages come", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const [{ _id: id } = {}] = stage.endusers();
  stage.planhat.tenant().edit("endusers", String(id), { archived: true });
  stage.pass(30);
  await stage.fetchBoth();
  for (const round of [1, 2, 3]) {
    await stage.tellUser(user(1, { position: `Director ${round}`, indexed_at: minute(round) }), account(1));
    await stage.settled();
  }
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/skipped/archived": 3 });
  expect(stage.endusers()).toMatchObject([{ position: "Engineer" }]);
});

describe("a company that was removed in Planhat is made anew", () => {
  async function openMoving(): Promise<FetchStage> {
    const stage = await open();
    stage.seed([account(1), account(2)], [user(1), user(2)]);
    await stage.tellAccount(account(1));
    await stage.tellUser(user(1), account(2));
    await stage.settled();
    const acme = stage.companies().find(({ externalId }) => externalId === "acme-1");
    stage.planhat.tenant().remove("companies", String(acme?.["_id"]));
    return stage;
  }

  test("for an enduser who moves there", async () => {
    const stage = await openMoving();
    await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1));
    await stage.settled();
    const acme = stage.companies().find(({ externalId }) => externalId === "acme-1");
    expect(stage.endusers()).toMatchObject([{ companyId: acme?.["_id"] }]);
  });

  test("for a new one who has another one's address", async () => {
    const stage = await openMoving();
    await stage.tellUser(user(2, { email: user(1)["email"] }), account(1));
    await stage.settled();
    const acme = stage.companies().find(({ externalId }) => externalId === "acme-1");
    expect(stage.endusers().find(({ externalId }) => externalId === "person-2")).toMatchObject({
      companyId: acme?.["_id"],
    });
  });
});
