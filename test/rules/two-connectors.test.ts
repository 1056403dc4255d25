/** Two connectors of one organization that write to one Planhat tenant: each goes by what it sent itself. */
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { account, CONNECTOR, minute, OPEN_SETTINGS, people, useFixtures, user, type Fixture } from "../fixture/fixture";
import { ask } from "../integration/asking";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import { makeFormatThree } from "../unit/storage/format-three";

const open = useFixtures();
const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const PEOPLE = 5;

/** The first one's mapping, with the position from another attribute. */
const OTHER_SETTINGS = {
  ...OPEN_SETTINGS,
  contact_attributes_outbound: OPEN_SETTINGS.contact_attributes_outbound.map((row) =>
    row.service_field_name === "position" ? { ...row, hull_field_name: "traits_title" } : row,
  ),
};

async function openTwo(others: Readonly<Record<string, unknown>> = OTHER_SETTINGS): Promise<Fixture> {
  const fixture = await open();
  fixture.hull.addConnector({ ...OTHER, privateSettings: others });
  fixture.seed(
    [account(1)],
    people(PEOPLE).map((each) => ({ ...each, account_id: account(1).id, title: "Dr." })),
  );
  for (const each of fixture.hull.profiles.users.values()) each.account_id = account(1).id;
  return fixture;
}

/** Hull tells both of everybody, as it does whenever an attribute of them changes. */
async function tellBoth(fixture: Fixture, round: number, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  for (const { id } of [CONNECTOR, OTHER]) {
    const messages = [...fixture.hull.profiles.users.values()].map((profile) => {
      Object.assign(profile.attributes, more);
      const message = fixture.hull.userMessage(profile);
      return { ...message, user: { ...message.user, indexed_at: minute(round) } };
    });
    const report = await fixture.send("user:update", messages, { connectorId: id });
    expect(report.messagesAccepted).toBe(PEOPLE);
    await fixture.settled();
  }
}

/** Values of a field that were sent, in the order of the requests. */
const sent = (fixture: Fixture, field: string): readonly unknown[] =>
  fixture.written("endusers").flatMap((item) => (field in item ? [item[field]] : []));

const positions = (fixture: Fixture): readonly unknown[] => fixture.endusers().map((each) => each["position"]);

test("that fill one field from different attributes come to rest: no write after the second round", async () => {
  const fixture = await openTwo();
  await tellBoth(fixture, 1);
  await tellBoth(fixture, 2);
  const written = fixture.written("endusers").length;
  expect(new Set(sent(fixture, "position"))).toEqual(new Set(["Engineer", "Dr."]));
  for (const round of [3, 4, 5]) await tellBoth(fixture, round);
  expect(fixture.written("endusers")).toHaveLength(written);
  expect(positions(fixture)).toEqual(Array(PEOPLE).fill("Dr."));
  expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Dr." });
});

test("a new value in Hull is sent by the one that maps it, over what the other one wrote", async () => {
  const fixture = await openTwo();
  await tellBoth(fixture, 1);
  await tellBoth(fixture, 2, { position: "Director" });
  expect(positions(fixture)).toEqual(Array(PEOPLE).fill("Director"));
  const written = fixture.written("endusers").length;
  await tellBoth(fixture, 3);
  expect(fixture.written("endusers")).toHaveLength(written);
});

test("that fill one field from different attributes say so in the status of both", async () => {
  const fixture = await openTwo();
  expect((await ask(fixture, "/status")).body).toEqual({ status: "ok", messages: [] });
  await tellBoth(fixture, 1);
  for (const [{ id, secret }, theirs, here, there] of [
    [CONNECTOR, OTHER, "user.position", "user.title"],
    [OTHER, CONNECTOR, "user.title", "user.position"],
  ] as const) {
    const { body } = await ask(fixture, "/status", { ship: id, secret });
    expect(body).toMatchObject({ status: "warning" });
    expect(body["messages"]).toEqual([expect.stringContaining(`position (here from ${here}, there from ${there})`)]);
    expect(JSON.stringify(body)).toContain(theirs.id);
  }
});

test("on a store of the version before, nobody's edit is overwritten by the one that did not send last", async () => {
  const fixture = await openTwo(OPEN_SETTINGS);
  await tellBoth(fixture, 1);
  for (const { _id } of fixture.endusers()) {
    fixture.planhat.tenant().edit("endusers", String(_id), { position: "Captain" });
  }
  await fixture.stopped(() => makeFormatThree(join(fixture.dataDir, "store")));
  const written = fixture.written("endusers").length;
  await fixture.fetchBoth();
  await tellBoth(fixture, 2);
  expect(fixture.written("endusers")).toHaveLength(written);
  expect(positions(fixture)).toEqual(Array(PEOPLE).fill("Captain"));
});

describe("of one change, of which both are told with the same date,", () => {
  const tellEach = async (fixture: Fixture, who: ReturnType<typeof user>): Promise<void> => {
    for (const [sequence, { id }] of [CONNECTOR, OTHER].entries()) {
      const message = buildUserMessage(who, { account: account(1), sequence });
      await fixture.deliver("user:update", [message], { connectorId: id });
    }
  };
  const WITHOUT_POSITION = {
    ...OPEN_SETTINGS,
    contact_attributes_outbound: OPEN_SETTINGS.contact_attributes_outbound.slice(0, 3),
  };

  test("what one of them could not deliver is not outdated for the other's sake", async () => {
    const fixture = await openTwo(WITHOUT_POSITION);
    const heal = fixture.planhat.poison((fields) => JSON.stringify(fields).includes("Engineer"), "No.");
    await tellEach(fixture, user(1));
    heal();
    const { store } = fixture.connector;
    const [deadLetter] = await store.deadLettersOf(fixture.lane);
    if (deadLetter === undefined) throw new Error("It was refused.");
    expect(await store.replayDeadLetter(deadLetterId(deadLetter))).toMatchObject([{ state: "queued" }]);
    await fixture.connector.deliveryWorker.release(fixture.lane);
    await fixture.settled();
    expect(positions(fixture)).toEqual(["Engineer"]);
  });

  test("whoever was skipped is taken up again by both", async () => {
    const twin = user(2, { external_id: null, email: user(1)["email"], position: "Director", phone: "0049 30 2" });
    const phone = { hull_field_name: "traits_phone", service_field_name: "phone" };
    const rows = [...WITHOUT_POSITION.contact_attributes_outbound, phone];
    const fixture = await openTwo({ ...WITHOUT_POSITION, contact_attributes_outbound: rows });
    await tellEach(fixture, user(1));
    await tellEach(fixture, twin);
    for (const { id } of [CONNECTOR, OTHER]) {
      await fixture.deliver("user:delete", [{ user: { id: user(1).id } }], { connectorId: id });
    }
    expect(fixture.endusers()).toMatchObject([{ position: "Director", phone: "0049 30 2" }]);
  });
});
