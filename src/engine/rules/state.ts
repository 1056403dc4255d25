/** What a record needs besides its fields: to be restarted, or to be ended. Pure. */
import type { Desired } from "../../record";
import type { Remembered } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { Service } from "../../services/service";
import type { MirrorRow } from "../../storage/port/rows";
import { isClosed } from "./identity";

type Decides = Pick<Service<unknown>, "next">;
export type Step = "restart" | "end";

export function rememberedOf({ archived, facts }: Pick<MirrorRow, "archived" | "facts">): Remembered {
  return {
    archived: archived === true,
    // Few services ask.
    get holds() {
      const known = Object.entries(facts).flatMap(([field, [remote]]) =>
        remote === null ? [] : [[field, remote] as const],
      );
      return Object.fromEntries(known);
    },
  };
}

/** The next step: the service's own rule if it has one; otherwise the desired state alone decides. */
export function nextStep(
  { next }: Decides,
  type: ObjectType,
  desired: Desired,
  known: Pick<MirrorRow, "archived" | "facts">,
): Step | undefined {
  if (next !== undefined) return next(type.name, desired, rememberedOf(known));
  if (desired.state === "ended") return known.archived === true ? undefined : "end";
  return known.archived === true && type.archived === "revive" ? "restart" : undefined;
}

/**
 * Whether a record is as it should be, its fields aside; an archived one that does not come back is not. A record that has
 * to be read first may have been ended or restarted by somebody else, so nothing is said of it.
 */
export function isSettled(
  service: Decides,
  type: ObjectType,
  desired: Desired,
  known: Pick<MirrorRow, "archived" | "facts" | "complete">,
): boolean {
  if (type.endable === true && !known.complete && asksForState(desired)) return false;
  return !isClosed(type, known, desired) && nextStep(service, type, desired, known) === undefined;
}

const asksForState = ({ state, stateFields = {} }: Desired): boolean =>
  state !== undefined || Object.keys(stateFields).length > 0;
