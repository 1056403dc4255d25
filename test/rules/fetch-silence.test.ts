/** A fetch tells Hull what it does not know, and nothing else: no echo, no loop, nobody's work reverted. */
import { buildUserMessage } from "../../simulators/hull";
import { CONNECTOR, OPEN_SETTINGS } from "../harness";
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, user } from "./stage";

const open = useFetching();

const PEOPLE = 100;
const FEW = 20;
const COMPANIES = 10;
const companyOf = (number: number) => account((number % COMPANIES) + 1);
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** Hull's people and companies are in Planhat, and both sides know everything. */
async function openSent(count = FEW): Promise<FetchStage> {
  const stage = await open();
  stage.seed(
    Array.from({ length: COMPANIES }, (_, index) => account(index + 1)),
    upTo(count).map((number) => user(number)),
  );
  await notify(stage, minute(0));
  await stage.settled();
  expect(stage.endusers()).toHaveLength(count);
  return stage;
}

/** What Hull says of everybody in it, with nothing changed. */
async function notify(stage: FetchStage, indexed_at: string, connectorId: string = CONNECTOR.id): Promise<void> {
  const numbers = upTo(stage.hull.profiles.users.size);
  const report = await stage.send(
    "user:update",
    numbers.map((number) => buildUserMessage(user(number, { indexed_at }), { account: companyOf(number) })),
    { connectorId },
  );
  expect(report.messagesAccepted).toBe(numbers.length);
}

/** Writes to Planhat, all of them. */
const writes = (stage: FetchStage): number => stage.calls.filter(({ method }) => method !== "GET").length;

test("sent, told, fetched three times and notified again: Planhat is not written, and Hull hears nothing more", async () => {
  const stage = await openSent(PEOPLE);
  const written = writes(stage);
  const told = await stage.during(async () => {
    await stage.fetchBoth();
    stage.pass(1);
    await stage.fetchBoth();
    stage.pass(200);
    await stage.fetchBoth();
    await notify(stage, minute(1));
    await stage.settled();
  });
  // The write-back has told everything; what travels along (dates, the company's name) causes no message of its own.
  expect(told).toEqual([]);
  expect(writes(stage)).toBe(written);
  const { noOpItems, unresolvedItems } = stage.hull.books.snapshot();
  expect({ noOpItems, unresolvedItems }).toEqual({ noOpItems: 0, unresolvedItems: 0 });
  const runs = await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 2 });
  expect(runs.map(({ done }) => done)).toEqual([PEOPLE, COMPANIES]);
});

test("the first fetch tells of written records what nobody maps, and changes no value that Hull has", async () => {
  const stage = await openSent();
  const before = structuredClone(stage.profile("user", user(7).id));
  const record = stage.endusers().find((each) => each["externalId"] === "person-7");
  stage.planhat.tenant().edit("endusers", String(record?.["_id"]), { phone: "0049 30 1" });
  stage.pass(1);
  expect(await stage.fetchBoth()).toHaveLength(1);
  const after = stage.profile("user", user(7).id);
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
  const stage = await openSent();
  await stage.fetchBoth();
  const [company] = stage.companies();
  const tenant = stage.planhat.tenant();
  tenant.edit("companies", String(company?.["_id"]), { name: "Renamed" });
  for (const each of stage.endusers()) {
    if (each["companyId"] !== company?.["_id"]) continue;
    tenant.seedEnduser({ ...each, companyName: "Renamed", updatedAt: stage.ago(0) });
  }
  stage.pass(1);
  const told = await stage.fetchBoth();
  expect(told).toMatchObject([{ body: { "planhat/name": "Renamed" } }]);
  expect(told).toHaveLength(1);
});

test("what Hull was told comes back as messages, which end without a call to either side", async () => {
  const stage = await openSent();
  await stage.fetchBoth();
  const before = [stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests];
  const profiles = [...stage.hull.profiles.users.values()];
  const report = await stage.send(
    "user:update",
    profiles.map((profile) => stage.hull.userMessage(profile)),
  );
  expect(report.messagesAccepted).toBe(FEW);
  await stage.send(
    "account:update",
    [...stage.hull.profiles.accounts.values()].map((profile) => stage.hull.accountMessage(profile)),
  );
  await stage.settled();
  expect([stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests]).toEqual(before);
  expect(await stage.outcomes()).toMatchObject({ "endusers/unchanged/in_sync": FEW });
});

describe("a person's edit in Planhat", () => {
  async function openEdited() {
    const stage = await openSent();
    await stage.fetchBoth();
    const record = stage.endusers().find((each) => each["externalId"] === "person-7");
    const id = String(record?.["_id"]);
    stage.planhat.tenant().edit("endusers", id, { position: "Captain" });
    return { stage, id };
  }

  test("reaches Hull once, and no unchanged notification takes it back", async () => {
    const { stage, id } = await openEdited();
    const told = await stage.fetchBoth();
    expect(told).toMatchObject([{ user: { id: user(7).id }, body: { "planhat/position": "Captain" } }]);
    const written = writes(stage);
    const more = await stage.during(async () => {
      await notify(stage, minute(1));
      await stage.settled();
      await stage.fetchBoth();
      await notify(stage, minute(2));
      await stage.settled();
    });
    expect(more).toEqual([]);
    expect(writes(stage)).toBe(written);
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Captain" });
    expect(stage.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Captain" });
  });

  test("gives way to what Hull says later, of which Hull is told once", async () => {
    const { stage, id } = await openEdited();
    await stage.fetchBoth();
    const told = await stage.during(async () => {
      await stage.tellUser(user(7, { position: "Admiral", indexed_at: minute(3) }), companyOf(7));
      await stage.settled();
      await stage.fetchBoth();
    });
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Admiral" });
    expect(stage.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Admiral" });
    expect(told.map(({ body }) => body["planhat/position"])).toEqual(["Admiral"]);
  });

  test("that Hull has not heard of yet gives way to what Hull says later, too", async () => {
    const { stage, id } = await openEdited();
    await stage.tellUser(user(7, { position: "Admiral", indexed_at: minute(3) }), companyOf(7));
    await stage.settled();
    await stage.fetchBoth();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Admiral" });
    expect(stage.profile("user", user(7).id)).toMatchObject({ "planhat/position": "Admiral" });
  });
});

describe("two connectors of one organization on one Planhat tenant", () => {
  const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };

  async function openTwo(more: Readonly<Record<string, unknown>> = {}) {
    const stage = await openSent();
    stage.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, ...more } });
    const fetchAs = async ({ id, secret }: typeof OTHER) => {
      for (const what of ["accounts", "users"]) {
        const query = new URLSearchParams({ organization: stage.hull.host, ship: id, secret, force: "1" });
        const answer = await fetch(`${stage.baseUrl}/fetch/${what}?${query.toString()}`, { method: "POST" });
        const { run } = (await answer.json()) as { run: string };
        expect(await stage.ended(run)).toMatchObject({ state: "success" });
      }
    };
    return { stage, fetchAs };
  }

  test("do not echo each other, whichever fetches", async () => {
    const { stage, fetchAs } = await openTwo();
    await fetchAs(OTHER);
    const written = writes(stage);
    const told = await stage.during(async () => {
      for (const who of [CONNECTOR, OTHER, CONNECTOR]) await fetchAs(who);
      for (const [step, who] of [OTHER, CONNECTOR, OTHER].entries()) await notify(stage, minute(step + 1), who.id);
      await stage.settled();
      await fetchAs(CONNECTOR);
    });
    expect(told).toEqual([]);
    expect(writes(stage)).toBe(written);
  });

  test("an edit in Planhat is told by the one that finds it first", async () => {
    const { stage, fetchAs } = await openTwo();
    await fetchAs(OTHER);
    await fetchAs(CONNECTOR);
    const id = String(stage.endusers()[0]?.["_id"]);
    stage.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    const told = await stage.during(async () => {
      for (const who of [OTHER, CONNECTOR, OTHER]) await fetchAs(who);
    });
    expect(told).toMatchObject([{ body: { "planhat/phone": "0049 30 1" } }]);
  });

  test("with different mappings they tell nothing twice", async () => {
    const phone = { hull_field_name: "traits_phone", service_field_name: "phone" };
    const { stage, fetchAs } = await openTwo({
      contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, phone],
    });
    const id = String(stage.endusers()[0]?.["_id"]);
    stage.planhat.tenant().edit("endusers", id, { phone: "0049 30 1" });
    await fetchAs(CONNECTOR);
    const told = await stage.during(async () => {
      for (const who of [OTHER, CONNECTOR, OTHER]) await fetchAs(who);
    });
    expect(told).toEqual([]);
  });
});
