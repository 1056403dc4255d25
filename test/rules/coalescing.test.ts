/** What waits is the whole desired state of a record, and the newest one. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();

/** Linked and in step. */
async function inStep(stage: Stage): Promise<void> {
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(1) }), account(1));
  await stage.settled();
}

/** Runs `meanwhile` while the first bulk write from now on is under way. */
function duringNextWrite(stage: Stage, meanwhile: () => Promise<void>): void {
  let done = false;
  stage.planhat.on("request", async ({ route }) => {
    if (done || route !== "PUT /endusers") return;
    done = true;
    await meanwhile();
  });
}

test("A → B → A ends with A in Planhat when B still waits", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.together(async () => {
    await stage.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
    await stage.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  });
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "A" }]);
});

test("A → B → A ends with A in Planhat when B is being written", async () => {
  const stage = await open();
  await inStep(stage);
  duringNextWrite(stage, () => stage.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1)));
  await stage.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
  await stage.settled();
  expect(stage.written("endusers").map((item) => item["position"])).toEqual(["A", "B", "A"]);
  expect(stage.endusers()).toMatchObject([{ position: "A" }]);
});

test("A → B → A within one shipment costs nothing", async () => {
  const stage = await open();
  await inStep(stage);
  const before = stage.calls.length;
  const states = ["B", "A"].map((position, index) => user(1, { position, indexed_at: minute(2 + index) }));
  await stage.send(
    "user:update",
    states.map((each) => buildUserMessage(each, { account: account(1) })),
  );
  await stage.settled();
  expect(stage.calls).toHaveLength(before);
  expect(stage.endusers()).toMatchObject([{ position: "A" }]);
});

test("many messages of one record that wait become one write of the newest", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.together(async () => {
    for (const step of [1, 2, 3, 4]) {
      await stage.tellUser(user(1, { position: `P${step}`, indexed_at: minute(step) }), account(1));
    }
  });
  await stage.settled();
  expect(stage.written("endusers")).toMatchObject([{ position: "P4" }]);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/superseded/newer_message": 3 });
});

test("a newer message that a filter skips withdraws the waiting one", async () => {
  const stage = await open({ settings: { contact_synchronized_segments: ["in"] } });
  stage.seed([account(1)], [user(1)]);
  const inside = [stage.hull.addUserSegment("In", "in")];
  await stage.together(async () => {
    await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
    await stage.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] });
  });
  await stage.settled();
  expect(stage.endusers()).toEqual([]);
  expect(await stage.outcomes()).toEqual({
    "endusers/superseded/newer_message": 1,
    "endusers/skipped/outside_user_segments": 1,
  });
});

test("a skipped newer message withdraws one whose write failed", async () => {
  const stage = await open({ settings: { contact_synchronized_segments: ["in"] } });
  stage.seed([account(1)], [user(1)]);
  const inside = [stage.hull.addUserSegment("In", "in")];
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(1) }), account(1), { segments: inside });
  await stage.settled();
  const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
  duringNextWrite(stage, async () => {
    await stage.tellUser(user(1, { position: "B", indexed_at: minute(3) }), account(1), { segments: [] });
  });
  await stage.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1), { segments: inside });
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  down.remove();
  await stage.settledWithHelp();
  expect(stage.endusers()).toMatchObject([{ position: "A" }]);
});

test("forced stays forced when an ordinary newer message is merged in", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.together(async () => {
    await stage.tellUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
    await stage.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  });
  await stage.settled();
  expect(stage.written("endusers")).toHaveLength(2);
  expect(stage.written("endusers")[1]).toMatchObject({ position: "A", name: "Person 1" });
});

test("forced stays forced when its write failed and a newer message came meanwhile", async () => {
  const stage = await open();
  await inStep(stage);
  const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "PUT /endusers" });
  duringNextWrite(stage, () => stage.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1)));
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
  await stage.until(async () => (await stage.connector.store.pauses(stage.lane)).length > 0);
  down.remove();
  const before = stage.written("endusers").length;
  await stage.settledWithHelp();
  expect(stage.written("endusers").slice(before)).toMatchObject([{ position: "A", name: "Person 1" }]);
});

test("once delivered, a forced message forces nothing further", async () => {
  const stage = await open();
  await inStep(stage);
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(2) }), account(1), { isExport: true });
  await stage.settled();
  const before = stage.calls.length;
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(3) }), account(1));
  await stage.settled();
  expect(stage.calls).toHaveLength(before);
});

test("evidence that a field was cleared survives the merging with a newer message", async () => {
  const stage = await open({ settings: { clear_on_null: true } });
  stage.seed([account(1)], [user(1)]);
  const company = stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
  stage.planhat
    .tenant()
    .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "Old" });
  await stage.together(async () => {
    await stage.tellUser(user(1, { position: null, indexed_at: minute(1) }), account(1), {
      changes: { user: { position: ["Old", null] } },
    });
    await stage.tellUser(user(1, { position: null, name: "Renamed", indexed_at: minute(2) }), account(1));
  });
  await stage.settled();
  expect(stage.endusers()[0]?.["position"] ?? null).toBeNull();
  expect(stage.endusers()).toMatchObject([{ name: "Renamed" }]);
});

test("a newer message that arrives during the look-up is the one that is written", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  let came = false;
  stage.planhat.on("request", async ({ route }) => {
    if (came || route !== "GET /endusers") return;
    came = true;
    await stage.tellUser(user(1, { position: "B", indexed_at: minute(2) }), account(1));
  });
  await stage.tellUser(user(1, { position: "A", indexed_at: minute(1) }), account(1));
  await stage.settled();
  expect(came).toBe(true);
  expect(stage.endusers()).toMatchObject([{ position: "B" }]);
  expect(stage.planhat.books.snapshot().created.endusers).toBe(1);
});

test("a shipment that is delivered again while it is being written counts once and doubles nothing", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  duringNextWrite(stage, () => stage.tellUser(user(1), account(1), { notificationId: "again" }));
  await stage.tellUser(user(1), account(1), { notificationId: "again" });
  await stage.settled();
  expect(stage.endusers()).toHaveLength(1);
  expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 1 });
});

test("a withdrawn create whose answer was lost is still not doubled when the person comes back", async () => {
  const stage = await open({ settings: { contact_synchronized_segments: ["in"] } });
  stage.seed([account(1)], [user(1)]);
  const inside = [stage.hull.addUserSegment("In", "in")];
  stage.planhat.faults.add({ kind: "reset-after", route: "PUT /endusers", count: 1 });
  duringNextWrite(stage, () => stage.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] }));
  await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
  await stage.settledWithHelp();
  await stage.tellUser(user(1, { indexed_at: minute(3) }), account(1), { segments: inside });
  await stage.settledWithHelp();
  expect(stage.endusers()).toHaveLength(1);
  expect(stage.profile("user", user(1).id)["planhat/id"]).toBe(stage.endusers()[0]?.["_id"]);
});

test("a write that was under way when a newer message was skipped stays written, and the link is kept", async () => {
  const stage = await open({ settings: { contact_synchronized_segments: ["in"] } });
  stage.seed([account(1)], [user(1)]);
  const inside = [stage.hull.addUserSegment("In", "in")];
  duringNextWrite(stage, () => stage.tellUser(user(1, { indexed_at: minute(2) }), account(1), { segments: [] }));
  await stage.tellUser(user(1, { indexed_at: minute(1) }), account(1), { segments: inside });
  await stage.settled();
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(3) }), account(1), { segments: inside });
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
});
