/** An entity skipped because its record is linked to another one is taken in again when that link goes. */
import { buildUserMessage } from "../../simulators/hull";
import { account, CONNECTOR, minute, OPEN_SETTINGS, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();
const email = String(user(1)["email"]);

/** The same person once more in Hull: a profile that knows more, and no external id. */
const twin = (number: number, more: Readonly<Record<string, unknown>> = {}) =>
  user(number, { external_id: null, email, name: "Person 1", position: `Director ${number}`, ...more });

const deleteUser = (fixture: Fixture, id: string) => fixture.send("user:delete", [{ user: { id } }]);

/** The first user is in Planhat, the others were skipped since they would be the same person there. */
async function openMet(others: readonly ReturnType<typeof user>[]): Promise<Fixture> {
  const fixture = await open();
  fixture.seed([account(1)], [user(1), ...others]);
  await fixture.deliverUser(user(1), account(1));
  for (const each of others) {
    await fixture.deliverUser(each, account(1));
  }
  expect(await fixture.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": others.length });
  return fixture;
}

test("after a merge in Hull the survivor is delivered without waiting for a message, and Hull is told", async () => {
  const fixture = await openMet([twin(2)]);
  const [{ _id: id } = {}] = fixture.endusers();
  await deleteUser(fixture, user(1).id);
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ _id: id, position: "Director 2" }]);
  expect(fixture.profile("user", user(2).id)).toMatchObject({ "planhat/id": id, "planhat/position": "Director 2" });
  expect(await fixture.connector.store.view(fixture.lane, "endusers", [user(2).id])).toMatchObject([
    { record: { remoteId: id }, mirror: { linkedTo: user(2).id } },
  ]);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/sent/updated": 1 });
});

test("also after a restart, and only with the newest of what Hull said", async () => {
  const fixture = await openMet([twin(2)]);
  await fixture.deliverUser(twin(2, { position: "Founder", indexed_at: minute(1) }), account(1));
  await fixture.restart();
  await deleteUser(fixture, user(1).id);
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ position: "Founder" }]);
});

test("of several, the one that came first gets the record, and the next one when that is deleted as well", async () => {
  const fixture = await openMet([twin(2), twin(3)]);
  for (const number of [1, 2]) {
    await deleteUser(fixture, user(number).id);
    await fixture.settled();
    expect(fixture.endusers()).toMatchObject([{ position: `Director ${number + 1}` }]);
  }
  expect(await fixture.outcomes()).toMatchObject({
    "endusers/sent/updated": 2,
    "endusers/skipped/same_remote_record": 3,
  });
});

test("his events, which ended with him, are sent then", async () => {
  const fixture = await open({ settings: { contact_events: ["ALL"] } });
  fixture.seed([account(1)], [user(1), twin(2)]);
  await fixture.deliverUser(user(1), account(1));
  await fixture.deliverUser(twin(2), account(1), {
    events: [{ event: "Signed up", event_id: "event-1", created_at: minute(0), properties: {}, context: {} }],
  });
  expect(fixture.planhat.tenant().activities).toEqual([]);
  await deleteUser(fixture, user(1).id);
  await fixture.settled();
  expect(fixture.planhat.tenant().activities).toHaveLength(1);
  expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
});

test("who was left out for another reason meanwhile is left alone", async () => {
  const fixture = await openMet([twin(2)]);
  await fixture.deliverUser(twin(2, { email: null, indexed_at: minute(1) }), account(1));
  const before = fixture.written("endusers").length;
  await deleteUser(fixture, user(1).id);
  await fixture.settled();
  expect(fixture.written("endusers")).toHaveLength(before);
});

test("who was deleted himself is erased, and nothing is sent for him", async () => {
  const fixture = await openMet([twin(2)]);
  const before = fixture.written("endusers").length;
  await deleteUser(fixture, user(2).id);
  await deleteUser(fixture, user(1).id);
  await fixture.settled();
  expect(fixture.written("endusers")).toHaveLength(before);
  expect(await fixture.connector.store.lanes()).toEqual([]);
});

test("a record that is gone from Planhat is made once, for one of them", async () => {
  const fixture = await openMet([twin(2)]);
  const [{ _id: id } = {}] = fixture.endusers();
  fixture.planhat.tenant().remove("endusers", String(id));
  await fixture.tellUser(user(1, { position: "Buyer", indexed_at: minute(1) }), account(1));
  await fixture.settledWithHelp();
  expect(fixture.endusers()).toMatchObject([{ externalId: "person-1", position: "Buyer" }]);
  expect(await fixture.outcomes()).toMatchObject({ "endusers/skipped/same_remote_record": 2 });
});

test("an account that has the other one's former external id becomes a company of its own, and brings its users", async () => {
  const fixture = await open();
  const rival = account(3, { external_id: "acme-1", name: "Acme One" });
  fixture.seed([account(1), account(2), rival], [user(1)]);
  await fixture.deliverAccount(account(1));
  await fixture.tellAccount(rival);
  await fixture.tellUser(user(1), rival);
  await fixture.settled();
  expect(await fixture.outcomes()).toMatchObject({
    "companies/skipped/same_remote_record": 1,
    "endusers/dead/parent_skipped": 1,
  });
  await fixture.tellAccount(account(1, { external_id: "acme-9", name: "Acme 9", indexed_at: minute(1) }));
  await fixture.settledWithHelp();
  expect(fixture.companies().map(({ externalId, name }) => [externalId, name])).toEqual([
    ["acme-9", "Acme 9"],
    ["acme-1", "Acme One"],
  ]);
  expect(fixture.endusers()).toMatchObject([{ companyId: fixture.companies()[1]?.["_id"] }]);
});

test("it may be another connector of the same Planhat tenant that skipped him", async () => {
  const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
  const fixture = await open();
  fixture.hull.addConnector({ ...other, privateSettings: OPEN_SETTINGS });
  fixture.seed([account(1)], [user(1), twin(2)]);
  await fixture.deliverUser(user(1), account(1));
  const message = buildUserMessage(twin(2), { account: account(1) });
  await fixture.deliver("user:update", [message], { connectorId: other.id });
  await fixture.deliver("user:delete", [{ user: { id: user(1).id } }], { connectorId: CONNECTOR.id });
  expect(fixture.endusers()).toMatchObject([{ position: "Director 2" }]);
});
