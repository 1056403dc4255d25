/** `user:delete`: what is stored about a person is erased; accounts, other people and Planhat are left alone. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, user, useStages, type Stage } from "../rules/stage";

const open = useStages();

/** Person 1 of Acme 1, delivered, unless something stood in the way. */
async function openWithOne(before: (stage: Stage) => unknown = () => undefined): Promise<Stage> {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  before(stage);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  return stage;
}

const remove = (stage: Stage, messages: readonly unknown[]) => stage.send("user:delete", messages);
const known = async (stage: Stage, type: string, id: string) =>
  (await stage.connector.store.view(stage.lane, type, [id]))[0];

test("a delivered user is forgotten, and nobody else", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1), user(2)]);
  for (const number of [1, 2]) await stage.tellUser(user(number), account(1));
  await stage.settled();
  const report = await remove(stage, [buildUserMessage(user(1), { account: account(1) })]);
  expect(report).toMatchObject({ messagesAccepted: 1, answers: [{ flow: { type: "next" } }] });
  expect(await known(stage, "endusers", user(1).id)).toEqual({});
  expect(await known(stage, "endusers", user(2).id)).toHaveProperty("mirror");
  expect(await known(stage, "companies", account(1).id)).toHaveProperty("mirror");
  expect(stage.endusers()).toHaveLength(2);
});

test("a dead letter goes with its person", async () => {
  const stage = await openWithOne(({ planhat }) =>
    planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "no"),
  );
  expect(await stage.connector.store.deadLettersOf(stage.lane)).toHaveLength(1);
  await remove(stage, [{ user: { id: user(1).id } }]);
  expect(await stage.connector.store.deadLettersOf(stage.lane)).toEqual([]);
});

test("what waits is not delivered, ends skipped, and its line names nobody", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.together(async () => {
    await stage.tellUser(user(1), account(1));
    await remove(stage, [{ user: { id: user(1).id } }]);
  });
  await stage.settled();
  expect(stage.endusers()).toEqual([]);
  expect(await stage.outcomes()).toEqual({ "endusers/skipped/forgotten": 1 });
  const lines = stage.logs.filter(({ data }) => data?.["code"] === "forgotten");
  expect(lines).toMatchObject([{ message: "outgoing.user.skip", context: { user_id: user(1).id } }]);
  expect(lines[0]?.context).not.toHaveProperty("user_email");
});

test("what waits of his events is not delivered either", async () => {
  const stage = await open({ settings: { contact_events: ["ALL"] } });
  stage.seed([account(1)], [user(1)]);
  await stage.together(async () => {
    await stage.tellUser(user(1), account(1), {
      events: [{ event: "Signed up", event_id: "event-1", created_at: minute(0), properties: {}, context: {} }],
    });
    await remove(stage, [{ user: { id: user(1).id } }]);
  });
  await stage.settled();
  expect(stage.planhat.tenant().activities).toEqual([]);
});

test("a user who is being delivered leaves nothing behind", async () => {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  let letThrough: () => void = () => undefined;
  const removed = new Promise<void>((resolve) => (letThrough = resolve));
  stage.planhat.on("request", ({ route }) => (route === "PUT /endusers" ? removed : undefined));
  await stage.tellUser(user(1), account(1));
  await stage.until(() => stage.written("endusers").length > 0);
  await remove(stage, [{ user: { id: user(1).id } }]);
  letThrough();
  await stage.until(async () => stage.endusers().length > 0 && (await stage.connector.store.lanes()).length === 0);
  expect(await known(stage, "endusers", user(1).id)).toEqual({});
  expect(await stage.outcomes()).toEqual({ "endusers/skipped/forgotten": 1 });
});

test("somebody made anew in Hull is found in Planhat again, not doubled", async () => {
  const stage = await openWithOne();
  await remove(stage, [{ user: { id: user(1).id } }]);
  await stage.tellUser({ ...user(1), position: "Director", indexed_at: minute(5) }, account(1));
  await stage.settled();
  expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
});

test.each([
  ["as a message of its own", { id: user(1).id }],
  ["by its id alone", { user_id: user(1).id }],
])("a user that is named %s is understood", async (_, message) => {
  const stage = await openWithOne();
  await remove(stage, [message]);
  expect(await known(stage, "endusers", user(1).id)).toEqual({});
});

test("messages that name nobody are told to a person, and the others are carried out", async () => {
  const stage = await openWithOne();
  const report = await remove(stage, [{}, { user: {} }, { user: null }, { user: { id: user(1).id } }]);
  expect(report).toMatchObject({ messagesAccepted: 4, retries: 0 });
  expect(await known(stage, "endusers", user(1).id)).toEqual({});
  expect(stage.logs).toContainEqual(
    expect.objectContaining({
      level: "warn",
      message: "connector.forget.error",
      data: expect.objectContaining({ messages: 3 }) as unknown,
    }),
  );
});

test("an account's id forgets no account", async () => {
  const stage = await open();
  stage.seed([account(1)]);
  await stage.tellAccount(account(1));
  await stage.settled();
  await remove(stage, [{ user: { id: account(1).id }, account: account(1) }]);
  expect(await known(stage, "companies", account(1).id)).toHaveProperty("mirror");
});
