/** Credentials change: a rotated token resends nothing, another tenant's records are not taken for ours. */
import { buildUserMessage } from "../../simulators/hull";
import {
  account,
  CONNECTOR,
  minute,
  OPEN_SETTINGS,
  row,
  TOKEN,
  useFixtures,
  user,
  type Fixture,
} from "../fixture/fixture";

const open = useFixtures();
const OTHER = "planhat-token-0002";

async function inStep(fixture: Fixture): Promise<void> {
  await fixture.deliver(
    "user:update",
    [user(1), user(2)].map((each) => buildUserMessage(each, { account: account(1) })),
  );
}

/** The same state again, a little later, as Hull sends it. */
async function again(fixture: Fixture, more: Record<string, unknown> = {}): Promise<void> {
  for (const number of [1, 2]) {
    const known = fixture.profile("user", user(number).id)["planhat/id"];
    await fixture.tellUser(
      user(number, { "planhat/id": known, indexed_at: minute(10 + number), ...more }),
      account(1, { "planhat/id": fixture.profile("account", account(1).id)["planhat/id"] }),
    );
  }
  await fixture.settled();
}

test("a rotated token of the same tenant resends nothing and keeps every link", async () => {
  const fixture = await open();
  await inStep(fixture);
  fixture.planhat.rotateToken(TOKEN, OTHER);
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  const before = fixture.written("endusers").length;
  await again(fixture);
  expect(fixture.written("endusers")).toHaveLength(before);
  expect(fixture.written("companies")).toHaveLength(1);
  await again(fixture, { position: "Director", indexed_at: minute(20) });
  const updates = fixture.written("endusers").slice(before);
  expect(updates).toHaveLength(2);
  for (const update of updates) expect(Object.keys(update).sort()).toEqual(["_id", "position"]);
});

test("a tenant id that was filled in later resends nothing when the records are the same", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.saveSettings({ tenant_id: "0b7e1f3a-0000-4000-8000-000000000777" });
  const before = fixture.planhat.snapshot();
  await again(fixture);
  expect(fixture.planhat.snapshot()).toEqual(before);
});

test("a token of another tenant leads to new records there, and Hull learns the new ids", async () => {
  const fixture = await open();
  await inStep(fixture);
  const before = fixture.planhat.snapshot();
  fixture.planhat.addTenant(OTHER);
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await again(fixture);
  expect(fixture.planhat.snapshot(TOKEN)).toEqual(before);
  const { companies, endusers } = fixture.planhat.snapshot(OTHER);
  expect(companies).toMatchObject([{ externalId: "acme-1", name: "Acme 1" }]);
  expect(endusers.map((each) => each["externalId"]).sort()).toEqual(["person-1", "person-2"]);
  expect(endusers.every((each) => each["position"] === "Engineer")).toBe(true);
  const told = fixture.profile("user", user(1).id)["planhat/id"];
  expect(told).toBe(endusers.find((each) => each["externalId"] === "person-1")?._id);
});

test("settings that arrive with the very message are not compared with the former tenant's records", async () => {
  const fixture = await open();
  await inStep(fixture);
  fixture.planhat.addTenant(OTHER);
  fixture.hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, personal_acccess_token: OTHER });
  await again(fixture);
  expect(fixture.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("records that the other tenant already has are found, not doubled", async () => {
  const fixture = await open();
  await inStep(fixture);
  const other = fixture.planhat.addTenant(OTHER);
  const company = other.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  other.seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"] });
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await again(fixture);
  expect(fixture.planhat.snapshot(OTHER).companies).toHaveLength(1);
  expect(fixture.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("what Hull remembers of the former tenant is not believed in the other one", async () => {
  const fixture = await open();
  await inStep(fixture);
  const old = String(fixture.profile("user", user(1).id)["planhat/id"]);
  const other = fixture.planhat.addTenant(OTHER);
  const company = other.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  // By pure chance the id exists there too, for somebody else.
  other.seedEnduser({ _id: old, companyId: company._id, email: "stranger@example.com", name: "Stranger" });
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await again(fixture);
  expect(other.endusers.get(old)).toMatchObject({ email: "stranger@example.com", name: "Stranger" });
  expect(fixture.planhat.snapshot(OTHER).endusers).toHaveLength(3);
});

test("another cluster is another place: records are made there", async () => {
  const fixture = await open({ planhat: { clusters: ["api", "api-us4"] } });
  await inStep(fixture);
  const before = fixture.planhat.snapshot();
  fixture.planhat.addTenant(TOKEN, "api-us4");
  await fixture.saveSettings({ api_prefix: "api-us4" });
  await again(fixture);
  expect(fixture.planhat.snapshot()).toEqual(before);
  expect(fixture.planhat.snapshot(TOKEN, "api-us4").endusers).toHaveLength(2);
});

test("a switch to another tenant and back doubles nothing", async () => {
  const fixture = await open();
  await inStep(fixture);
  fixture.planhat.addTenant(OTHER);
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await again(fixture);
  await fixture.saveSettings({ personal_acccess_token: TOKEN });
  await again(fixture, { position: "Back", indexed_at: minute(30) });
  expect(fixture.planhat.snapshot(TOKEN).endusers).toHaveLength(2);
  expect(fixture.planhat.snapshot(TOKEN).endusers.every((each) => each["position"] === "Back")).toBe(true);
  expect(fixture.planhat.snapshot(TOKEN).companies).toHaveLength(1);
  expect(fixture.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("what waited for the former tenant is delivered to the new one", async () => {
  const fixture = await open();
  await inStep(fixture);
  fixture.planhat.revokeToken(TOKEN);
  await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  const other = fixture.planhat.addTenant(OTHER);
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await fixture.settled();
  expect([...other.endusers.values()]).toMatchObject([{ externalId: "person-1", position: "Director" }]);
});

test("new credentials that Planhat refuses prove nothing: the lane waits and nothing is forgotten", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.saveSettings({ personal_acccess_token: "wrong-token" });
  await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  await fixture.saveSettings({ personal_acccess_token: TOKEN });
  await fixture.settled();
  expect(fixture.endusers()).toHaveLength(2);
  expect(fixture.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
});

test("a Planhat that is down while the credentials change proves nothing either", async () => {
  const fixture = await open();
  await inStep(fixture);
  fixture.planhat.rotateToken(TOKEN, OTHER);
  const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  down.remove();
  await fixture.settledWithHelp();
  expect(fixture.planhat.snapshot(OTHER).endusers).toHaveLength(2);
  expect(fixture.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
});

test("a tenant that was emptied is filled again with whole records once its credentials change", async () => {
  const fixture = await open();
  await inStep(fixture);
  const tenant = fixture.planhat.tenant();
  for (const { _id } of fixture.planhat.snapshot().endusers) tenant.remove("endusers", _id);
  for (const { _id } of fixture.planhat.snapshot().companies) tenant.remove("companies", _id);
  fixture.planhat.rotateToken(TOKEN, OTHER);
  await fixture.saveSettings({ personal_acccess_token: OTHER });
  await again(fixture);
  const { companies, endusers } = fixture.planhat.snapshot(OTHER);
  expect(companies).toHaveLength(1);
  expect(endusers).toHaveLength(2);
  expect(endusers.every((each) => each["position"] === "Engineer")).toBe(true);
});

test("a changed mapping makes the new field unknown and nothing else", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.saveSettings({
    contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, row("traits_phone", "phone")],
  });
  const before = fixture.written("endusers").length;
  await again(fixture, { phone: "+46 8 123" });
  for (const item of fixture.written("endusers").slice(before)) {
    expect(item).toEqual({ _id: expect.any(String) as unknown, phone: "+46 8 123" });
  }
  expect(fixture.endusers().map((each) => each["phone"])).toEqual(["+46 8 123", "+46 8 123"]);
});
