/** Linked records that share a key with another one, so that a request must not name them by it. */
import { reason } from "../../outcome/outcome";
import type { KeySpec } from "../../services/model";
import type { Lane, Store } from "../../storage/port/store";
import type { TypeContext, Work } from "./work";

interface Known {
  readonly store: Pick<Store, "candidates">;
  readonly lane: Lane;
  readonly context: TypeContext;
}

/**
 * Marks those that share one, as far as is known, and says so. Only where requests name records by their keys.
 *
 * @param works each with its linked record
 */
export async function withNamesakes(
  { store, lane, context: { type, outcomes } }: Known,
  works: readonly Work[],
): Promise<readonly Work[]> {
  if (type.writes?.byKey !== true || works.length === 0) return works;
  const keys = works.flatMap((work) => uniqueKeys(work, type.keys));
  const rows = await store.candidates(lane, type.name, keys);
  return works.map((work) => {
    const isShared = uniqueKeys(work, type.keys).some(({ name, value }) =>
      rows.some(
        ({ id, keys: theirs, missing }) => id !== work.mirror?.id && missing !== true && theirs[name] === value,
      ),
    );
    if (!isShared) return work;
    return { ...work, namesake: true, note: reason("several_records", work.mirror?.id, outcomes) };
  });
}

function uniqueKeys({ mirror }: Work, keys: readonly KeySpec[]): { readonly name: string; readonly value: string }[] {
  return keys.flatMap(({ name, scope }) => {
    const value = mirror?.keys[name];
    return scope === "remote" && value !== undefined ? [{ name, value }] : [];
  });
}
