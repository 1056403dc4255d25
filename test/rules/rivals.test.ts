/** An entity skipped because its record is linked to another one is taken in again when that link goes. */
import { buildUserMessage } from "../../simulators/hull";
import { CONNECTOR, OPEN_SETTINGS } from "../harness";
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();
const email = String(user(1)["email"]);

/** The same person once more in Hull: a profile that knows more, and no external id. */
const twin = (number: number, more: Readonly<Record<string, unknown>> = {}) =>
  user(number, { external_id: null, email, name: "Person 1", position: `Director ${number}`, ...more });

const deleteUser = (stage: Stage, id: string) => stage.send("user:delete", [{ user: { id } }]);

/** The first user is in Planhat, the others were skipped since they would be the same person there. */
async function openMet(others: readonly ReturnType<typeof user>[]): Promise<Stage> {
  const stage = await open();
  stage.seed([account(1)], [user(1), ...others]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  for (const each of others) {
    await stage.tellUser(each, account(1));
    await stage.settled();
  }
  expect(await stage.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": others.length });
  return stage;
}

test("after a merge in Hull the survivor is delivered without waiting for a message, and Hull is told", async () => {
  const stage = await openMet([twin(2)]);
  const [{ _id: id } = {}] = stage.endusers();
  await deleteUser(stage, user(1).id);
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ _id: id, position: "Director 2" }]);
  expect(stage.profile("user", user(2).id)).toMatchObject({ "planhat/id": id, "planhat/position": "Director 2" });
  expect(await stage.connector.store.view(stage.lane, "endusers", [user(2).id])).toMatchObject([
    { record: { remoteId: id }, mirror: { linkedTo: user(2).id } },
  ]);
  expect(await stage.outcomes()).toMatchObject({ "endusers/sent/updated": 1 });
});

test("also after a restart, and only with the newest of what Hull said", async () => {
  const stage = await openMet([twin(2)]);
  await stage.tellUser(twin(2, { position: "Founder", indexed_at: minute(1) }), account(1));
  await stage.settled();
  await stage.restart();
  await deleteUser(stage, user(1).id);
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "Founder" }]);
});

test("of several, the one that came first gets the record, and the next one when that is deleted as well", async () => {
  const stage = await openMet([twin(2), twin(3)]);
  for (const number of [1, 2]) {
    await deleteUser(stage, user(number).id);
    await stage.settled();
    expect(stage.endusers()).toMatchObject([{ position: `Director ${number + 1}` }]);
  }
  expect(await stage.outcomes()).toMatchObject({
    "endusers/sent/updated": 2,
    "endusers/skipped/same_remote_record": 3,
  });
});

test("his events, which ended with him, are sent then", async () => {
  const stage = await open({ settings: { contact_events: ["ALL"] } });
  stage.seed([account(1)], [user(1), twin(2)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  await stage.tellUser(twin(2), account(1), {
    events: [{ event: "Signed up", event_id: "event-1", created_at: minute(0), properties: {}, context: {} }],
  });
  await stage.settled();
  expect(stage.planhat.tenant().activities).toEqual([]);
  await deleteUser(stage, user(1).id);
  await stage.settled();
  expect(stage.planhat.tenant().activities).toHaveLength(1);
  expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
});

test("who was left out for another reason meanwhile is left alone", async () => {
  const stage = await openMet([twin(2)]);
  await stage.tellUser(twin(2, { email: null, indexed_at: minute(1) }), account(1));
  await stage.settled();
  const before = stage.written("endusers").length;
  await deleteUser(stage, user(1).id);
  await stage.settled();
  expect(stage.written("endusers")).toHaveLength(before);
});

test("who was deleted himself is erased, and nothing is sent for him", async () => {
  const stage = await openMet([twin(2)]);
  const before = stage.written("endusers").length;
  await deleteUser(stage, user(2).id);
  await deleteUser(stage, user(1).id);
  await stage.settled();
  expect(stage.written("endusers")).toHaveLength(before);
  expect(await stage.connector.store.lanes()).toEqual([]);
});

test("a record that is gone from Planhat is made once, for one of them", async () => {
  const stage = await openMet([twin(2)]);
  const [{ _id: id } = {}] = stage.endusers();
  stage.planhat.tenant().remove("endusers", String(id));
  await stage.tellUser(user(1, { position: "Buyer", indexed_at: minute(1) }), account(1));
  await stage.settledWithHelp();
  expect(stage.endusers()).toMatchObject([{ externalId: "person-1", position: "Buyer" }]);
  expect(await stage.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": 2 });
});

test("an account that has the other one's former external id becomes a company of its own, and brings its users", async () => {
  const stage = await open();
  const rival = account(3, { external_id: "acme-1", name: "Acme One" });
  stage.seed([account(1), account(2), rival], [user(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  await stage.tellAccount(rival);
  await stage.tellUser(user(1), rival);
  await stage.settled();
  expect(await stage.outcomes()).toMatchObject({
    "companies/skipped/same_remote_record": 1,
    "endusers/dead/parent_skipped": 1,
  });
  await stage.tellAccount(account(1, { external_id: "acme-9", name: "Acme 9", indexed_at: minute(1) }));
  await stage.settledWithHelp();
  expect(stage.companies().map(({ externalId, name }) => [externalId, name])).toEqual([
    ["acme-9", "Acme 9"],
    ["acme-1", "Acme One"],
  ]);
  expect(stage.endusers()).toMatchObject([{ companyId: stage.companies()[1]?.["_id"] }]);
});

test("it may be another connector of the same Planhat tenant that skipped him", async () => {
  const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
  const stage = await open();
  stage.hull.addConnector({ ...other, privateSettings: OPEN_SETTINGS });
  stage.seed([account(1)], [user(1), twin(2)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  const message = buildUserMessage(twin(2), { account: account(1) });
  await stage.send("user:update", [message], { connectorId: other.id });
  await stage.settled();
  await stage.send("user:delete", [{ user: { id: user(1).id } }], { connectorId: CONNECTOR.id });
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "Director 2" }]);
});
