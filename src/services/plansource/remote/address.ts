/** By what a call names a subscriber: by the code or by PlanSource's id, as the settings choose. */
import { isUnknownEmployee } from "../api/envelope";
import type { Rest } from "../api/rest";

export interface Ways {
  /** The settings choose the code. */
  readonly usesCode: boolean;
  readonly byCode: Rest;
  readonly byId: Rest;
  /** The one that the settings choose. */
  readonly chosen: Rest;
}

export interface Address {
  readonly id?: string | undefined;
  /** The code under which PlanSource is known to have the subscriber. */
  readonly code?: string | undefined;
}

/**
 * Asks by the code where the settings choose it. Whoever has none yet, or was given another one in PlanSource, is named
 * by id: nobody counts as gone, and is created again, because a code was edited.
 *
 * @throws what `ask` throws
 */
export async function addressed<T>(
  { usesCode, byCode, byId }: Ways,
  { id, code }: Address,
  ask: (rest: Rest, ref: string) => Promise<T>,
): Promise<T> {
  if (id !== undefined && (!usesCode || code === undefined)) return ask(byId, id);
  if (code === undefined) throw new Error("A subscriber is named by a code or an id.");
  try {
    return await ask(byCode, code);
  } catch (error) {
    if (id === undefined || !isUnknownEmployee(error)) throw error;
    return ask(byId, id);
  }
}
