/** What is gone from Planhat, or archived there, is dealt with: it is found out once, and nothing is tried forever. */
import { account, minute, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

/** A company and one of its people whom both sides hold, and of whom Hull never told. */
async function openFetched(): Promise<{
  readonly fixture: Fixture;
  readonly tenant: ReturnType<Fixture["planhat"]["tenant"]>;
  readonly company: string;
  readonly person: string;
}> {
  const fixture = await open();
  const tenant = fixture.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme" })._id;
  const fields = { companyId: company, externalId: "person-1", email: user(1)["email"], name: "Person" };
  const person = tenant.seedEnduser(fields)._id;
  await fixture.fetchBoth();
  return { fixture, tenant, company, person };
}

test("an enduser that only a fetch knew, and that was removed since, is made anew", async () => {
  const { fixture, tenant, person } = await openFetched();
  tenant.remove("endusers", person);
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.endusers()).toMatchObject([{ name: "Person 1" }]);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
});

test("so is a company", async () => {
  const { fixture, tenant, person, company } = await openFetched();
  tenant.remove("endusers", person);
  tenant.remove("companies", company);
  await fixture.deliverAccount(account(1));
  expect(fixture.companies()).toMatchObject([{ externalId: "acme-1", name: "Acme 1" }]);
  expect(await fixture.outcomes()).toEqual({ "companies/sent/updated": 1 });
});

test("an archived enduser is left alone, however many messages come", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  const [{ _id: id } = {}] = fixture.endusers();
  fixture.planhat.tenant().edit("endusers", String(id), { archived: true });
  fixture.advance(30);
  await fixture.fetchBoth();
  for (const round of [1, 2, 3]) {
    await fixture.deliverUser(user(1, { position: `Director ${round}`, indexed_at: minute(round) }), account(1));
  }
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/skipped/archived": 3 });
  expect(fixture.endusers()).toMatchObject([{ position: "Engineer" }]);
});

describe("a company that was removed in Planhat is made anew", () => {
  async function openMoving(): Promise<Fixture> {
    const fixture = await open();
    await fixture.tellAccount(account(1));
    await fixture.tellUser(user(1), account(2));
    await fixture.settled();
    const acme = fixture.companies().find(({ externalId }) => externalId === "acme-1");
    fixture.planhat.tenant().remove("companies", String(acme?.["_id"]));
    return fixture;
  }

  test("for an enduser who moves there", async () => {
    const fixture = await openMoving();
    await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1));
    const acme = fixture.companies().find(({ externalId }) => externalId === "acme-1");
    expect(fixture.endusers()).toMatchObject([{ companyId: acme?.["_id"] }]);
  });

  test("for a new one who has another one's address", async () => {
    const fixture = await openMoving();
    await fixture.deliverUser(user(2, { email: user(1)["email"] }), account(1));
    const acme = fixture.companies().find(({ externalId }) => externalId === "acme-1");
    expect(fixture.endusers().find(({ externalId }) => externalId === "person-2")).toMatchObject({
      companyId: acme?.["_id"],
    });
  });
});
