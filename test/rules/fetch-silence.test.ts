/** A fetch tells Hull what it does not know, and nothing else: no echo, no loop, nobody's work reverted. */
import { buildUserMessage } from "../../simulators/hull";
import { account, CONNECTOR, minute, OPEN_SETTINGS, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

const PEOPLE = 100;
const FEW = 20;
const COMPANIES = 10;
const companyOf = (number: number) => account((number % COMPANIES) + 1);
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** Hull's people and companies are in Planhat, and both sides know everything. */
async function openSent(count = FEW): Promise<Fixture> {
  const fixture = await open();
  fixture.seed(
    Array.from({ length: COMPANIES }, (_, index) => account(index + 1)),
    upTo(count).map((number) => user(number)),
  );
  await notify(fixture, minute(0));
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(count);
  return fixture;
}

/** What Hull says of everybody in it, with nothing changed. */
async function notify(fixture: Fixture, indexed_at: string, connectorId: string = CONNECTOR.id): Promise<void> {
  const numbers = upTo(fixture.hull.profiles.users.size);
  const report = await fixture.send(
    "user:update",
    numbers.map((number) => buildUserMessage(user(number, { indexed_at }), { account: companyOf(number) })),
    { connectorId },
  );
  expect(report.messagesAccepted).toBe(numbers.length);
}

/** Writes to Planhat, all of them. */
const writes = (fixture: Fixture): number => fixture.calls.filter(({ method }) => method !== "GET").length;

test("sent, told, fetched three times and notified again: Planhat is not written, and Hull hears nothing more", async () => {
  const fixture = await openSent(PEOPLE);
  const written = writes(fixture);
  const told = await fixture.during(async () => {
    await fixture.fetchBoth();
    fixture.advance(1);
    await fixture.fetchBoth();
    fixture.advance(200);
    await fixture.fetchBoth();
    await notify(fixture, minute(1));
    await fixture.settled();
  });
  // The write-back has told everything; what travels along (dates, the company's name) causes no message of its own.
  expect(told).toEqual([]);
  expect(writes(fixture)).toBe(written);
  const { noOpItems, unresolvedItems } = fixture.hull.books.snapshot();
  expect({ noOpItems, unresolvedItems }).toEqual({ noOpItems: 0, unresolvedItems: 0 });
  const runs = await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 2 });
  expect(runs.map(({ done }) => done)).toEqual([PEOPLE, COMPANIES]);
});

test("the first fetch tells of written records what nobody maps, and changes no value that Hull has", async () => {
  const fixture = await openSent();
  const before = structuredClone(fixture.profile("user", user(7).id));
  const record = fixture.endusers().find((each) => each["externalId"] === "person-7");
  fixture.planhat.tenant().edit("endusers", String(record?.["_id"]), { phone: "0049 30 1" });
  fixture.advance(1);
  expect(await fixture.fetchBoth()).toHaveLength(1);
  const after = fixture.profile("user", user(7).id);
  expect(after).toMatchObject(before);
  expect(
    Object.keys(after)
      .filter((name) => !(name in before))
      .sort(),
  ).toEqual([
    "planhat/company_name",
    "planhat/create_date",
    "planhat/email_md_5",
    "planhat/phone",
    "planhat/updated_at",
  ]);
});

test("a company that is renamed is one message, whoever works there", async () => {
  const fixture = await openSent();
  await fixture.fetchBoth();
  const [company] = fixture.companies();
  const tenant = fixture.planhat.tenant();
  tenant.edit("companies", String(company?.["_id"]), { name: "Renamed" });
  for (const each of fixture.endusers()) {
    if (each["companyId"] !== company?.["_id"]) continue;
    tenant.seedEnduser({ ...each, companyName: "Renamed", updatedAt: fixture.ago(0) });
  }
  fixture.advance(1);
  const told = await fixture.fetchBoth();
  expect(told).toMatchObject([{ body: { "planhat/name": "Renamed" } }]);
  expect(told).toHaveLength(1);
});

test("what Hull was told comes back as messages, which end without a call to either side", async () => {
  const fixture = await openSent();
  await fixture.fetchBoth();
  const before = [fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests];
  const profiles = [...fixture.hull.profiles.users.values()];
  const report = await fixture.send(
    "user:update",
    profiles.map((profile) => fixture.hull.userMessage(profile)),
  );
  expect(report.messagesAccepted).toBe(FEW);
  await fixture.deliver(
    "account:update",
    [...fixture.hull.profiles.accounts.values()].map((profile) => fixture.hull.accountMessage(profile)),
  );
  expect([fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/unchanged/in_sync": FEW });
});

describe("a person's edit in Planhat", () => {
  async function openEdited() {
    const fixture = await openSent();
    await fixture.fetchBoth();
    const record = fixture.endusers().find((each) => each["externalId"] === "person-7");
    const id = String(record?.["_id"]);
    fixture.planhat.tenant().edit("endusers", id, { position: "Captain" });
    return { fixture, id };
  }

  test("reaches Hull once, and no unchanged notification takes it back", async () => {
    const { fixture, id } = await openEdited();
    const told = await fixture.fetchBoth();
    expect(told).toMatchObject([{ user: { id: user(7).id }, body: { "planhat/position": "Captain" } }]);
    const written = writes(fixture);
    const more = await fixture.during(async () => {
      await notify(fixture, minute(1));
      await fixture.settled();
      await fixture.fetchBoth();
      await notify(fixture, minute(2));
      await fixture.settled();
    });
    expect(more).toEqual([]);
    expect(writes(fixture)).toBe(written);
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Captain" });
    expect(fixture.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Captain" });
  });

  test("gives way to what Hull says later, of which Hull is told once", async () => {
    const { fixture, id } = await openEdited();
    await fixture.fetchBoth();
    const told = await fixture.during(async () => {
      await fixture.deliverUser(user(7, { position: "Admiral", indexed_at: minute(3) }), companyOf(7));
      await fixture.fetchBoth();
    });
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Admiral" });
    expect(fixture.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Admiral" });
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Admiral"]);
  });

  test("that Hull has not heard of yet gives way to what Hull says later, too", async () => {
    const { fixture, id } = await openEdited();
    await fixture.deliverUser(user(7, { position: "Admiral", indexed_at: minute(3) }), companyOf(7));
    await fixture.fetchBoth();
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Admiral" });
    expect(fixture.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Admiral" });
  });
});

describe("two connectors of one organization on one Planhat tenant", () => {
  const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };

  async function openTwo(more: Readonly<Record<string, unknown>> = {}) {
    const fixture = await openSent();
    fixture.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, ...more } });
    const fetchAs = async ({ id, secret }: typeof OTHER) => {
      for (const what of ["accounts", "users"]) {
        const query = new URLSearchParams({ organization: fixture.hull.host, ship: id, secret, force: "1" });
        fixture.letSettle();
        const answer = await fetch(`${fixture.baseUrl}/fetch/${what}?${query.toString()}`, { method: "POST" });
        const { run } = (await answer.json()) as { run: string };
        expect(await fixture.ended(run)).toMatchObject({ state: "success" });
      }
    };
    return { fixture, fetchAs };
  }

  test("do not echo each other, whichever fetches", async () => {
    const { fixture, fetchAs } = await openTwo();
    await fetchAs(OTHER);
    const written = writes(fixture);
    const told = await fixture.during(async () => {
      for (const who of [CONNECTOR, OTHER, CONNECTOR]) await fetchAs(who);
      for (const [step, who] of [OTHER, CONNECTOR, OTHER].entries()) await notify(fixture, minute(step + 1), who.id);
      await fixture.settled();
      await fetchAs(CONNECTOR);
    });
    expect(told).toEqual([]);
    expect(writes(fixture)).toBe(written);
  });

  test("an edit in Planhat is told by the one that finds it first", async () => {
    const { fixture, fetchAs } = await openTwo();
    await fetchAs(OTHER);
    await fetchAs(CONNECTOR);
    const id = String(fixture.endusers()[0]?.["_id"]);
    fixture.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    const told = await fixture.during(async () => {
      for (const who of [OTHER, CONNECTOR, OTHER]) await fetchAs(who);
    });
    expect(told).toMatchObject([{ body: { "planhat/phone": "0049 30 1" } }]);
  });

  test("with different mappings they tell nothing twice", async () => {
    const phone = row("traits_phone", "phone");
    const { fixture, fetchAs } = await openTwo({
      contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, phone],
    });
    const id = String(fixture.endusers()[0]?.["_id"]);
    fixture.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    await fetchAs(CONNECTOR);
    const told = await fixture.during(async () => {
      for (const who of [OTHER, CONNECTOR, OTHER]) await fetchAs(who);
    });
    expect(told).toEqual([]);
  });
});
