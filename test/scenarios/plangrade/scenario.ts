/** A scenario's folder as it is played: a plangrade with its companies, and one step after the other. */
import { join } from "node:path";
import type { PlangradeSimulator, PlangradeSwitches } from "../../../simulators/plangrade";
import type { Company, Participant } from "../../../simulators/plangrade/records/model";
import type { Records } from "../../../simulators/plangrade/records/records";
import { openPlangrade, type PlangradeFixture } from "../../fixture/plangrade";
import type { Bag } from "../../fixture/settings";
import { foldersIn, readIn, stepsIn, type Shipment } from "../data";

type CompanyFields = Parameters<Records["seedCompany"]>[0];
type ParticipantFields = NonNullable<Parameters<Records["seedParticipant"]>[1]>;

/** Besides shipments: what people do in plangrade by hand, time, new settings saved in Hull's dashboard, and fetches. */
type Step =
  | { readonly editCompany: number; readonly fields: CompanyFields }
  | { readonly editParticipant: number; readonly fields: ParticipantFields }
  | { readonly setArchived: number; readonly to: boolean }
  | { readonly remove: "company" | "participant"; readonly id: number }
  | { readonly addParticipantTo: number; readonly fields: ParticipantFields }
  | { readonly addActivityTo: number; readonly name: string; readonly start_time: string }
  /** Somebody is faster than the next call of a route, such as `POST /companies`. */
  | { readonly before: string; readonly addCompany: CompanyFields }
  | { readonly settings: Bag }
  | { readonly fetch: "accounts" | "users" }
  | { readonly advanceMinutes: number }
  /** A person clicks the link and accepts. */
  | { readonly authorize: true };

interface SeededCompany extends CompanyFields {
  /** Ids count from 300001 over all companies. */
  readonly participants?: readonly ParticipantFields[];
  readonly activities?: readonly { readonly name: string; readonly start_time: string }[];
  readonly notices?: readonly {
    readonly name: string;
    readonly plan_name: string;
    readonly link: string;
    readonly created_at: string;
  }[];
}

interface Seeds {
  readonly switches?: Partial<PlangradeSwitches>;
  /** What is there already; ids count from 20001. */
  readonly companies?: readonly SeededCompany[];
  /** Those of another account of plangrade, whose user has the id 1002. */
  readonly foreign?: readonly CompanyFields[];
  /** False: nobody has authorized the connector when the scenario begins. */
  readonly authorized?: boolean;
}

export interface Scenario {
  readonly plangrade: PlangradeFixture;
  readonly steps: readonly (Shipment | Step)[];
  /** Whether a person has authorized the connector by now; until then nothing settles. */
  authorized: boolean;
}

/** The instant at which every scenario begins. */
const START = "2025-07-01T12:00:00Z";

export const folders = foldersIn(__dirname);

export async function openScenario(name: string): Promise<Scenario> {
  const folder = join(__dirname, name);
  const seeds = readIn<Seeds>(folder, "plangrade.json", {});
  const { switches, companies = [], foreign = [], authorized = true } = seeds;
  const settings = readIn<Bag>(folder, "settings.json", {});
  const steps = stepsIn(folder) as readonly (Shipment | Step)[];
  const plangrade = await openPlangrade({ settings, plangrade: { switches }, authorized, startsAt: START });
  const { records } = plangrade.plangrade;
  for (const { participants = [], activities = [], notices = [], ...company } of companies) {
    const { id: company_id } = records.seedCompany(company);
    for (const fields of participants) records.seedParticipant(company_id, fields);
    for (const activity of activities) records.seedActivity({ company_id, ...activity });
    for (const notice of notices) records.seedNotice({ company_id, ...notice });
  }
  if (foreign.length > 0) {
    const { id } = records.seedUser({ name: "Somebody Else", email: "else@example.com" });
    for (const company of foreign) records.seedCompany({ ...company, managers: [id] });
  }
  return { plangrade, steps, authorized };
}

/**
 * Plays all steps, each to its end; what comes before somebody has authorized the connector is only taken in.
 *
 * @param before called with each shipment before it is sent
 */
export async function play(
  scenario: Scenario,
  before: (shipment: Shipment) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { plangrade: benefits, steps } = scenario;
  const { plangrade, fixture } = benefits;
  const { records } = plangrade;
  for (const step of steps) {
    if ("editCompany" in step) records.editCompany(step.editCompany, step.fields);
    else if ("editParticipant" in step) records.editParticipant(step.editParticipant, step.fields);
    else if ("setArchived" in step) records.setArchived(step.setArchived, step.to);
    else if ("remove" in step) records.remove(step.remove, step.id);
    else if ("addParticipantTo" in step) records.seedParticipant(step.addParticipantTo, step.fields);
    else if ("addActivityTo" in step) {
      const { addActivityTo: company_id, name, start_time } = step;
      records.seedActivity({ company_id, name, start_time });
    } else if ("before" in step) beforeNext(plangrade, step.before, () => records.seedCompany(step.addCompany));
    else if ("settings" in step) await benefits.saveSettings(step.settings);
    else if ("fetch" in step) {
      await benefits.fetch("force=1", step.fetch);
      // Events of companies are fetched by a run of their own, which may begin later.
      await fixture.until(async () => (await fixture.connector.store.openRuns()).length === 0);
    } else if ("advanceMinutes" in step) fixture.advance(step.advanceMinutes);
    else if ("authorize" in step) {
      expect((await benefits.authorize()).status).toBe(200);
      scenario.authorized = true;
    } else {
      await before(step);
      await benefits.send(step.messages, { channel: step.channel, isExport: step.is_export ?? false });
    }
    if (scenario.authorized) await fixture.settled();
  }
}

function beforeNext(plangrade: PlangradeSimulator, route: string, work: () => unknown): void {
  let isDone = false;
  plangrade.on("request", (call) => {
    if (isDone || call.route !== route) return;
    isDone = true;
    work();
  });
}

/** As `expected.json` writes them: fields that are empty left out, and what an ordinary record is. */
export function shownCompany({ id, managers: _, ...fields }: Company): Bag {
  return { id, ...filled(fields) };
}

export function shownParticipant({ id, company_id, employee_id, archived, ...fields }: Participant): Bag {
  const dependent = employee_id === id ? {} : { employee_id };
  return { id, company_id, ...dependent, ...filled(fields), ...(archived && { archived }) };
}

function filled(fields: Readonly<Record<string, string>>): Bag {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}
