/** The newest state wins, whatever the order of arrival, and every message ends once. */
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, useFixtures, user } from "../fixture/fixture";

const open = useFixtures();

test("an older message that arrives after a newer one ends superseded and changes nothing", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await fixture.deliverUser(user(1, { position: "Buyer", indexed_at: minute(4) }), account(1));
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/superseded/newer_message": 1 });
});

test("an older message loses against a newer one that still waits", async () => {
  const fixture = await open();
  await fixture.together(async () => {
    await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
    await fixture.tellUser(user(1, { position: "Buyer", indexed_at: minute(4) }), account(1));
  });
  await fixture.settled();
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("a redelivery of an overtaken message ends superseded, and is not counted again", async () => {
  const fixture = await open();
  const first = user(1, { position: "Buyer", indexed_at: minute(1) });
  await fixture.deliverUser(first, account(1));
  await fixture.deliverUser(user(1, { position: "Director", indexed_at: minute(2) }), account(1));
  await fixture.deliverUser(first, account(1));
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1, "endusers/sent/updated": 1 });
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(2);
});

test("the version outlives the outbox entry and a restart", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1, { position: "Director", indexed_at: minute(5) }), account(1));
  await fixture.restart();
  await fixture.deliverUser(user(1, { position: "Buyer", indexed_at: minute(4) }), account(1));
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("versions are instants: the same moment in another notation is no older one", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1, { position: "Buyer", indexed_at: "2026-01-01T10:00:00Z" }), account(1));
  await fixture.deliverUser(user(1, { position: "Director", indexed_at: "2026-01-01T11:00:01+01:00" }), account(1));
  await fixture.deliverUser(user(1, { position: "Founder", indexed_at: "2026-01-01 09:59:59 UTC" }), account(1));
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("on a tie of versions the later arrival decides", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1, { position: "Buyer" }), account(1), { sequence: 1 });
  await fixture.deliverUser(user(1, { position: "Director" }), account(1), { sequence: 2 });
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("the account inside a user message may create its company but never updates one", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1, { name: "Acme", indexed_at: minute(1) }));
  await fixture.deliverUser(user(1, { indexed_at: minute(9) }), account(1, { name: "Stale", indexed_at: minute(9) }));
  expect(fixture.companies()).toMatchObject([{ name: "Acme" }]);
});

test("the account inside a user message supersedes no message of the account itself", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1, { name: "As the user saw it", indexed_at: minute(9) }));
  await fixture.deliverAccount(account(1, { name: "Acme", indexed_at: minute(1) }));
  expect(fixture.companies()).toMatchObject([{ name: "Acme" }]);
  expect(await fixture.outcomes()).toMatchObject({ "companies/sent/updated": 1 });
});

test("messages are outcomes: one each, for sent, unchanged, skipped, superseded, merged and unreadable ones", async () => {
  const fixture = await open();
  const say = (who: ReturnType<typeof user>, sequence = 0): unknown =>
    buildUserMessage(who, { account: account(1), sequence });
  const messages = [
    say(user(1)),
    say(user(1, { position: "Buyer", indexed_at: minute(1) })),
    say(user(2)),
    buildUserMessage(user(3), { sequence: 7 }),
    { user: { email: "nobody@example.com" }, message_id: "without-id" },
    "no message at all",
  ];
  await fixture.deliver("user:update", messages);
  await fixture.deliver("user:update", [say(user(2, { indexed_at: minute(3) })), say(user(1), 9)]);
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(8);
  expect(await fixture.outcomes()).toEqual({
    "endusers/sent/created": 2,
    "endusers/superseded/merged": 1,
    "endusers/skipped/missing_account": 1,
    "endusers/rejected/invalid_message": 2,
    "endusers/unchanged/in_sync": 1,
    "endusers/superseded/newer_message": 1,
  });
});

test("a shipment that is delivered three times counts once and is written once", async () => {
  const fixture = await open();
  const messages = [user(1), user(2)].map((each) => buildUserMessage(each, { account: account(1) }));
  for (let times = 0; times < 2; times += 1) {
    await fixture.send("user:update", messages, { notificationId: "11111111-2222-3333-4444-555555555555" });
  }
  await fixture.settled();
  await fixture.deliver("user:update", messages, { notificationId: "11111111-2222-3333-4444-555555555555" });
  expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(2);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
  expect(fixture.written("endusers")).toHaveLength(2);
});

test("of two messages that were dated ahead, a little and too far, the one that came last counts", async () => {
  const fixture = await open();
  const ahead = (seconds: number) => ({ indexed_at: new Date(Date.now() + seconds * 1_000).toISOString() });
  await fixture.deliverUser(user(1, { position: "Buyer", ...ahead(240) }), account(1));
  await fixture.deliverUser(user(1, { position: "Director", ...ahead(3_600) }), account(1));
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});
