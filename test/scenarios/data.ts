/** What the folders of all scenarios have alike: JSON files, and steps that follow each other. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Channel } from "../../simulators/hull";
import { bag, list } from "../fixture/states";
import { everyOf } from "../full";

/** Messages as Hull ships them. */
export interface Shipment {
  readonly channel: Channel;
  readonly is_export?: boolean;
  readonly messages: readonly unknown[];
}

/** The folders of one service, by name. A folder with folders inside holds another service's scenarios. */
export function foldersIn(root: string): readonly string[] {
  const within = (path: string) => readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return within(root)
    .map(({ name }) => name)
    .filter((name) => within(join(root, name)).length === 0);
}

export function readIn<T>(folder: string, file: string, otherwise: T): T {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : otherwise;
}

/** What `expected.json` says; a scenario that expects nothing could not fail. */
export function expectedIn(folder: string): unknown {
  const expected = readIn<unknown>(folder, "expected.json", undefined);
  if (expected === undefined) throw new Error(`${folder} expects nothing.`);
  return expected;
}

/** The steps of `notification.json`, which holds one or a list of them. */
export function stepsIn(folder: string): readonly unknown[] {
  const written = readIn<unknown>(folder, "notification.json", []);
  return list(Array.isArray(written) ? written : [written]);
}

/** The messages of all shipments. */
export function messagesOf(steps: readonly unknown[]): readonly unknown[] {
  return steps.flatMap((step) => list(bag(step)["messages"]));
}

/** Every so many folders, with TEST_FULL=1 all of them: what is foretold is computed by the code that delivers. */
export const sampled = (folders: readonly string[], many = 8): readonly string[] => everyOf(many, folders);
