/** A notification that comes again while it is still being processed is processed once, and both get the same answer. */
import { CONNECTOR, openFixture, type Bag, type Fixture } from "../fixture/fixture";
import type { Answer } from "../fixture/post";
import { bag } from "../fixture/states";
import { goodNotification, goodUser, tell, withField, type Notification } from "./bad-input";
import { until } from "../fixture/until";

let fixture: Fixture;
/** How often it was answered whether a notification's id is free: what follows happens in the same turn. */
let looked: number;
/** Batches of messages that were about to be taken in. */
let taken: number;
let release: () => void;
let failure: Error | undefined;

beforeEach(async () => {
  fixture = await openFixture();
  // Known credentials and settings: from here on nothing but the notification itself is worked on.
  expect((await tell(fixture, goodNotification(fixture))).status).toBe(200);
  await fixture.settled();
  looked = 0;
  taken = 0;
  failure = undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { store } = fixture.connector;
  const look = store.mayUseNotification.bind(store);
  jest.spyOn(store, "mayUseNotification").mockImplementation(async (...given) => {
    const owned = await look(...given);
    looked += 1;
    return owned;
  });
  const under = store.under.bind(store);
  jest.spyOn(store, "under").mockImplementation((terms) => {
    const own = under(terms);
    const accept: typeof own.accept = async (...given) => {
      taken += 1;
      await held;
      if (failure !== undefined) throw failure;
      return own.accept(...given);
    };
    return { ...own, accept };
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await fixture.close();
});

/** Posts them one after the other, each while the former are worked on; the work goes on when the last is there. */
async function together(...notifications: readonly Notification[]): Promise<readonly Answer[]> {
  const answers: Promise<Answer>[] = [];
  for (const notification of notifications) {
    answers.push(tell(fixture, notification));
    await until(() => looked === answers.length && taken > 0);
  }
  release();
  return Promise.all(answers);
}

const newUsers = async (): Promise<number> => {
  await fixture.settled();
  return fixture.planhat.snapshot().endusers.length - 1;
};

test("a repetition waits for what the first comes to, and the next one is worked on as any other", async () => {
  const notification = goodNotification(fixture, [goodUser(), goodUser()]);
  const again = { ...notification, kraken: { retries: 1 } };
  const [first, ...others] = await together(notification, again, { ...again, kraken: { retries: 2 } });
  expect(first).toMatchObject({ status: 200, body: { flow_control: { type: "next" } } });
  for (const other of others) expect(other).toEqual(first);
  expect(taken).toBe(1);
  expect((await tell(fixture, again)).status).toBe(200);
  expect(taken).toBe(2);
  expect(await newUsers()).toBe(2);
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(3);
});

test("a failure is given to both, and is forgotten with that", async () => {
  const notification = goodNotification(fixture);
  failure = new Error("The disk is full.");
  const answers = await together(notification, notification);
  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { code: "internal" }, flow_control: { type: "retry" } },
    });
  }
  expect(taken).toBe(1);
  failure = undefined;
  expect((await tell(fixture, notification)).status).toBe(200);
  expect(taken).toBe(2);
  expect(await newUsers()).toBe(1);
});

const renamed = (message: unknown): Bag => withField(bag(message), "user.name", "Somebody");

test.each<[string, (notification: Notification) => Notification]>([
  ["another message", (each) => ({ ...each, messages: [goodUser()] })],
  ["a message more", (each) => ({ ...each, messages: [...each.messages, goodUser()] })],
  ["another attribute", ({ messages, ...rest }) => ({ ...rest, messages: messages.map(renamed) })],
  ["other settings", (each) => withField(each, "connector.private_settings.tenant_id", "another")],
  ["an export", (each) => ({ ...each, is_export: true })],
])("what says something else under the same id is worked on by itself: %s", async (_name, changed) => {
  const notification = goodNotification(fixture);
  const other = changed(notification);
  const answers = await together(notification, other, other);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(taken).toBe(3);
  const ids = [notification, other].flatMap(({ messages }) =>
    messages.map((each) => Reflect.get(Object(each), "message_id") as string),
  );
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(1 + new Set(ids).size);
});

test("nobody else's notification is waited for, whatever its id", async () => {
  const other = { id: "5f0000000000000000000009", secret: "connector-secret-0009" };
  fixture.hull.addConnector({ ...other, privateSettings: fixture.hull.connector(CONNECTOR.id)["private_settings"] });
  const notification = goodNotification(fixture);
  const theirs = {
    ...goodNotification(fixture, notification.messages, other.id),
    notification_id: notification.notification_id,
  };
  const answers = await together(notification, theirs);
  expect(answers.map(({ status }) => status)).toEqual([200, 401]);
});

test("a connector that is erased meanwhile keeps nothing of a notification, which is to come again", async () => {
  const { connector, tenantKey, settled } = fixture;
  const notification = goodNotification(fixture, [goodUser()]);
  const answer = tell(fixture, notification);
  await until(() => taken > 0);
  await connector.engine("planhat").forget(tenantKey);
  release();
  expect(await answer).toMatchObject({
    status: 503,
    body: { flow_control: { type: "retry" }, error: { code: "connector_erased" } },
  });
  expect(await connector.store.lanes()).toEqual([]);
  expect((await connector.store.tally(tenantKey)).messages).toBe(0);
  // Hull still has it.
  expect((await tell(fixture, { ...notification, kraken: { retries: 1 } })).status).toBe(200);
  await settled();
});
