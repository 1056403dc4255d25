/** What is to be written for one record, and whether it may be. Pure. */
import mapValues from "lodash/mapValues";
import pickBy from "lodash/pickBy";
import type { Intent } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { MirrorPatch } from "../../storage/port/store";
import { diff, type Difference } from "../rules/diff";
import { isClosed, ownId } from "../rules/identity";
import type { Step } from "../rules/state";
import { reason, type Reason } from "../../outcome/outcome";
import { afterwards } from "./settle/mirror-patch";
import type { TypeContext, Work } from "./work";

/** Work with the fields to send. */
export interface Change extends Work {
  readonly difference: Difference;
  readonly intent: Intent;
}

const NO_DIFFERENCE: Difference = { send: [], equal: [], found: [], blind: [] };

/** What a record needs, compared with what is remembered of it. */
export function changeOf(context: TypeContext, work: Work): Change {
  const { specOf, type } = context;
  const { content, mirror, wire, parentId, namesake } = work;
  const { desired, derived, force } = content;
  const create = mirror === undefined;
  const facts = mirror?.facts ?? {};
  const compared = { force, replay: content.replay === true, create };
  const difference = derived && !create ? NO_DIFFERENCE : diff(desired, wire, facts, specOf, compared);
  const kind = create ? "create" : kindOf(difference, stepFor(context, work, mirror));
  const ofState = kind === "end" || kind === "restart";
  const fields = ofState
    ? mapValues(desired.stateFields ?? {}, (value, name) => wire[name] ?? value)
    : pickValues(work, toSend(type, work, difference));
  const keys = pickBy(desired.keys, (_, name) => create || (!ofState && difference.send.includes(name)));
  const { hullId } = work.entry;
  const known = { remoteId: mirror?.id, knownKeys: mirror?.keys };
  const intent = { hullId, kind, ...known, keys, parentId, fields, namesake };
  // In this order, since V8 is slow where fields are added to a copy.
  return { difference, intent, ...work };
}

/** What differs, or the whole record where a write must carry it. */
function toSend({ writes }: ObjectType, { content }: Work, { send }: Difference): readonly string[] {
  return writes?.whole === true && send.length > 0 ? Object.keys(content.desired.fields) : send;
}

function pickValues({ wire, content }: Work, fields: readonly string[]): Intent["fields"] {
  return Object.fromEntries(fields.map((field) => [field, wire[field] ?? content.desired.fields[field] ?? null]));
}

/** What the record needs besides its fields; nothing where that cannot be done, or where it only serves its children. */
function stepFor(
  { stepOf }: TypeContext,
  { content, stuck }: Work,
  known: Parameters<TypeContext["stepOf"]>[1],
): Step | undefined {
  return stuck !== undefined || content.derived ? undefined : stepOf(content.desired, known);
}

/** What comes first for a record that is there: it is restarted, then updated, then ended; each is a request. */
function kindOf({ send }: Difference, step: Step | undefined): Intent["kind"] {
  if (step === "restart") return "restart";
  return step === "end" && send.length === 0 ? "end" : "update";
}

/** Whether another step follows this one. */
export function hasMore(context: TypeContext, change: Change, patch: MirrorPatch): boolean {
  const { difference, intent } = change;
  if (intent.kind === "end") return false;
  if (intent.kind === "restart" && difference.send.length > 0) return true;
  const step = stepFor(context, change, afterwards(change, patch));
  // An answer that does not show the record leaves a service's own rule where it was: what is done is not asked twice.
  return step !== undefined && step !== intent.kind;
}

/** Why nothing is written for a record, whatever differs. */
export function barred({ type, policy }: TypeContext, change: Change): Reason | undefined {
  const { content, mirror, intent } = change;
  const { desired } = content;
  if (isClosed(type, mirror, desired)) return reason("archived", mirror?.id);
  if (intent.kind === "create") {
    if (desired.state === "ended") return reason("already_left");
    if (policy === "update") return reason("update_only");
    return type.identity === "ownKey" && ownId(type, desired) === undefined ? reason("missing_identity") : undefined;
  }
  return policy === "insert" && !isIdle(change) ? reason("insert_only", mirror?.id) : undefined;
}

/** Nothing of it differs, and no step follows. */
export const isIdle = ({ difference, intent }: Change): boolean =>
  intent.kind === "update" && difference.send.length === 0;
