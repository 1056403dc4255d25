/** Which subscriber a call may have changed, as far as its address tells. */
import { MAX_ID_LENGTH } from "../../../input";
import { textOf } from "../../mapping/attributes";
import type { Touched } from "../../operations";
import { isObject } from "../../../json";
import { isRow } from "../api/rest";
import { SUBSCRIBERS } from "../objects";

const type = SUBSCRIBERS.name;

/** Any of them may have changed. */
export const ALL: Touched = { type };

/** As PlanSource writes ids itself: what it makes of another spelling is not known. */
const ID = /^[1-9]\d{0,19}$/;

/** @param ref how the call names the subscriber */
export function touchedBy(ref: string, isCustomId: boolean): Touched {
  if (isCustomId) return ref.length > MAX_ID_LENGTH ? ALL : touchedByCode(ref);
  return ID.test(ref) ? { type, id: ref } : ALL;
}

function touchedByCode(value: string): Touched {
  return { type, key: { name: "subscriber_code", value } };
}

/**
 * A write that gives somebody a code makes a subscriber of that code, of whom nobody knew.
 *
 * @param fields what is written
 */
export function touchedWith(touched: Touched, fields: unknown): readonly Touched[] {
  const code = isObject(fields) ? textOf(fields["subscriber_code"]) : undefined;
  if (code === undefined || touched === ALL) return [touched];
  return [touched, touchedBy(code, true)];
}

/** @param answer what PlanSource answered; undefined when the answer is not the subscriber, or none came */
export function touchedIn(answer: unknown): Touched | undefined {
  return isRow(answer) ? { type, id: String(answer.id) } : undefined;
}
