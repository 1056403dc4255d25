import type { Row } from "./values";

/**
 * `row` = the row alone fails, with the message; `call` = the whole call does, and nothing is written; `crash` = the
 * call breaks off at the row, and what stood before it is written.
 */
export type PoisonMode = "row" | "call" | "crash";

/** Which rows are poisoned: a function, or one value of one property. */
export type PoisonTarget = ((row: Row) => boolean) | { readonly property: string; readonly value: unknown };

export interface Poison {
  readonly message: string;
  readonly mode: PoisonMode;
}

export interface PoisonList {
  /** Answers the function that takes the poison away again. */
  add(target: PoisonTarget, message: string, mode: PoisonMode): () => void;
  find(row: Row): Poison | undefined;
}

/** Creates an empty list of rows that PlanningPME will refuse. */
export function createPoisonList(): PoisonList {
  const entries = new Set<Poison & { readonly matches: (row: Row) => boolean }>();

  return {
    add(target, message, mode) {
      const matches = typeof target === "function" ? target : (row: Row) => row[target.property] === target.value;
      const entry = { message, mode, matches };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    find(row) {
      for (const entry of entries) if (entry.matches(row)) return entry;
      return undefined;
    },
  };
}
