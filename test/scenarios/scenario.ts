/** A scenario's folder as it is played: a fixture with what Planhat holds, and one step after the other. */
import { join } from "node:path";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { CONNECTOR, openFixture, type Bag, type Fixture } from "../fixture/fixture";
import { foldersIn, messagesOf, readIn, stepsIn, type Shipment } from "./data";

export type { Shipment } from "./data";

/** Besides shipments: a person's edit in Planhat, or new settings saved in Hull's dashboard. */
type Step =
  { readonly edit: "companies" | "endusers"; readonly id: string; readonly fields: Bag } | { readonly settings: Bag };

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
  readonly steps: readonly (Shipment | Step)[];
  /** Planhat refuses some of the records. */
  readonly isRefused: boolean;
  /** Ids of what Planhat holds from the start. */
  readonly seeded: ReadonlySet<string>;
}

export const folders = foldersIn(__dirname);

export async function openScenario(name: string): Promise<Scenario> {
  const folder = join(__dirname, name);
  const seeds = readIn<Seeds>(folder, "planhat.json", {});
  const steps = stepsIn(folder) as readonly (Shipment | Step)[];

  const { switches = {}, customFields = [] } = seeds;
  const fixture = await openFixture({ planhat: { switches }, customFields });
  fixture.hull.saveSettings(CONNECTOR.id, readIn<Bag>(folder, "settings.json", {}));
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
  for (const step of steps) {
    if ("edit" in step) tenant.edit(step.edit, step.id, step.fields);
    else if ("settings" in step) await save(fixture, step.settings);
    else {
      fixture.introduce(step.messages);
      await before(step);
      const more = { isExport: step.is_export ?? false, signed: true };
      const report = await fixture.send(step.channel, step.messages, more);
      expect(report.messagesAccepted).toBe(step.messages.length);
    }
    await fixture.settled();
  }
  return messagesOf(steps);
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
