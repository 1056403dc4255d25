/** The whole store on a database: what it does by itself, with the rules of the outbox. */
import type { Store } from "../src/storage/port/store";
import { createStored, type StoreOptions } from "../src/storage/store";
import { DAMAGE_RULES } from "../src/engine/outbox/damaged";
import { createOutbox } from "../src/engine/outbox/outbox";

/** @throws when the stored data was written by another version of this program */
export async function openStore(options: Omit<StoreOptions, "rules">): Promise<Store> {
  return createOutbox(await createStored({ ...options, rules: DAMAGE_RULES }));
}
