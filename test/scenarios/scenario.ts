/** A scenario's folder as it is played: a fixture with what Planhat holds, and one step after the other. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Channel } from "../../simulators/hull";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { CONNECTOR, openFixture, type Bag, type Fixture } from "../fixture/fixture";
import { list } from "../fixture/states";

export interface Shipment {
  readonly channel: Channel;
  readonly is_export?: boolean;
  readonly messages: readonly unknown[];
}

/** A shipment of Hull's, a person's edit in Planhat, or new settings saved in Hull's dashboard. */
type Step =
  | Shipment
  | { readonly edit: "companies" | "endusers"; readonly id: string; readonly fields: Bag }
  | { readonly settings: Bag };

interface Seeds {
  readonly switches?: Partial<PlanhatSwitches>;
  readonly companies?: readonly Bag[];
  readonly endusers?: readonly Bag[];
  readonly users?: readonly Bag[];
  readonly customFields?: readonly Bag[];
  /** Records that Planhat refuses. */
  readonly refused?: readonly { readonly field: string; readonly value: unknown; readonly message: string }[];
}

export interface Scenario {
  readonly fixture: Fixture;
  readonly steps: readonly Step[];
  /** Planhat refuses some of the records. */
  readonly isRefused: boolean;
  /** Ids of what Planhat holds from the start. */
  readonly seeded: ReadonlySet<string>;
}

export const folders = readdirSync(__dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

export function read<T>(folder: string, file: string, otherwise: T): T {
  const path = join(__dirname, folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : otherwise;
}

export async function openScenario(folder: string): Promise<Scenario> {
  const seeds = read<Seeds>(folder, "planhat.json", {});
  const written = read<Step | readonly Step[]>(folder, "notification.json", []);
  const steps = list(Array.isArray(written) ? written : [written]) as readonly Step[];

  const { switches = {}, customFields = [] } = seeds;
  const fixture = await openFixture({ planhat: { switches }, customFields });
  fixture.hull.saveSettings(CONNECTOR.id, read<Bag>(folder, "settings.json", {}));
  const tenant = fixture.planhat.tenant();
  seeds.companies?.forEach((fields) => tenant.seedCompany(fields));
  seeds.endusers?.forEach((fields) => tenant.seedEnduser(fields));
  seeds.users?.forEach((fields) => tenant.seedUser(fields));
  seeds.refused?.forEach(({ field, value, message }) => fixture.planhat.poison({ field, value }, message));
  const seeded = new Set([...tenant.companies.keys(), ...tenant.endusers.keys(), ...tenant.users.keys()]);
  return { fixture, steps, isRefused: seeds.refused !== undefined, seeded };
}

/**
 * Plays all steps, each to its end; answers Hull's messages.
 *
 * @param before called with each shipment before it is sent
 */
export async function play(
  { fixture, steps }: Scenario,
  before: (shipment: Shipment) => Promise<void> = () => Promise.resolve(),
): Promise<readonly unknown[]> {
  const tenant = fixture.planhat.tenant();
  const messages: unknown[] = [];
  for (const step of steps) {
    if ("edit" in step) tenant.edit(step.edit, step.id, step.fields);
    else if ("settings" in step) await save(fixture, step.settings);
    else {
      messages.push(...step.messages);
      fixture.introduce(step.messages);
      await before(step);
      const more = { isExport: step.is_export ?? false, signed: true };
      const report = await fixture.send(step.channel, step.messages, more);
      expect(report.messagesAccepted).toBe(step.messages.length);
    }
    await fixture.settled();
  }
  return messages;
}

/** Hull tells the connector of settings that are saved. */
async function save(fixture: Fixture, settings: Bag): Promise<void> {
  fixture.hull.saveSettings(CONNECTOR.id, settings);
  const told = { connectorId: CONNECTOR.id, channel: "ship:update", messages: [] } as const;
  expect((await fixture.hull.sendOne(fixture.url, told)).status).toBe(200);
}

/** Without the number of records that were begun. */
export function ends(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => name.includes("/")));
}
