/** Credentials change: a rotated token resends nothing, another tenant's records are not taken for ours. */
import { buildUserMessage } from "../../simulators/hull";
import { CONNECTOR, OPEN_SETTINGS, TOKEN } from "../harness";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();
const OTHER = "planhat-token-0002";

async function inStep(stage: Stage): Promise<void> {
  stage.seed([account(1)], [user(1), user(2)]);
  await stage.send(
    "user:update",
    [user(1), user(2)].map((each) => buildUserMessage(each, { account: account(1) })),
  );
  await stage.settled();
}

/** The same state again, a little later, as Hull sends it. */
async function again(stage: Stage, more: Record<string, unknown> = {}): Promise<void> {
  for (const number of [1, 2]) {
    const known = stage.profile("user", user(number).id)["planhat/id"];
    await stage.tellUser(
      user(number, { "planhat/id": known, indexed_at: minute(10 + number), ...more }),
      account(1, { "planhat/id": stage.profile("account", account(1).id)["planhat/id"] }),
    );
  }
  await stage.settled();
}

test("a rotated token of the same tenant resends nothing and keeps every link", async () => {
  const stage = await open();
  await inStep(stage);
  stage.planhat.rotateToken(TOKEN, OTHER);
  await stage.saveSettings({ personal_acccess_token: OTHER });
  const before = stage.written("endusers").length;
  await again(stage);
  expect(stage.written("endusers")).toHaveLength(before);
  expect(stage.written("companies")).toHaveLength(1);
  await again(stage, { position: "Director", indexed_at: minute(20) });
  const updates = stage.written("endusers").slice(before);
  expect(updates).toHaveLength(2);
  for (const update of updates) expect(Object.keys(update).sort()).toEqual(["_id", "position"]);
});

test("a tenant id that was filled in later resends nothing when the records are the same", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.saveSettings({ tenant_id: "0b7e1f3a-0000-4000-8000-000000000777" });
  const before = stage.planhat.snapshot();
  await again(stage);
  expect(stage.planhat.snapshot()).toEqual(before);
});

test("a token of another tenant leads to new records there, and Hull learns the new ids", async () => {
  const stage = await open();
  await inStep(stage);
  const before = stage.planhat.snapshot();
  stage.planhat.addTenant(OTHER);
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await again(stage);
  expect(stage.planhat.snapshot(TOKEN)).toEqual(before);
  const { companies, endusers } = stage.planhat.snapshot(OTHER);
  expect(companies).toMatchObject([{ externalId: "acme-1", name: "Acme 1" }]);
  expect(endusers.map((each) => each["externalId"]).sort()).toEqual(["person-1", "person-2"]);
  expect(endusers.every((each) => each["position"] === "Engineer")).toBe(true);
  const told = stage.profile("user", user(1).id)["planhat/id"];
  expect(told).toBe(endusers.find((each) => each["externalId"] === "person-1")?._id);
});

test("settings that arrive with the very message are not compared with the former tenant's records", async () => {
  const stage = await open();
  await inStep(stage);
  stage.planhat.addTenant(OTHER);
  stage.hull.saveSettings(CONNECTOR.id, { ...OPEN_SETTINGS, personal_acccess_token: OTHER });
  await again(stage);
  expect(stage.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("records that the other tenant already has are found, not doubled", async () => {
  const stage = await open();
  await inStep(stage);
  const other = stage.planhat.addTenant(OTHER);
  const company = other.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  other.seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"] });
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await again(stage);
  expect(stage.planhat.snapshot(OTHER).companies).toHaveLength(1);
  expect(stage.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("what Hull remembers of the former tenant is not believed in the other one", async () => {
  const stage = await open();
  await inStep(stage);
  const old = String(stage.profile("user", user(1).id)["planhat/id"]);
  const other = stage.planhat.addTenant(OTHER);
  const company = other.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  // By pure chance the id exists there too, for somebody else.
  other.seedEnduser({ _id: old, companyId: company._id, email: "stranger@example.com", name: "Stranger" });
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await again(stage);
  expect(other.endusers.get(old)).toMatchObject({ email: "stranger@example.com", name: "Stranger" });
  expect(stage.planhat.snapshot(OTHER).endusers).toHaveLength(3);
});

test("another cluster is another place: records are made there", async () => {
  const stage = await open({ planhat: { clusters: ["api", "api-us4"] } });
  await inStep(stage);
  const before = stage.planhat.snapshot();
  stage.planhat.addTenant(TOKEN, "api-us4");
  await stage.saveSettings({ api_prefix: "api-us4" });
  await again(stage);
  expect(stage.planhat.snapshot()).toEqual(before);
  expect(stage.planhat.snapshot(TOKEN, "api-us4").endusers).toHaveLength(2);
});

test("a switch to another tenant and back doubles nothing", async () => {
  const stage = await open();
  await inStep(stage);
  stage.planhat.addTenant(OTHER);
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await again(stage);
  await stage.saveSettings({ personal_acccess_token: TOKEN });
  await again(stage, { position: "Back", indexed_at: minute(30) });
  expect(stage.planhat.snapshot(TOKEN).endusers).toHaveLength(2);
  expect(stage.planhat.snapshot(TOKEN).endusers.every((each) => each["position"] === "Back")).toBe(true);
  expect(stage.planhat.snapshot(TOKEN).companies).toHaveLength(1);
  expect(stage.planhat.snapshot(OTHER).endusers).toHaveLength(2);
});

test("what waited for the former tenant is delivered to the new one", async () => {
  const stage = await open();
  await inStep(stage);
  stage.planhat.revokeToken(TOKEN);
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  const other = stage.planhat.addTenant(OTHER);
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await stage.settled();
  expect([...other.endusers.values()]).toMatchObject([{ externalId: "person-1", position: "Director" }]);
});

test("new credentials that Planhat refuses prove nothing: the lane waits and nothing is forgotten", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.saveSettings({ personal_acccess_token: "wrong-token" });
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  await stage.saveSettings({ personal_acccess_token: TOKEN });
  await stage.settled();
  expect(stage.endusers()).toHaveLength(2);
  expect(stage.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
});

test("a Planhat that is down while the credentials change proves nothing either", async () => {
  const stage = await open();
  await inStep(stage);
  stage.planhat.rotateToken(TOKEN, OTHER);
  const down = stage.planhat.faults.add({ kind: "status", status: 503 });
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  down.remove();
  await stage.settledWithHelp();
  expect(stage.planhat.snapshot(OTHER).endusers).toHaveLength(2);
  expect(stage.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
});

test("a tenant that was emptied is filled again with whole records once its credentials change", async () => {
  const stage = await open();
  await inStep(stage);
  const tenant = stage.planhat.tenant();
  for (const { _id } of stage.planhat.snapshot().endusers) tenant.remove("endusers", _id);
  for (const { _id } of stage.planhat.snapshot().companies) tenant.remove("companies", _id);
  stage.planhat.rotateToken(TOKEN, OTHER);
  await stage.saveSettings({ personal_acccess_token: OTHER });
  await again(stage);
  const { companies, endusers } = stage.planhat.snapshot(OTHER);
  expect(companies).toHaveLength(1);
  expect(endusers).toHaveLength(2);
  expect(endusers.every((each) => each["position"] === "Engineer")).toBe(true);
});

test("a changed mapping makes the new field unknown and nothing else", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.saveSettings({
    contact_attributes_outbound: [
      ...OPEN_SETTINGS.contact_attributes_outbound,
      { hull_field_name: "traits_phone", service_field_name: "phone" },
    ],
  });
  const before = stage.written("endusers").length;
  await again(stage, { phone: "+46 8 123" });
  for (const item of stage.written("endusers").slice(before)) {
    expect(item).toEqual({ _id: expect.any(String) as unknown, phone: "+46 8 123" });
  }
  expect(stage.endusers().map((each) => each["phone"])).toEqual(["+46 8 123", "+46 8 123"]);
});
