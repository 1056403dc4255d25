import type { ModelName } from "./models";
import type { Fields } from "./collection";

/** `item` = the record alone is refused, with an error element; `payload` = the whole bulk call is, naming nothing. */
export type PoisonMode = "item" | "payload";

/** Which records are poisoned: a function, or one value in one field. `type` is the model, any when left out. */
export type PoisonTarget =
  | ((fields: Fields, model: ModelName) => boolean)
  | { readonly type?: ModelName; readonly field: string; readonly value: unknown };

export interface Poison {
  readonly message: string;
  readonly mode: PoisonMode;
}

export interface PoisonList {
  /** Answers the function that takes the poison away again. */
  add(target: PoisonTarget, message: string, mode: PoisonMode): () => void;
  clear(): void;
  find(model: ModelName, fields: Fields): Poison | undefined;
}

/** Creates an empty list of records that Planhat will refuse. */
export function createPoisonList(): PoisonList {
  const entries = new Set<Poison & { readonly matches: (fields: Fields, model: ModelName) => boolean }>();

  return {
    add(target, message, mode) {
      const matches =
        typeof target === "function"
          ? target
          : (fields: Fields, model: ModelName) =>
              (target.type === undefined || target.type === model) && fields[target.field] === target.value;
      const entry = { message, mode, matches };
      entries.add(entry);
      return () => {
        entries.delete(entry);
      };
    },
    clear: () => entries.clear(),
    find(model, fields) {
      for (const entry of entries) if (entry.matches(fields, model)) return entry;
      return undefined;
    },
  };
}
