/**
 * One scenario per behaviour, as data: what Planhat holds, what Hull says, and what is there afterwards.
 *
 * A folder has `settings.json` (the connector's `private_settings`), `planhat.json` (`{companies, endusers, users}` that
 * exist before), `notification.json` (one step or a list of them) and `expected.json`. Everything is compared exactly;
 * ids that the simulator makes up are written as `company:<external id>` and `enduser:<e-mail>`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CONNECTOR, openHouse, type House } from "../harness";
import type { Channel } from "../../simulators/hull";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { bag, hullState, list, namesOf, planhatState, seedHull, type Bag } from "./states";

/** A shipment of Hull's, a person's edit in Planhat, or new settings saved in Hull's dashboard. */
type Step =
  | { readonly channel: Channel; readonly is_export?: boolean; readonly messages: readonly unknown[] }
  | { readonly edit: "companies" | "endusers"; readonly id: string; readonly fields: Bag }
  | { readonly settings: Bag };

interface Seeds {
  readonly switches?: Partial<PlanhatSwitches>;
  readonly companies?: readonly Bag[];
  readonly endusers?: readonly Bag[];
  readonly users?: readonly Bag[];
  /** Records that Planhat refuses. */
  readonly refused?: readonly { readonly field: string; readonly value: unknown; readonly message: string }[];
}

interface Expected {
  readonly planhat: { readonly companies?: readonly Bag[]; readonly endusers?: readonly Bag[] };
  /** What Hull was told, by Hull id. */
  readonly hull: { readonly users?: Readonly<Record<string, Bag>>; readonly accounts?: Readonly<Record<string, Bag>> };
  /** `type/outcome/code`, one per message. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The same for companies that only their users brought along. */
  readonly derived?: Readonly<Record<string, number>>;
  /** Calls to Planhat by route. */
  readonly calls?: Readonly<Record<string, number>>;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

const folders = readdirSync(__dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

function read<T>(folder: string, file: string, otherwise: T): T {
  const path = join(__dirname, folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : otherwise;
}

let house: House;
afterEach(() => house.close());

test.each(folders)("%s", async (folder) => {
  const seeds = read<Seeds>(folder, "planhat.json", {});
  const expected = read<Expected | undefined>(folder, "expected.json", undefined);
  const story = read<Step | readonly Step[]>(folder, "notification.json", []);
  const steps = list(Array.isArray(story) ? story : [story]) as readonly Step[];
  if (expected === undefined) throw new Error(`${folder} expects nothing.`);

  house = await openHouse({ planhat: { switches: seeds.switches ?? {} } });
  house.hull.saveSettings(CONNECTOR.id, read<Bag>(folder, "settings.json", {}));
  const tenant = house.planhat.tenant();
  seeds.companies?.forEach((fields) => tenant.seedCompany(fields));
  seeds.endusers?.forEach((fields) => tenant.seedEnduser(fields));
  seeds.users?.forEach((fields) => tenant.seedUser(fields));
  seeds.refused?.forEach(({ field, value, message }) => house.planhat.poison({ field, value }, message));
  const seeded = new Set([...tenant.companies.keys(), ...tenant.endusers.keys(), ...tenant.users.keys()]);

  const messages: unknown[] = [];
  for (const step of steps) {
    if ("edit" in step) tenant.edit(step.edit, step.id, step.fields);
    else if ("settings" in step) house.hull.saveSettings(CONNECTOR.id, step.settings);
    else {
      messages.push(...step.messages);
      seedHull(house, step.messages);
      const report = await house.hull.send(house.url, {
        connectorId: CONNECTOR.id,
        channel: step.channel,
        messages: step.messages,
        isExport: step.is_export ?? false,
      });
      expect(report.messagesAccepted).toBe(step.messages.length);
    }
    await house.settled();
  }

  const snapshot = house.planhat.snapshot();
  const names = namesOf(snapshot, seeded);
  const tally = await house.connector.store.tally(house.tenantKey);
  expect({
    planhat: planhatState(snapshot, names),
    hull: hullState(house, names),
    outcomes: tally.outcomes,
    derived: ends(tally.derived),
  }).toEqual({
    planhat: { companies: [], endusers: [], ...expected.planhat },
    hull: { users: {}, accounts: {}, ...expected.hull },
    outcomes: expected.outcomes,
    derived: expected.derived ?? {},
  });
  if (expected.calls !== undefined) expect(callsByRoute()).toEqual(expected.calls);
  // A line is written just after what it tells of is stored; a restart waits for it.
  if (expected.logs !== undefined) await house.restart();
  if (expected.logs !== undefined) expect(inOrder(linesAboutRecords())).toEqual(inOrder(expected.logs));

  // Whatever the scenario is about: as many ends as messages, and nothing doubled or said twice.
  expect(sum(tally.outcomes)).toBe(new Set(messages.map((each) => bag(each)["message_id"])).size);
  expect(sum(ends(tally.derived))).toBe(tally.derived["companies"] ?? 0);
  expect(house.planhat.books.snapshot().duplicates).toEqual([]);
  expect(house.hull.books.snapshot().unresolvedItems).toBe(0);
});

/** Without the number of records that were begun. */
function ends(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => name.includes("/")));
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function callsByRoute(): Readonly<Record<string, number>> {
  const { requests } = house.planhat.books.snapshot();
  return Object.fromEntries(Object.entries(requests).map(([route, results]) => [route, sum(results)]));
}

function linesAboutRecords(): readonly Bag[] {
  const { host } = house.hull;
  return house.logs
    .filter(({ message }) => message.startsWith("outgoing."))
    .map(({ level, message, context, data }) => {
      expect(context).toMatchObject({ organization: host, id: CONNECTOR.id });
      const { outcome, code, reason, warnings } = data ?? {};
      return Object.fromEntries(
        Object.entries({
          level,
          event: message,
          of: context?.["user_id"] ?? context?.["account_id"],
          outcome,
          code,
          reason,
          warnings,
        }).filter(([, value]) => value !== undefined),
      );
    });
}

function inOrder(lines: readonly Bag[]): readonly Bag[] {
  const key = ({ of, event, code }: Bag): string => JSON.stringify([of, event, code]);
  return lines.toSorted((left, right) => key(left).localeCompare(key(right)));
}
