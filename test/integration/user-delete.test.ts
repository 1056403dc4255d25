/** `user:delete`: what is stored about a person is erased; accounts, other people and Planhat are left alone. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

/** Person 1 of Acme 1, delivered, unless something stood in the way. */
async function openWithOne(before: (fixture: Fixture) => unknown = () => undefined): Promise<Fixture> {
  const fixture = await open();
  fixture.seed([account(1)], [user(1)]);
  before(fixture);
  await fixture.tellUser(user(1), account(1));
  await fixture.settled();
  return fixture;
}

const remove = (fixture: Fixture, messages: readonly unknown[]) => fixture.send("user:delete", messages);
const known = async (fixture: Fixture, type: string, id: string) =>
  (await fixture.connector.store.view(fixture.lane, type, [id]))[0];

test("a delivered user is forgotten, and nobody else", async () => {
  const fixture = await open();
  fixture.seed([account(1)], [user(1), user(2)]);
  for (const number of [1, 2]) await fixture.tellUser(user(number), account(1));
  await fixture.settled();
  const report = await remove(fixture, [buildUserMessage(user(1), { account: account(1) })]);
  expect(report).toMatchObject({ messagesAccepted: 1, answers: [{ flow: { type: "next" } }] });
  expect(await known(fixture, "endusers", user(1).id)).toEqual({});
  expect(await known(fixture, "endusers", user(2).id)).toHaveProperty("mirror");
  expect(await known(fixture, "companies", account(1).id)).toHaveProperty("mirror");
  expect(fixture.endusers()).toHaveLength(2);
});

test("a dead letter goes with its person", async () => {
  const fixture = await openWithOne(({ planhat }) =>
    planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "no"),
  );
  expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toHaveLength(1);
  await remove(fixture, [{ user: { id: user(1).id } }]);
  expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toEqual([]);
});

test("what waits is not delivered, ends skipped, and its line names nobody", async () => {
  const fixture = await open();
  fixture.seed([account(1)], [user(1)]);
  await fixture.together(async () => {
    await fixture.tellUser(user(1), account(1));
    await remove(fixture, [{ user: { id: user(1).id } }]);
  });
  await fixture.settled();
  expect(fixture.endusers()).toEqual([]);
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/forgotten": 1 });
  const lines = fixture.logs.filter(({ data }) => data?.["code"] === "forgotten");
  expect(lines).toMatchObject([{ message: "outgoing.user.skip", context: { user_id: user(1).id } }]);
  expect(lines[0]?.context).not.toHaveProperty("user_email");
});

test("what waits of his events is not delivered either", async () => {
  const fixture = await open({ settings: { contact_events: ["ALL"] } });
  fixture.seed([account(1)], [user(1)]);
  await fixture.together(async () => {
    await fixture.tellUser(user(1), account(1), {
      events: [{ event: "Signed up", event_id: "event-1", created_at: minute(0), properties: {}, context: {} }],
    });
    await remove(fixture, [{ user: { id: user(1).id } }]);
  });
  await fixture.settled();
  expect(fixture.planhat.tenant().activities).toEqual([]);
});

test("a user who is being delivered leaves nothing behind", async () => {
  const fixture = await open();
  fixture.seed([account(1)], [user(1)]);
  let letThrough: () => void = () => undefined;
  const removed = new Promise<void>((resolve) => (letThrough = resolve));
  fixture.planhat.on("request", ({ route }) => (route === "PUT /endusers" ? removed : undefined));
  await fixture.tellUser(user(1), account(1));
  await fixture.until(() => fixture.written("endusers").length > 0);
  await remove(fixture, [{ user: { id: user(1).id } }]);
  letThrough();
  await fixture.until(
    async () => fixture.endusers().length > 0 && (await fixture.connector.store.lanes()).length === 0,
  );
  expect(await known(fixture, "endusers", user(1).id)).toEqual({});
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/forgotten": 1 });
});

test("somebody made anew in Hull is found in Planhat again, not doubled", async () => {
  const fixture = await openWithOne();
  await remove(fixture, [{ user: { id: user(1).id } }]);
  await fixture.tellUser({ ...user(1), position: "Director", indexed_at: minute(5) }, account(1));
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test.each([
  ["as a message of its own", { id: user(1).id }],
  ["by its id alone", { user_id: user(1).id }],
])("a user that is named %s is understood", async (_, message) => {
  const fixture = await openWithOne();
  await remove(fixture, [message]);
  expect(await known(fixture, "endusers", user(1).id)).toEqual({});
});

test("messages that name nobody are told to a person, and the others are carried out", async () => {
  const fixture = await openWithOne();
  const report = await remove(fixture, [{}, { user: {} }, { user: null }, { user: { id: user(1).id } }]);
  expect(report).toMatchObject({ messagesAccepted: 4, retries: 0 });
  expect(await known(fixture, "endusers", user(1).id)).toEqual({});
  expect(fixture.logs).toContainEqual(
    expect.objectContaining({
      level: "warn",
      message: "connector.forget.error",
      data: expect.objectContaining({ messages: 3 }) as unknown,
    }),
  );
});

test("an account's id forgets no account", async () => {
  const fixture = await open();
  fixture.seed([account(1)]);
  await fixture.tellAccount(account(1));
  await fixture.settled();
  await remove(fixture, [{ user: { id: account(1).id }, account: account(1) }]);
  expect(await known(fixture, "companies", account(1).id)).toHaveProperty("mirror");
});
