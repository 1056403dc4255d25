/**
 * Credentials changed: is it still the same remote? (docs/state.md, "Generations".) A rotated token must not resend
 * everything, and another tenant's records must not be taken for ours.
 */
import type { Connection, Problem } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { Lane, Store } from "../../storage/port/store";

export type Verdict =
  | { readonly kind: "same" }
  /** Nothing is linked yet, so nothing shows whether it is the same. */
  | { readonly kind: "unknown" }
  /** None of the ids that we knew exists there. */
  | { readonly kind: "other" }
  | { readonly kind: "wait"; readonly problem: Problem };

const SAMPLES = 5;

/** Reads a few linked records with the new credentials. */
export async function verifyRemote(
  store: Store,
  connection: Connection,
  lane: Lane,
  types: readonly ObjectType[],
): Promise<Verdict> {
  let asked = 0;
  for (const type of types) {
    const ids = await store.sampleLinked(lane.remote, type.name, SAMPLES);
    if (ids.length === 0) continue;
    const known = ids.map((id) => ({ id }));
    const answer = type.lookup === false ? undefined : await connection.read?.(type.name, known, []);
    if (answer === undefined) continue;
    const rows = new Map((await store.mirrors(lane, type.name, ids)).map((row) => [row?.id, row]));
    // An id alone could exist elsewhere by chance; the same id with the same key is the same record.
    const familiar = answer.records.some(({ id, keys }) =>
      Object.entries(rows.get(id)?.keys ?? {}).some(([name, value]) => keys[name] === value),
    );
    if (familiar) return { kind: "same" };
    if (answer.problem !== undefined) return { kind: "wait", problem: answer.problem };
    asked += ids.length;
  }
  return { kind: asked === 0 ? "unknown" : "other" };
}
