/** A house with short words for what the rules speak of: people, companies, messages, and what was written. */
import type { Call } from "../../simulators/loopback";
import { buildAccountMessage, buildUserMessage, type Channel, type SendReport } from "../../simulators/hull";
import type { Lane } from "../../src/storage/port/store";
import { CONNECTOR, defineCustomFields, OPEN_SETTINGS, openHouse, type House, type HouseOptions } from "../harness";

type Attributes = Readonly<Record<string, unknown>>;
type UserParts = NonNullable<Parameters<typeof buildUserMessage>[1]>;
type AccountParts = NonNullable<Parameters<typeof buildAccountMessage>[1]>;

const START = Date.UTC(2026, 0, 1);

/** An instant, minutes after the beginning of the story. */
export const minute = (minutes: number): string => new Date(START + minutes * 60_000).toISOString();

const hexId = (kind: string, number: number): string => kind.padEnd(16, "0") + number.toString(16).padStart(8, "0");

/** The n-th account as Hull shows it. */
export function account(number: number, more: Attributes = {}): Attributes & { readonly id: string } {
  return {
    id: hexId("acc", number),
    external_id: `acme-${number}`,
    name: `Acme ${number}`,
    domain: `acme-${number}.example.com`,
    indexed_at: minute(0),
    ...more,
  };
}

/** The n-th user as Hull shows him. */
export function user(number: number, more: Attributes = {}): Attributes & { readonly id: string } {
  return {
    id: hexId("bee", number),
    external_id: `person-${number}`,
    email: `person-${number}@example.com`,
    name: `Person ${number}`,
    position: "Engineer",
    indexed_at: minute(0),
    ...more,
  };
}

/** So many users, the first of them the n-th. */
export const people = (count: number, from = 1): readonly ReturnType<typeof user>[] =>
  Array.from({ length: count }, (_, at) => user(at + from));

export interface SendMore {
  readonly connectorId?: string;
  readonly isExport?: boolean;
  readonly notificationId?: string;
  readonly envelope?: Attributes;
}

export interface Stage extends House {
  /** Every call that reached Planhat, in order. */
  readonly calls: readonly Call[];
  readonly lane: Lane;
  /** Puts people into Hull, so that what is told about them finds them. */
  seed(accounts: readonly Attributes[], users?: readonly Attributes[]): void;
  send(channel: Channel, messages: readonly unknown[], more?: SendMore): Promise<SendReport>;
  tellUser(user: Attributes, account: Attributes, parts?: UserParts & SendMore): Promise<void>;
  tellAccount(account: Attributes, parts?: AccountParts & SendMore): Promise<void>;
  /** Changes the connector's settings in Hull and tells the connector, as the dashboard does. */
  saveSettings(settings: Attributes): Promise<void>;
  /** What was asked to be written, item by item: bulk and single, creates and updates. */
  written(type: "companies" | "endusers"): readonly Attributes[];
  companies(): readonly Attributes[];
  endusers(): readonly Attributes[];
  /** What comes while this work is done waits, and is delivered together afterwards, however slow the machine is. */
  together(work: () => Promise<unknown>): Promise<void>;
  /** As `settled`, with a person who saves the settings again whenever the lane stands still. */
  settledWithHelp(): Promise<void>;
  /** Hull's view of one entity: attributes without prefix. */
  profile(kind: "user" | "account", id: string): Attributes;
  /** Resolves once the condition holds; throws when it never does. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
}

export async function openStage(options: HouseOptions = {}): Promise<Stage> {
  const house = await openHouse(options);
  const calls: Call[] = [];
  house.planhat.on("request", (call) => void calls.push(call));
  const settings = { ...OPEN_SETTINGS, ...options.settings };

  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let looks = 0; !(await condition()); looks += 1) {
      if (looks > 4_000) throw new Error("What was waited for never came.");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const send: Stage["send"] = (channel, messages, more = {}) => {
    // Hull shows the account that a user belongs to, so it holds that.
    for (const { user: who, account: company } of messages as readonly Partial<Record<string, { id?: unknown }>>[]) {
      const profile = house.hull.profiles.users.get(String(who?.id));
      if (profile !== undefined && typeof company?.id === "string") profile.account_id = company.id;
    }
    return house.hull.send(house.url, { connectorId: CONNECTOR.id, channel, messages, signed: false, ...more });
  };
  const accepted = async (report: Promise<SendReport>, count: number): Promise<void> => {
    expect((await report).messagesAccepted).toBe(count);
  };

  const lane: Lane = {
    remote: `${house.hull.host}|${house.planhat.url}/${settings.api_prefix}|${settings.tenant_id}`,
    tenant: house.tenantKey,
  };

  return {
    ...house,
    // Getters of the house, which a spread would freeze.
    get connector() {
      return house.connector;
    },
    get url() {
      return house.url;
    },
    get baseUrl() {
      return house.baseUrl;
    },
    get dataDir() {
      return house.dataDir;
    },
    calls,
    lane,
    seed: (accounts, users = []) => {
      const { profiles } = house.hull;
      for (const { id, external_id, domain, indexed_at: _, ...attributes } of accounts) {
        profiles.seedAccount({ ...texts({ id, external_id, domain }), attributes });
      }
      for (const { id, external_id, email, indexed_at: _, ...attributes } of users) {
        profiles.seedUser({ ...texts({ id, external_id, email }), attributes });
      }
    },
    send,
    tellUser: (who, company, parts = {}) =>
      accepted(send("user:update", [buildUserMessage(who, { account: company, ...parts })], pick(parts)), 1),
    tellAccount: (company, parts = {}) =>
      accepted(send("account:update", [buildAccountMessage(company, parts)], pick(parts)), 1),
    saveSettings: async (changed) => {
      const saved = { ...settings, ...changed };
      if (options.customFields === undefined) defineCustomFields(house.planhat, saved);
      house.hull.saveSettings(CONNECTOR.id, saved);
      const answer = await house.hull.sendOne(house.url, {
        connectorId: CONNECTOR.id,
        channel: "ship:update",
        messages: [],
        signed: false,
      });
      expect(answer.status).toBe(200);
    },
    written: (type) =>
      calls
        .filter(({ method, route }) => method !== "GET" && route.split("/")[1] === type)
        .flatMap(({ body, route, path }) => {
          const items = (Array.isArray(body) ? body : [body]) as readonly Attributes[];
          const id = route.endsWith("/:id") ? { _id: path.split("/").at(-1) } : {};
          return items.map((item) => ({ ...id, ...item }));
        }),
    companies: () => house.planhat.snapshot().companies,
    endusers: () => house.planhat.snapshot().endusers,
    together: async (work) => {
      const hold = { kind: "auth", message: "Not all of it is there.", sinceMs: 0, untilMs: Date.now() + 3_600_000 };
      await house.connector.store.pause(lane, "*", hold);
      await work();
      // The work may have put another connector in its place.
      await house.connector.lanes.release(lane);
    },
    settledWithHelp: () =>
      until(async () => {
        const { store, lanes } = house.connector;
        const waiting = await store.lanes();
        for (const lane of waiting) if ((await store.pauses(lane)).length > 0) await lanes.release(lane);
        return waiting.length === 0;
      }),
    profile: (kind, id) => {
      const { users, accounts } = house.hull.profiles;
      const found = (kind === "user" ? users : accounts).get(id);
      if (found === undefined) throw new Error(`Hull has no ${kind} ${id}.`);
      return found.attributes;
    },
    until,
  };
}

function texts(keys: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(keys).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function pick({ connectorId, isExport, notificationId, envelope }: SendMore): SendMore {
  return {
    ...(connectorId === undefined ? {} : { connectorId }),
    ...(isExport === undefined ? {} : { isExport }),
    ...(notificationId === undefined ? {} : { notificationId }),
    ...(envelope === undefined ? {} : { envelope }),
  };
}

/** Opens stages for the tests of a file and closes them after each test, when the books must balance. */
export function useStages(): (options?: HouseOptions) => Promise<Stage> {
  const opened: Stage[] = [];
  afterEach(async () => {
    for (const stage of opened.splice(0)) {
      try {
        await expectBalance(stage);
      } finally {
        // First what a call may still wait for.
        await stage.planhat.close();
        await stage.close();
      }
    }
  });
  return async (options) => {
    const stage = await openStage(options);
    opened.push(stage);
    return stage;
  };
}

/** Every message that was taken in has ended exactly once, unless something still waits; nobody was doubled. */
async function expectBalance({ connector, tenantKey, planhat }: Stage): Promise<void> {
  expect(planhat.books.snapshot().duplicates).toEqual([]);
  const { messages, outcomes } = await connector.store.tally(tenantKey);
  const ended = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  const waits = (await connector.store.lanes()).some((lane) => lane.tenant === tenantKey);
  if (waits) expect(ended).toBeLessThanOrEqual(messages);
  else expect(ended).toBe(messages);
}
