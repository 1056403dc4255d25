/** What can only be decided once it is known whether plangrade has the record. Pure. */
import type { Desired } from "../../../record";
import type { Prepared, Remembered } from "../../connection";
import { isBlank } from "../../mapping/values";
import { missingIn } from "../mapped";
import { ARCHIVED, PARTICIPANTS, SSN, STANDING } from "../objects";
import { reason } from "../reasons";

/** @param known undefined: the record is to be created */
export function prepareRecord(type: string, desired: Desired, known: Remembered | undefined): Prepared {
  const { fields, state } = desired;
  if (state === "ended") return { kind: "ready", fields };
  if (known !== undefined) {
    if (isArchived(known)) return { kind: "end", outcome: "skipped", reason: reason("archived") };
    return { kind: "ready", fields };
  }
  const isEmployee = type === PARTICIPANTS.name;
  const missing = [...missingIn(type, fields), ...(isEmployee && isBlank(fields[SSN]) ? [SSN] : [])];
  if (missing.length === 0) return { kind: "ready", fields };
  return { kind: "end", outcome: "skipped", reason: reason("incomplete", missing.join(", ")) };
}

/** By plangrade's word or by our own call: lists may not show it. */
export function isArchived({ archived, holds }: Remembered): boolean {
  return archived || holds[STANDING] === ARCHIVED;
}

/** Whoever is to be archived is, once. Nobody is brought back. */
export function nextFor(desired: Desired, known: Remembered): "end" | undefined {
  return desired.state === "ended" && !isArchived(known) ? "end" : undefined;
}
