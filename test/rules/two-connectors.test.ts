/** Two connectors of one organization that write to one Planhat tenant: each goes by what it sent itself. */
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { CONNECTOR, OPEN_SETTINGS } from "../harness";
import { ask } from "../integration/asking";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import { makeFormatThree } from "../unit/storage/format-three";
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, people, user, type Stage } from "./stage";

const open = useFetching();
const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const PEOPLE = 5;

/** The first one's mapping, with the position from another attribute. */
const OTHER_SETTINGS = {
  ...OPEN_SETTINGS,
  contact_attributes_outbound: OPEN_SETTINGS.contact_attributes_outbound.map((row) =>
    row.service_field_name === "position" ? { ...row, hull_field_name: "traits_title" } : row,
  ),
};

async function openTwo(others: Readonly<Record<string, unknown>> = OTHER_SETTINGS): Promise<FetchStage> {
  const stage = await open();
  stage.hull.addConnector({ ...OTHER, privateSettings: others });
  stage.seed(
    [account(1)],
    people(PEOPLE).map((each) => ({ ...each, account_id: account(1).id, title: "Dr." })),
  );
  for (const each of stage.hull.profiles.users.values()) each.account_id = account(1).id;
  return stage;
}

/** Hull tells both of everybody, as it does whenever an attribute of them changes. */
async function tellBoth(stage: Stage, round: number, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  for (const { id } of [CONNECTOR, OTHER]) {
    const messages = [...stage.hull.profiles.users.values()].map((profile) => {
      Object.assign(profile.attributes, more);
      const message = stage.hull.userMessage(profile);
      return { ...message, user: { ...message.user, indexed_at: minute(round) } };
    });
    const report = await stage.send("user:update", messages, { connectorId: id });
    expect(report.messagesAccepted).toBe(PEOPLE);
    await stage.settled();
  }
}

/** Values of a field that were sent, in the order of the requests. */
const sent = (stage: Stage, field: string): readonly unknown[] =>
  stage.written("endusers").flatMap((item) => (field in item ? [item[field]] : []));

const positions = (stage: Stage): readonly unknown[] => stage.endusers().map((each) => each["position"]);

test("that fill one field from different attributes come to rest: no write after the second round", async () => {
  const stage = await openTwo();
  await tellBoth(stage, 1);
  await tellBoth(stage, 2);
  const written = stage.written("endusers").length;
  expect(new Set(sent(stage, "position"))).toEqual(new Set(["Engineer", "Dr."]));
  for (const round of [3, 4, 5]) await tellBoth(stage, round);
  expect(stage.written("endusers")).toHaveLength(written);
  expect(positions(stage)).toEqual(Array(PEOPLE).fill("Dr."));
  expect(stage.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Dr." });
});

test("a new value in Hull is sent by the one that maps it, over what the other one wrote", async () => {
  const stage = await openTwo();
  await tellBoth(stage, 1);
  await tellBoth(stage, 2, { position: "Director" });
  expect(positions(stage)).toEqual(Array(PEOPLE).fill("Director"));
  const written = stage.written("endusers").length;
  await tellBoth(stage, 3);
  expect(stage.written("endusers")).toHaveLength(written);
});

test("that fill one field from different attributes say so in the status of both", async () => {
  const stage = await openTwo();
  expect((await ask(stage, "/status")).body).toEqual({ status: "ok", messages: [] });
  await tellBoth(stage, 1);
  for (const [{ id, secret }, theirs, here, there] of [
    [CONNECTOR, OTHER, "user.position", "user.title"],
    [OTHER, CONNECTOR, "user.title", "user.position"],
  ] as const) {
    const { body } = await ask(stage, "/status", { ship: id, secret });
    expect(body).toMatchObject({ status: "warning" });
    expect(body["messages"]).toEqual([expect.stringContaining(`position (here from ${here}, there from ${there})`)]);
    expect(JSON.stringify(body)).toContain(theirs.id);
  }
});

test("on a store of the version before, nobody's edit is overwritten by the one that did not send last", async () => {
  const stage = await openTwo(OPEN_SETTINGS);
  await tellBoth(stage, 1);
  for (const { _id } of stage.endusers()) {
    stage.planhat.tenant().edit("endusers", String(_id), { position: "Captain" });
  }
  await stage.stopped(() => makeFormatThree(join(stage.dataDir, "store")));
  const written = stage.written("endusers").length;
  await stage.fetchBoth();
  await tellBoth(stage, 2);
  expect(stage.written("endusers")).toHaveLength(written);
  expect(positions(stage)).toEqual(Array(PEOPLE).fill("Captain"));
});

describe("of one change, of which both are told with the same date,", () => {
  const tellEach = async (stage: Stage, who: ReturnType<typeof user>): Promise<void> => {
    for (const [sequence, { id }] of [CONNECTOR, OTHER].entries()) {
      const message = buildUserMessage(who, { account: account(1), sequence });
      await stage.send("user:update", [message], { connectorId: id });
      await stage.settled();
    }
  };
  const WITHOUT_POSITION = {
    ...OPEN_SETTINGS,
    contact_attributes_outbound: OPEN_SETTINGS.contact_attributes_outbound.slice(0, 3),
  };

  test("what one of them could not deliver is not outdated for the other's sake", async () => {
    const stage = await openTwo(WITHOUT_POSITION);
    const heal = stage.planhat.poison((fields) => JSON.stringify(fields).includes("Engineer"), "No.");
    await tellEach(stage, user(1));
    heal();
    const { store } = stage.connector;
    const [letter] = await store.deadLettersOf(stage.lane);
    if (letter === undefined) throw new Error("It was refused.");
    expect(await store.replayDeadLetter(deadLetterId(letter))).toMatchObject([{ state: "queued" }]);
    await stage.connector.lanes.release(stage.lane);
    await stage.settled();
    expect(positions(stage)).toEqual(["Engineer"]);
  });

  test("whoever was skipped is taken up again by both", async () => {
    const twin = user(2, { external_id: null, email: user(1)["email"], position: "Director", phone: "0049 30 2" });
    const phone = { hull_field_name: "traits_phone", service_field_name: "phone" };
    const rows = [...WITHOUT_POSITION.contact_attributes_outbound, phone];
    const stage = await openTwo({ ...WITHOUT_POSITION, contact_attributes_outbound: rows });
    await tellEach(stage, user(1));
    await tellEach(stage, twin);
    for (const { id } of [CONNECTOR, OTHER]) {
      await stage.send("user:delete", [{ user: { id: user(1).id } }], { connectorId: id });
      await stage.settled();
    }
    expect(stage.endusers()).toMatchObject([{ position: "Director", phone: "0049 30 2" }]);
  });
});
