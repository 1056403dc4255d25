/** What waits is the whole desired state of a record, and the newest one. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

/** Linked and in step. */
async function inStep(fixture: Fixture): Promise<void> {
  await fixture.deliverUser(user(1, { position: "A", indexed_at: minute(1) }), account(1));
}

/** Runs `meanwhile` while the first bulk write from now on is under way. */
function duringNextWrite(fixture: Fixture, meanwhile: () => Promise<void>): void {
  let done = false;
  fixture.planhat.on("request", async ({ route }) => {
    if (done || route !== "PUT /endusers") return;
    done = true;
    await meanwhile();
  });
}

test("A → B → A ends with A in Planhat when B still waits", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.together(async () => {
    await fixture.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
    await fixture.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  });
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ position: "A" }]);
});

test("A → B → A ends with A in Planhat when B is being written", async () => {
  const fixture = await open();
  await inStep(fixture);
  duringNextWrite(fixture, () => fixture.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1)));
  await fixture.deliverUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
  expect(fixture.written("endusers").map((item) => item["position"])).toEqual(["A", "B", "A"]);
  expect(fixture.endusers()).toMatchObject([{ position: "A" }]);
});

test("A → B → A within one shipment costs nothing", async () => {
  const fixture = await open();
  await inStep(fixture);
  const before = fixture.calls.length;
  const states = ["B", "A"].map((position, index) => user(1, { position, indexed_at: minute(2 + index) }));
  await fixture.deliver(
    "user:update",
    states.map((each) => buildUserMessage(each, { account: account(1) })),
  );
  expect(fixture.calls).toHaveLength(before);
  expect(fixture.endusers()).toMatchObject([{ position: "A" }]);
});

test("many messages of one record that wait become one write of the newest", async () => {
  const fixture = await open();
  await fixture.together(async () => {
    for (const step of [1, 2, 3, 4]) {
      await fixture.tellUser(user(1, { position: `P${step}`, indexed_at: minute(step) }), account(1));
    }
  });
  await fixture.settled();
  expect(fixture.written("endusers")).toMatchObject([{ position: "P4" }]);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/superseded/newer_message": 3 });
});

test("a newer message that a filter skips withdraws the waiting one", async () => {
  const fixture = await open({ settings: { contact_synchronized_segments: ["in"] } });
  const inside = [fixture.hull.addUserSegment("In", "in")];
  await fixture.together(async () => {
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
    await fixture.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] });
  });
  await fixture.settled();
  expect(fixture.endusers()).toEqual([]);
  expect(await fixture.outcomes()).toEqual({
    "endusers/superseded/newer_message": 1,
    "endusers/skipped/outside_user_segments": 1,
  });
});

test("a skipped newer message withdraws one whose write failed", async () => {
  const fixture = await open({ settings: { contact_synchronized_segments: ["in"] } });
  const inside = [fixture.hull.addUserSegment("In", "in")];
  await fixture.deliverUser(user(1, { position: "A", indexed_at: minute(1) }), account(1), { segments: inside });
  const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
  duringNextWrite(fixture, async () => {
    await fixture.tellUser(user(1, { position: "B", indexed_at: minute(3) }), account(1), { segments: [] });
  });
  await fixture.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1), { segments: inside });
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  down.remove();
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toMatchObject([{ position: "A" }]);
});

test("forced stays forced when an ordinary newer message is merged in", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.together(async () => {
    await fixture.tellUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
    await fixture.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  });
  await fixture.settled();
  expect(fixture.written("endusers")).toHaveLength(2);
  expect(fixture.written("endusers")[1]).toMatchObject({ position: "A", name: "Person 1" });
});

test("forced stays forced when its write failed and a newer message came meanwhile", async () => {
  const fixture = await open();
  await inStep(fixture);
  const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
  duringNextWrite(fixture, () => fixture.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1)));
  await fixture.tellUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
  await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
  down.remove();
  const before = fixture.written("endusers").length;
  await fixture.settledWithHelp();
  expect(fixture.written("endusers").slice(before)).toMatchObject([{ position: "A", name: "Person 1" }]);
});

test("once delivered, a forced message forces nothing further", async () => {
  const fixture = await open();
  await inStep(fixture);
  await fixture.deliverUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
  const before = fixture.calls.length;
  await fixture.deliverUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  expect(fixture.calls).toHaveLength(before);
});

test("evidence that a field was cleared survives the merging with a newer message", async () => {
  const fixture = await open({ settings: { clear_on_null: true } });
  const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
  fixture.planhat
    .tenant()
    .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "Old" });
  await fixture.together(async () => {
    await fixture.tellUser(user(1, { position: null, indexed_at: minute(1) }), account(1), {
      changes: { user: { position: ["Old", null] } },
    });
    await fixture.tellUser(user(1, { position: null, name: "Renamed", indexed_at: minute(2) }), account(1));
  });
  await fixture.settled();
  expect(fixture.endusers()[0]?.["position"] ?? null).toBeNull();
  expect(fixture.endusers()).toMatchObject([{ name: "Renamed" }]);
});

test("a newer message that arrives during the look-up is the one that is written", async () => {
  const fixture = await open();
  let came = false;
  fixture.planhat.on("request", async ({ route }) => {
    if (came || route !== "GET /endusers") return;
    came = true;
    await fixture.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
  });
  await fixture.deliverUser(user(1, { position: "A", indexed_at: minute(1) }), account(1));
  expect(came).toBe(true);
  expect(fixture.endusers()).toMatchObject([{ position: "B" }]);
  expect(fixture.planhat.books.snapshot().created.endusers).toBe(1);
});

test("a shipment that is delivered again while it is being written counts once and doubles nothing", async () => {
  const fixture = await open();
  duringNextWrite(fixture, () => fixture.tellUser(user(1), account(1), { notificationId: "again" }));
  await fixture.deliverUser(user(1), account(1), { notificationId: "again" });
  expect(fixture.endusers()).toHaveLength(1);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
});

test("a withdrawn create whose answer was lost is still not doubled when the person comes back", async () => {
  const fixture = await open({ settings: { contact_synchronized_segments: ["in"] } });
  const inside = [fixture.hull.addUserSegment("In", "in")];
  fixture.planhat.faults.add({ kind: "reset-after", route: "PUT /endusers", count: 1 });
  duringNextWrite(fixture, () => fixture.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] }));
  await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
  await fixture.settledWithHelp();
  await fixture.tellUser(user(1, { indexed_at: minute(3) }), account(1), { segments: inside });
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toHaveLength(1);
  expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
});

test("a write that was under way when a newer message was skipped stays written, and the link is kept", async () => {
  const fixture = await open({ settings: { contact_synchronized_segments: ["in"] } });
  const inside = [fixture.hull.addUserSegment("In", "in")];
  duringNextWrite(fixture, () => fixture.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] }));
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
  await fixture.deliverUser(user(1, { position: "Director", indexed_at: minute(3) }), account(1), { segments: inside });
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});
