/** Linked records whose keys no longer name them alone. */
import type { Cycle } from "./context";
import type { Work } from "./work";

/**
 * Marks what must not be written by its key: the key is meant to be unique in the remote, and another record has it as
 * well. The link says which of them is meant, however it was found; the key would leave that to the service.
 */
export async function withNamesakes<S>(cycle: Cycle<S>, works: readonly Work[]): Promise<readonly Work[]> {
  const { store, lane } = cycle.options;
  const { type } = cycle.context;
  const unique = new Set(type.keys.flatMap(({ name, scope }) => (scope === "remote" ? [name] : [])));
  if (unique.size === 0) return works;
  const wanted = works.map(({ mirror }) => ({
    id: mirror?.id ?? "",
    keys: Object.fromEntries(Object.entries(mirror?.keys ?? {}).filter(([name]) => unique.has(name))),
  }));
  const shared = await store.sharedKeys(lane.remote, type.name, wanted);
  return works.map((work, index) => ((shared[index] ?? []).length > 0 ? { ...work, namesake: true } : work));
}
