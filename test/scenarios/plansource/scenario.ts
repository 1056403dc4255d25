/** A scenario's folder as it is played: a PlanSource with its subscribers, and one step after the other. */
import { join } from "node:path";
import type { FieldRule, PlanSourceSwitches, Status, Subscriber, Value } from "../../../simulators/plansource";
import { openPlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import type { Bag } from "../../fixture/settings";
import { foldersIn, readIn, stepsIn, type Shipment } from "../data";
import { secretNames, secretsIn } from "./secrets";

type Fields = Readonly<Record<string, Value | null>>;

/**
 * Besides shipments: what a person does in PlanSource, to whoever has the code; new settings saved in Hull's dashboard;
 * a fetch.
 */
type Step =
  | { readonly edit: string; readonly fields: Fields }
  | { readonly status: string; readonly to: Status }
  | { readonly remove: string }
  | { readonly add: Readonly<Record<string, Value>> }
  | { readonly settings: Bag }
  | { readonly fetch: true };

interface Seeds {
  readonly switches?: Partial<PlanSourceSwitches>;
  /** What the client demands, by field. */
  readonly meta?: Readonly<Record<string, FieldRule>>;
  /** Fields of those who are there already, active unless they say otherwise; their ids count from 1000001. */
  readonly subscribers?: readonly Readonly<Record<string, Value>>[];
}

export interface Scenario {
  readonly plansource: PlanSourceFixture;
  readonly steps: readonly (Shipment | Step)[];
  /** Values of people, those in write-only fields. */
  readonly secrets: ReadonlySet<string>;
}

/** The day on which every scenario plays. */
const TODAY = "2025-07-01";

export const folders = foldersIn(__dirname);

export async function openScenario(name: string): Promise<Scenario> {
  const folder = join(__dirname, name);
  const { switches, meta = {}, subscribers = [] } = readIn<Seeds>(folder, "plansource.json", {});
  // One call at a time: their order is certain.
  const settings = { concurrent_requests: 1, ...readIn<Bag>(folder, "settings.json", {}) };
  const steps = stepsIn(folder) as readonly (Shipment | Step)[];
  const plansource = await openPlanSource({ settings, plansource: { switches }, startsAt: `${TODAY}T12:00:00Z` });
  const organization = plansource.plansource.organization();
  for (const [field, rule] of Object.entries(meta)) organization.meta.set(field, rule);
  for (const { status = "active", ...fields } of subscribers) organization.seed(fields, statusOf(status));
  const saved = steps.flatMap((step) => ("settings" in step ? [step.settings] : []));
  const secrets = new Set(secretsIn([subscribers, steps], secretNames([settings, ...saved])));
  return { plansource, steps, secrets };
}

/**
 * Plays all steps, each to its end.
 *
 * @param before called with each shipment before it is sent
 */
export async function play(
  { plansource: employer, steps }: Scenario,
  before: (shipment: Shipment) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { plansource } = employer;
  const organization = plansource.organization();
  const idOf = (code: string): number => {
    const found = organization.byCode(code);
    if (found === undefined) throw new Error(`Nobody has the code ${code}.`);
    return found.id;
  };
  for (const step of steps) {
    if ("edit" in step) organization.edit(idOf(step.edit), step.fields);
    else if ("status" in step) organization.setStatus(idOf(step.status), step.to);
    else if ("remove" in step) organization.remove(idOf(step.remove));
    else if ("add" in step) organization.seed(step.add);
    else if ("settings" in step) await employer.saveSettings(step.settings);
    else if ("fetch" in step) await employer.fetch();
    else {
      await before(step);
      await employer.send(step.messages, { channel: step.channel, isExport: step.is_export ?? false });
    }
    await employer.fixture.settled();
  }
}

/** As `expected.json` writes them. */
export function shown({ id, status, fields }: Subscriber): Bag {
  return { id, status, ...fields };
}

function statusOf(written: Value): Status {
  const found = (["active", "terminated", "leave", "cobra"] as const).find((status) => status === written);
  if (found === undefined) throw new Error(`There is no status ${String(written)}.`);
  return found;
}
