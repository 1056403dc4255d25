/**
 * Who is terminated and who is rehired. Hull says on which days that should happen; PlanSource's record says how the
 * employee stands and since when. The later day decides. Days have the form CCYY-MM-DD, whose order as texts is the order in
 * time. Pure.
 */
import { isBlank } from "../../mapping/values";

export interface Wishes {
  readonly termination?: string;
  readonly rehire?: string;
  /** The user left all synchronised segments on this day, and that ends the employment. */
  readonly leaving?: string;
}

/** `by_hand`: a leave or COBRA, which only the client's administrators begin and end. */
export type Standing = "active" | "ended" | "by_hand";

export interface KnownStanding {
  /** Undefined: not known, so nothing is decided. */
  readonly standing: Standing | undefined;
  readonly hireDate?: string;
  readonly terminationDate?: string;
}

export type Step = "restart" | "end";

/**
 * The next call that the days ask for. After a restart the question is asked again with the new record: the answer is
 * `end` if the termination is the later one.
 *
 * @param known undefined: PlanSource does not know the person
 */
export function nextStep(wishes: Wishes, known: KnownStanding | undefined): Step | undefined {
  if (known?.standing === "active") return endsActive(wishes, known) ? "end" : undefined;
  if (known?.standing === "ended") return restartsEnded(wishes, known) ? "restart" : undefined;
  return undefined;
}

/**
 * The same, also where the call cannot be made because the status was set by hand. Whoever is on leave counts as employed;
 * a rehire is wanted if it comes after a termination.
 */
export function wantedStep(wishes: Wishes, known: KnownStanding | undefined): Step | undefined {
  if (known?.standing !== "by_hand") return nextStep(wishes, known);
  if (endsActive(wishes, known)) return "end";
  return known.terminationDate !== undefined && restartsEnded(wishes, known) ? "restart" : undefined;
}

function endsActive({ termination, rehire, leaving }: Wishes, { hireDate, terminationDate }: KnownStanding): boolean {
  if (leaving !== undefined) return true;
  // A day that the record already has was sent before. It lies in the future, or a person took the employee back.
  if (termination === undefined || termination === terminationDate) return false;
  return isAfter(termination, hireDate) && isAfter(termination, rehire);
}

function restartsEnded(
  { termination, rehire, leaving }: Wishes,
  { hireDate, terminationDate }: KnownStanding,
): boolean {
  // Somebody who has left the segments would be terminated again at once.
  if (rehire === undefined || leaving !== undefined) return false;
  if (terminationDate !== undefined) return rehire > terminationDate;
  // A rehire that was done before is the record's hire date. Whoever was terminated since then stays so.
  if (!isAfter(rehire, hireDate)) return false;
  // Otherwise each message would rehire and terminate, since nothing shows that it was done.
  return termination === undefined || termination <= rehire;
}

/** A day comes after one that nobody knows. */
function isAfter(day: string, other: string | undefined): boolean {
  return other === undefined || day > other;
}

const STANDINGS: ReadonlyMap<string, Standing> = new Map([
  ["active", "active"],
  ["a", "active"],
  ["terminated", "ended"],
  ["t", "ended"],
]);

const INACTIVE = "inactive";

/**
 * How an employee stands, from `employment_status`, written as a word or a letter; without one, from `termination_date`.
 *
 * @param row a subscriber as PlanSource answers it
 */
export function standingOf(row: Readonly<Record<string, unknown>>): Standing {
  const { employment_status: status, termination_date: terminationDate } = row;
  if (isBlank(status)) return isBlank(terminationDate) ? "active" : "ended";
  // The guide for integrations calls those who were terminated inactive as well; a leave has no such day.
  const word = typeof status === "string" ? status.trim().toLowerCase() : "";
  if (word === INACTIVE && !isBlank(terminationDate)) return "ended";
  return STANDINGS.get(word) ?? "by_hand";
}

/**
 * Whether a person whom PlanSource does not know need not be created.
 *
 * @param today where the server counts days; a later termination still lies ahead
 */
export function alreadyLeft({ termination, rehire, leaving }: Wishes, today: string): boolean {
  if (leaving !== undefined) return true;
  if (termination === undefined || termination > today) return false;
  return rehire === undefined || termination >= rehire;
}
