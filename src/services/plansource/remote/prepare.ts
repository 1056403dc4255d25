/** What is sent of an employee: values as PlanSource takes them, and what of it cannot or must not be sent. */
import { joinReasons, type Reason } from "../../../outcome/outcome";
import type { Desired, Json } from "../../../record";
import { agrees, NOTHING } from "../../compare";
import type { Prepared, Remembered, Stuck } from "../../connection";
import { attempt, isFailed, waitOf } from "../../failure";
import { isBlank } from "../../mapping/values";
import { fieldSpec, STANDING, SUBSCRIBERS } from "../objects";
import { reason } from "../reasons";
import { missingForCreate, reasonCodeOf, refusalOf } from "../rules/check";
import { alreadyLeft, nextStep, wantedStep, type KnownStanding, type Wishes } from "../rules/life-cycle";
import type { Meta } from "../rules/meta";
import { wireValue } from "../rules/values";

export interface PrepareDeps {
  /** @throws RemoteError, UnexpectedAnswer */
  readonly meta: () => Promise<Meta>;
  /** `CCYY-MM-DD`. */
  readonly today: string;
  /** The reason of a termination because somebody left the segments. */
  readonly defaultReason: string | undefined;
}

type Unready = Exclude<Prepared, { kind: "ready" }>;

/** What is refused for known and new employees alike. Fields that an update would leave out are checked for new ones alone. */
export async function checkRecords(
  records: readonly Desired[],
  { meta: ask }: Pick<PrepareDeps, "meta">,
): Promise<readonly (Unready | undefined)[]> {
  const meta = await attempt(ask);
  if (isFailed(meta)) return records.map(() => later(meta));
  return records.map((desired) => {
    const withheld = new Set(Object.keys(desired.fields).filter((field) => !meta.rule(field).update));
    const refusal = refusalOf(desired, meta, { withheld });
    return refusal === undefined ? undefined : { kind: "end", outcome: "rejected", reason: refusal };
  });
}

/** @param known what is remembered of each; undefined: it is to be created */
export async function prepareRecords(
  records: readonly Desired[],
  known: readonly (Remembered | undefined)[],
  deps: PrepareDeps,
): Promise<readonly Prepared[]> {
  const meta = await attempt(deps.meta);
  if (isFailed(meta)) return records.map(() => later(meta));
  return records.map((desired, index) => {
    const remembered = known[index];
    return remembered === undefined ? newcomer(desired, meta, deps) : employee(desired, remembered, meta, deps);
  });
}

function later(error: Parameters<typeof waitOf>[0]): Unready {
  return {
    kind: "later",
    waitMs: waitOf(error),
    message: `What PlanSource demands could not be read: ${error.message}`,
  };
}

/** Somebody whom PlanSource does not know. */
function newcomer(desired: Desired, meta: Meta, { today }: PrepareDeps): Prepared {
  if (alreadyLeft(wishesOf(desired), today)) {
    return { kind: "end", outcome: "skipped", reason: reason("already_left") };
  }
  const { refused, note } = missingForCreate(desired, meta);
  const refusals = [refusalOf(desired, meta), refused].filter((each) => each !== undefined);
  if (refusals.length > 0) return { kind: "end", outcome: "rejected", reason: joinReasons(refusals) };
  return { kind: "ready", fields: wireOf(desired, meta), warnings: note === undefined ? [] : [note] };
}

function employee(desired: Desired, { holds }: Remembered, meta: Meta, { defaultReason }: PrepareDeps): Prepared {
  const fields = wireOf(desired, meta);
  const wishes = wishesOf(desired);
  const standing = standingIn(holds);
  const withheld: Record<string, Reason> = {};
  for (const [field, value] of Object.entries(fields)) {
    const spec = fieldSpec(SUBSCRIBERS.name, field);
    if (spec.writeOnly !== true && agrees(heldIn(holds, field) ?? null, value, spec.type)) continue;
    if (!meta.rule(field).update) withheld[field] = reason("not_updatable", field);
    else if (isSetByRehire(field, wishes, standing)) withheld[field] = reason("set_by_rehire", field);
  }
  const step = nextStep(wishes, standing);
  if (step !== "end") {
    return {
      kind: "ready",
      fields,
      withheld,
      stuck: step === undefined && wantedStep(wishes, standing) !== undefined ? BY_HAND : undefined,
    };
  }
  const end = endOf(desired, standing, defaultReason);
  const code = reasonCodeOf(end.reason, meta);
  if (!code.ok) return { kind: "ready", fields, withheld, stuck: { outcome: "rejected", reason: code.reason } };
  const termination = { termination_date: end.day, termination_reason: code.code };
  return { kind: "ready", fields: { ...fields, ...termination }, withheld };
}

const BY_HAND: Stuck = { outcome: "skipped", reason: reason("status_by_hand") };

/** Values that PlanSource does not take were refused before; all others get its form. */
function wireOf(desired: Desired, meta: Meta): Record<string, Json> {
  const fields: Record<string, Json> = {};
  for (const [field, value] of Object.entries(desired.fields)) {
    const wire = isBlank(value) ? undefined : wireValue(fieldSpec(SUBSCRIBERS.name, field), value, meta);
    fields[field] = wire?.ok === true ? wire.value : isBlank(value) ? null : value;
  }
  return fields;
}

const dayIn = (fields: Desired["stateFields"], name: string): string | undefined => {
  const value = fields?.[name];
  return typeof value === "string" ? value : undefined;
};

function wishesOf({ stateFields }: Desired): Wishes {
  return {
    termination: dayIn(stateFields, "termination_date"),
    rehire: dayIn(stateFields, "rehire_date"),
    leaving: dayIn(stateFields, "leaving"),
  };
}

const STANDINGS = ["active", "ended", "by_hand"] as const;

const heldIn = (holds: Remembered["holds"], field: string): string | undefined =>
  Object.hasOwn(holds, field) ? holds[field] : undefined;

/** The fingerprint of a short text or a day is the text itself. */
function standingIn(holds: Remembered["holds"]): KnownStanding {
  const standing = heldIn(holds, STANDING);
  const day = (field: string): string | undefined => {
    const held = heldIn(holds, field);
    return held === NOTHING ? undefined : held;
  };
  return {
    standing: STANDINGS.find((each) => JSON.stringify(each) === standing),
    hireDate: day("hire_date"),
    terminationDate: day("termination_date"),
  };
}

/** After a rehire these days are PlanSource's: a former one that Hull still has would undo it. */
function isSetByRehire(field: string, { rehire }: Wishes, { hireDate }: KnownStanding): boolean {
  return (field === "hire_date" || field === "original_hire_date") && rehire !== undefined && hireDate === rehire;
}

/** Day and reason of the termination: those in Hull, unless it follows from the segments alone. */
function endOf(
  desired: Desired,
  standing: KnownStanding,
  defaultReason: string | undefined,
): { readonly day: string; readonly reason: string | undefined } {
  const { leaving, ...dated } = wishesOf(desired);
  const byDate = leaving === undefined || nextStep(dated, standing) === "end";
  const inHull = dayIn(desired.stateFields, "termination_reason");
  if (!byDate) return { day: leaving, reason: defaultReason };
  return { day: dated.termination ?? "", reason: inHull ?? (leaving === undefined ? undefined : defaultReason) };
}

/** The step that the days ask for; see `life-cycle.ts`. While it cannot be made, the record is not as it should be. */
export function nextFor(desired: Desired, { holds }: Remembered): "restart" | "end" | undefined {
  return wantedStep(wishesOf(desired), standingIn(holds));
}
