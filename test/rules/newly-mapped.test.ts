/** A field that is mapped only now is unknown, not different: what is there is read, and only what differs is written. */
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";
import { account, CONNECTOR, minute, OPEN_SETTINGS, people, row, useFixtures, type Fixture } from "../fixture/fixture";

const open = useFixtures();
const COMPANIES = 100;
const PEOPLE = 300;
const FEW = 20;

const PHONE = {
  contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, row("traits_phone", "phone")],
};
const phoneOf = (number: number): string => `0049 30 ${number}`;
const companyOf = (number: number) => account(((number - 1) % COMPANIES) + 1);

/** Notifies of so many people, with their phone numbers. */
async function notify(
  fixture: Fixture,
  count: number,
  round: number,
  { connectorId = CONNECTOR.id, ...more }: { readonly connectorId?: string; readonly isExport?: boolean } = {},
  phone = phoneOf,
  settled = () => fixture.settled(),
): Promise<void> {
  const messages = people(count).map((each, index) =>
    buildUserMessage(
      { ...each, traits_phone: phone(index + 1), indexed_at: minute(round) },
      { account: companyOf(index + 1) },
    ),
  );
  await fixture.together(async () => {
    const report = await fixture.send("user:update", messages, { connectorId, ...more });
    expect(report.messagesAccepted).toBe(count);
  });
  await settled();
}

/** People who were sent, with a phone number that somebody put into Planhat. */
async function openSent(count: number, there = phoneOf): Promise<Fixture> {
  const fixture = await open();
  fixture.seed(
    Array.from({ length: COMPANIES }, (_, index) => account(index + 1)),
    people(count),
  );
  await notify(fixture, count, 0);
  for (const { _id, externalId } of fixture.endusers()) {
    const number = Number(String(externalId).split("-")[1]);
    fixture.planhat.tenant().edit("endusers", String(_id), { phone: there(number) });
  }
  return fixture;
}

/** Requests while something is done: those that write, and those that read. */
async function requestsOf(fixture: Fixture, work: () => Promise<unknown>) {
  const before = fixture.calls.length;
  await work();
  const routes = fixture.calls.slice(before).map(({ method, route }) => `${method} ${route.replace(/^[A-Z]+ /, "")}`);
  return {
    writes: routes.filter((each) => !each.startsWith("GET ")).length,
    reads: routes.filter((each) => each.startsWith("GET ")).length,
  };
}

test("hundreds of records that hold the value already: no write, and two calls that read", async () => {
  const fixture = await openSent(PEOPLE);
  await fixture.saveSettings(PHONE);
  const requests = await requestsOf(fixture, () => notify(fixture, PEOPLE, 1));
  // A hundred companies, 75 in a call.
  expect(requests).toEqual({ writes: 0, reads: 2 });
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": PEOPLE, "endusers/unchanged/in_sync": PEOPLE });
  // What was found counts as sent: the next notification costs nothing, and a person's edit is not reverted.
  expect(await requestsOf(fixture, () => notify(fixture, FEW, 2))).toEqual({ writes: 0, reads: 0 });
}, 120_000);

test("only those are written that hold something else, or nothing", async () => {
  const fixture = await openSent(FEW, (number) => (number === 7 ? "0049 30 000" : number === 8 ? "" : phoneOf(number)));
  await fixture.saveSettings(PHONE);
  const written = fixture.written("endusers").length;
  await notify(fixture, FEW, 1);
  const items = fixture.written("endusers").slice(written);
  expect(items.map(({ phone }) => phone).sort()).toEqual([phoneOf(7), phoneOf(8)]);
  for (const item of items) expect(Object.keys(item).sort()).toEqual(["_id", "phone"]);
});

test("a custom field that no record shows yet is known to be empty once they were read, and is not read again", async () => {
  const fixture = await openSent(FEW);
  const custom = [{ hull_field_name: "traits_phone", service_field_name: "Direct line" }];
  fixture.planhat.tenant().seedCustomField({ name: "Direct line", type: "text", parent: "EndUser" });
  await fixture.saveSettings({ contact_custom_attributes_outbound: custom });
  expect(await requestsOf(fixture, () => notify(fixture, FEW, 1, {}, () => ""))).toMatchObject({ writes: 1 });
  expect(await requestsOf(fixture, () => notify(fixture, FEW, 2))).toEqual({ writes: 1, reads: 0 });
});

test("an export is sent, whatever is there, and nothing is read for it", async () => {
  const fixture = await openSent(FEW);
  await fixture.saveSettings(PHONE);
  const requests = await requestsOf(fixture, () => notify(fixture, FEW, 1, { isExport: true }));
  expect(requests).toEqual({ writes: 1, reads: 0 });
});

test("while Planhat cannot be read, nothing is written on no evidence", async () => {
  const fixture = await openSent(FEW);
  await fixture.saveSettings(PHONE);
  fixture.planhat.faults.add({ kind: "status", status: 503, route: "GET /endusers", count: 4 });
  const written = fixture.written("endusers").length;
  await notify(fixture, FEW, 1, {}, phoneOf, () => fixture.settledWithHelp());
  expect(fixture.written("endusers")).toHaveLength(written);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/unchanged/in_sync": 20 });
});

test("companies are read by their list", async () => {
  const fixture = await open();
  const accounts = Array.from({ length: 80 }, (_, index) => account(index + 1, { city: `City ${index + 1}` }));
  fixture.seed(accounts);
  const tell = async (round: number): Promise<void> => {
    await fixture.together(() =>
      fixture.send(
        "account:update",
        accounts.map((each) => buildAccountMessage({ ...each, indexed_at: minute(round) })),
      ),
    );
    await fixture.settled();
  };
  await tell(0);
  for (const { _id, externalId } of fixture.companies()) {
    const city = `City ${String(externalId).split("-")[1] ?? ""}`;
    fixture.planhat.tenant().edit("companies", String(_id), { city });
  }
  await fixture.saveSettings({
    account_attributes_outbound: [...OPEN_SETTINGS.account_attributes_outbound, row("city", "city")],
  });
  expect(await requestsOf(fixture, () => tell(1))).toEqual({ writes: 0, reads: 2 });
});

describe("a second connector that starts over records that hold the values", () => {
  const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };

  test("of the same organization writes nothing, and reads only what the first one does not map", async () => {
    const fixture = await openSent(150);
    fixture.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, ...PHONE } });
    const requests = await requestsOf(fixture, () => notify(fixture, 150, 1, { connectorId: OTHER.id }));
    expect(requests.writes).toBe(0);
    // As many as there are groups of companies; one more for each group that a pass began with too few people of.
    expect(requests.reads).toBeLessThanOrEqual(6);
    expect(await requestsOf(fixture, () => notify(fixture, 150, 2, { connectorId: OTHER.id }))).toEqual({
      writes: 0,
      reads: 0,
    });
  });

  test("that knows nothing yet writes nothing either", async () => {
    const fixture = await openSent(150);
    // Another tenant id makes it another place: nothing that the first one knows counts there.
    const elsewhere = { ...OPEN_SETTINGS, ...PHONE, tenant_id: "0b7e1f3a-0000-4000-8000-000000000002" };
    fixture.hull.addConnector({ ...OTHER, privateSettings: elsewhere });
    const requests = await requestsOf(fixture, () => notify(fixture, 150, 1, { connectorId: OTHER.id }));
    expect(requests.writes).toBe(0);
    expect(requests.reads).toBeLessThan(10);
  });
});
