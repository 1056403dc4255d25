/** What happens in the demo, step by step, and what each step leaves behind in Hull. */
import {
  accountMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type ChangedPopulation,
  type Channel,
  type Population,
  type PopulationUser,
  type Profile,
} from "../../hull";
import type { FixtureEnvelope } from "./fixtures";
import type { PlanhatSimulator } from "../../planhat";
import type { Step, Volume } from "../demo";
import { count } from "../screen";
import type { Stage } from "../stage";

type PlanhatStage = Stage<PlanhatSimulator>;

export interface Play {
  readonly steps: readonly Step<PlanhatSimulator>[];
  /** Hull's people as they are meant to be in Planhat at the end. */
  readonly population: Population;
}

const USERS: Readonly<Record<Volume, number>> = { small: 400, full: 2_000 };
const USERS_OF_A_COMPANY = 20;
const CHANGED_PERCENT = 5;

/** Positions that Planhat refuses: the record alone, or the whole call that carries it. */
const REFUSED = { item: "Refused by Planhat", payload: "Spoils its whole call" } as const;

/** How the 1 % is broken: refused by Planhat, or never fit to be sent. */
const BROKEN = { item: 8, payload: 2, withoutEmail: 4, withoutExternalId: 3, withoutId: 3 } as const;

/** @param fixtures notifications of other installations, played first */
export function createPlay(fixtures: readonly FixtureEnvelope[], volume: Volume): Play {
  const users = USERS[volume];
  const companies = users / USERS_OF_A_COMPANY;
  const first = generatePopulation({ users, companies });
  const second = changePopulation(first, { percent: CHANGED_PERCENT, accountPercent: CHANGED_PERCENT });
  const third = changePopulation(second.population, { percent: CHANGED_PERCENT, round: 2 });
  const broken = brokenMessages(third);

  const steps: readonly Step<PlanhatSimulator>[] = [
    {
      title: `Real notifications of Hull, from ${fixtures.length} files`,
      name: "real notifications",
      messages: fixtures.reduce((sum, { messages }) => sum + messages.length, 0),
      play: (stage) => inTurn(fixtures, (envelope) => sendFixture(stage, envelope)),
    },
    {
      title: `${count(users)} users of ${companies} companies, for the first time`,
      name: "first time",
      messages: users,
      async play(stage) {
        seedProfiles(first, stage.hull.profiles);
        return stage.send({ channel: "user:update", messages: userMessages(first) });
      },
    },
    {
      title: `The ${companies} accounts of these users`,
      name: "their accounts",
      messages: companies,
      play: (stage) => stage.send({ channel: "account:update", messages: accountMessages(first) }),
    },
    {
      title: "Everybody again, since our own write-back changed the profiles",
      name: "everybody unchanged",
      messages: users + companies,
      async play(stage) {
        const accounts = await sendProfiles(stage, "account:update", first.accounts);
        return accounts + (await sendProfiles(stage, "user:update", first.users));
      },
    },
    {
      title: `${CHANGED_PERCENT} % of the users and accounts change`,
      name: `${CHANGED_PERCENT} % changed`,
      messages: second.changedUsers.length + second.changedAccounts.length,
      async play(stage) {
        const accounts = await sendChanges(stage, "account:update", "phase", second.changedAccounts);
        return accounts + (await sendChanges(stage, "user:update", "position", second.changedUsers));
      },
    },
    {
      title: `${CHANGED_PERCENT} % change again, and 1 % is broken on purpose`,
      name: `${CHANGED_PERCENT} % changed, 1 % broken`,
      messages: third.changedUsers.length + broken.length,
      play: (stage) => sendBroken(stage, third, broken),
    },
  ];
  return { steps, population: third.population };
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<number>): Promise<number> {
  let sum = 0;
  for (const item of items) sum += await work(item);
  return sum;
}

/** The profiles of the fixtures are made known to Hull, so that it can take what it is told about them. */
function sendFixture(
  stage: PlanhatStage,
  { channel, notificationId, messages, rest }: FixtureEnvelope,
): Promise<number> {
  const { profiles } = stage.hull;
  for (const { user, account } of messages) {
    if (typeof user["id"] === "string" && !profiles.users.has(user["id"])) profiles.seedUser(keysOf(user));
    if (typeof account["id"] === "string" && !profiles.accounts.has(account["id"]))
      profiles.seedAccount(keysOf(account));
  }
  return stage.send({
    channel,
    notificationId,
    messages,
    envelope: rest,
    shipmentSize: Math.max(1, messages.length),
  });
}

function keysOf(entity: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = ["id", "external_id", "email", "domain"];
  return Object.fromEntries(
    names.flatMap((name) => (typeof entity[name] === "string" ? [[name, entity[name]] as const] : [])),
  );
}

interface Identified {
  readonly id: string;
}

/** Messages of profiles as Hull holds them by now, `planhat/id` and all. */
function sendProfiles(stage: PlanhatStage, channel: Channel, entities: readonly Identified[]): Promise<number> {
  return stage.send({ channel, messages: entities.map(({ id }) => messageOf(stage, channel, id)) });
}

function messageOf({ hull }: PlanhatStage, channel: Channel, id: string, changes = {}): Record<string, unknown> {
  const parts = { changes };
  return channel === "user:update"
    ? { ...hull.userMessage(profileOf(hull.profiles.users, id), parts) }
    : { ...hull.accountMessage(profileOf(hull.profiles.accounts, id), parts) };
}

function profileOf(shelf: ReadonlyMap<string, Profile>, id: string): Profile {
  const profile = shelf.get(id);
  if (profile === undefined) throw new Error(`Hull has no profile ${id}.`);
  return profile;
}

interface Change {
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Identified & Readonly<Record<string, unknown>>;
}

/** Changes one attribute in Hull's profiles and makes the messages that follow from it. */
function changedMessages(stage: PlanhatStage, channel: Channel, attribute: string, changes: readonly Change[]) {
  const { users, accounts } = stage.hull.profiles;
  const entity = channel === "user:update" ? "user" : "account";
  return changes.map(({ before, after }) => {
    const profile = profileOf(entity === "user" ? users : accounts, after.id);
    stage.hull.profiles.merge(profile, { [attribute]: after[attribute] });
    return messageOf(stage, channel, after.id, { [entity]: { [attribute]: [before[attribute], after[attribute]] } });
  });
}

function sendChanges(
  stage: PlanhatStage,
  channel: Channel,
  attribute: string,
  changes: readonly Change[],
): Promise<number> {
  return stage.send({ channel, messages: changedMessages(stage, channel, attribute, changes) });
}

/** One user to break, and how. */
interface Broken {
  readonly user: PopulationUser;
  readonly how: keyof typeof BROKEN;
}

/** Users that do not change in this round, so that what Planhat holds of them must stay as it is. */
function brokenMessages({ population, changedUsers }: ChangedPopulation): readonly Broken[] {
  const changed = new Set(changedUsers.map(({ after }) => after.id));
  const left = population.users.filter(({ id }) => !changed.has(id));
  const ways = Object.entries(BROKEN).flatMap(([how, times]) =>
    Array.from({ length: times }, () => how as keyof typeof BROKEN),
  );
  return ways.flatMap((how, index) => {
    const user = left[index * 7];
    return user === undefined ? [] : [{ user, how }];
  });
}

/** Healthy changes and broken messages in the same shipments. */
function sendBroken(
  stage: PlanhatStage,
  { changedUsers }: ChangedPopulation,
  broken: readonly Broken[],
): Promise<number> {
  for (const mode of ["item", "payload"] as const) {
    const value = REFUSED[mode];
    stage.simulator.poison({ type: "endusers", field: "position", value }, `position "${value}" is not allowed`, mode);
  }
  const healthy = changedMessages(stage, "user:update", "position", changedUsers);
  const spoilt = broken.map(({ user, how }) => {
    if (how !== "item" && how !== "payload") return damaged(messageOf(stage, "user:update", user.id), how);
    const after = { ...user, position: REFUSED[how] };
    return changedMessages(stage, "user:update", "position", [{ before: user, after }])[0];
  });
  const middle = healthy.length / 2;
  const messages = [...healthy.slice(0, middle), ...spoilt, ...healthy.slice(middle)];
  return stage.send({ channel: "user:update", messages });
}

function damaged(message: Record<string, unknown>, how: "withoutEmail" | "withoutExternalId" | "withoutId"): unknown {
  const { user, account } = message as { user: Record<string, unknown>; account: Record<string, unknown> };
  const message_id = `${String(message["message_id"])}-${how}`;
  switch (how) {
    case "withoutEmail":
      return { ...message, message_id, user: { ...user, email: null } };
    case "withoutExternalId":
      return { ...message, message_id, account: { ...account, external_id: null } };
    case "withoutId":
      return { ...message, message_id, user: { ...user, id: undefined } };
  }
}
