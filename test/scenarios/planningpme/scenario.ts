/** A scenario's folder as it is played: a PlanningPME with its records, and one step after the other. */
import { join } from "node:path";
import { systemClock, type Clock } from "../../../simulators/loopback/clock";
import {
  orderedTemplates,
  stockTemplates,
  type PlanningPmeRecord,
  type PlanningPmeSwitches,
  type PoisonMode,
  type Template,
  type Value,
} from "../../../simulators/planningpme";
import { openPlanningPme, type PlanningPmeFixture } from "../../fixture/planningpme";
import type { Bag } from "../../fixture/settings";
import { foldersIn, readIn, stepsIn, type Shipment } from "../data";

type Fields = Readonly<Record<string, Value>>;

/** Besides shipments: what people and time do, new settings saved in Hull's dashboard, and fetches. */
type Step =
  | { readonly add: string; readonly fields: Fields }
  | { readonly edit: number; readonly fields: Readonly<Record<string, Value | null>> }
  | { readonly settings: Bag }
  /** As Hull's schedule calls; with `force` on demand. */
  | { readonly fetch: "accounts" | "users"; readonly force?: boolean }
  | { readonly advanceMinutes: number }
  /** All tokens end. */
  | { readonly expire: true }
  /** What PlanningPME refused it refuses no more. */
  | { readonly cure: true };

interface Refused {
  readonly property: string;
  readonly value: unknown;
  readonly message: string;
  readonly mode?: PoisonMode;
}

interface Seeds {
  readonly switches?: Partial<PlanningPmeSwitches>;
  /** Installed beside the stock ones and those that a customer may have ordered. */
  readonly templates?: readonly Template[];
  /** What is there already, unchanged for so many minutes; ids count from 1000001. */
  readonly records?: readonly { readonly type: string; readonly minutesOld?: number; readonly fields: Fields }[];
  readonly poison?: readonly Refused[];
  /** By how much PlanningPME's clock is ahead of ours. */
  readonly clockAheadMinutes?: number;
}

export interface Scenario {
  readonly planningpme: PlanningPmeFixture;
  readonly steps: readonly (Shipment | Step)[];
  /** Takes all poison away. */
  readonly cure: () => void;
}

/** The instant at which every scenario begins. */
const START = "2025-07-01T12:00:00Z";
const MINUTE_MS = 60_000;

export const folders = foldersIn(__dirname);

export async function openScenario(name: string): Promise<Scenario> {
  const folder = join(__dirname, name);
  const seeds = readIn<Seeds>(folder, "planningpme.json", {});
  const { switches, templates = [], records = [], poison = [], clockAheadMinutes = 0 } = seeds;
  const settings = readIn<Bag>(folder, "settings.json", {});
  const steps = stepsIn(folder) as readonly (Shipment | Step)[];
  const clock: Clock = { ...systemClock, now: () => Date.now() + clockAheadMinutes * MINUTE_MS };
  const planningpme = await openPlanningPme({
    settings,
    planningpme: { switches, clock, templates: [...stockTemplates, ...orderedTemplates, ...templates] },
    startsAt: START,
  });
  const brand = planningpme.planningpme.brand();
  for (const { type, fields, minutesOld = 0 } of records) {
    brand.seed(type, fields, clock.now() - minutesOld * MINUTE_MS);
  }
  const cures = poison.map(({ message, mode, ...target }) => brand.poison(target, message, mode));
  return { planningpme, steps, cure: () => cures.forEach((cure) => cure()) };
}

/**
 * Plays all steps, each to its end.
 *
 * @param before called with each shipment before it is sent
 */
export async function play(
  { planningpme: planner, steps, cure }: Scenario,
  before: (shipment: Shipment) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { planningpme, fixture } = planner;
  for (const step of steps) {
    if ("add" in step) planningpme.brand().seed(step.add, step.fields);
    else if ("edit" in step) planningpme.brand().edit(step.edit, step.fields);
    else if ("settings" in step) await planner.saveSettings(step.settings);
    else if ("fetch" in step) await planner.fetch(step.force === true ? "force=1" : "", step.fetch);
    else if ("advanceMinutes" in step) fixture.advance(step.advanceMinutes);
    else if ("expire" in step) planningpme.expireTokens();
    else if ("cure" in step) cure();
    else {
      await before(step);
      await planner.deliver(step.messages, { channel: step.channel, isExport: step.is_export ?? false });
    }
    await fixture.settled();
  }
}

/** As `expected.json` writes them. */
export function shown({ id, type, fields }: PlanningPmeRecord): Bag {
  return { id, type, ...fields };
}
