/** The last step from desired values to wire values: owners become ids. */
import { reason } from "../../engine/outcome";
import type { ReasonCode } from "../../engine/outcome";
import type { Desired, Json, Prepared } from "../service";
import { isFailed, waitOf } from "./failure";
import type { Failed } from "./failure";
import { COMPANIES } from "./objects";
import type { Directory, Owners } from "./owners";

/** Fields of a company that hold a user of Planhat, and the reason for which it is skipped when they hold none. */
export const OWNER_FIELDS: readonly (readonly [string, ReasonCode])[] = [
  ["owner", "invalid_owner"],
  ["coOwner", "invalid_co_owner"],
];

/**
 * Records without an owner never wait for the list of team members; when that list cannot be read, only the records
 * that name one come later.
 */
export async function prepareRecords(
  type: string,
  records: readonly Desired[],
  owners: Owners,
): Promise<readonly Prepared[]> {
  const named = type === COMPANIES.name && records.some(namesOwner);
  const directory = named ? await readDirectory(owners) : undefined;
  return records.map((record) => {
    if (type !== COMPANIES.name || !namesOwner(record) || directory === undefined) return ready(record.fields);
    if (isFailed(directory)) {
      return {
        kind: "later",
        waitMs: waitOf(directory),
        message: `The owner could not be looked up: ${directory.message}`,
      };
    }
    return withOwners(record.fields, directory);
  });
}

const ready = (fields: Readonly<Record<string, Json>>): Prepared => ({ kind: "ready", fields });

function namesOwner(record: Desired): boolean {
  return OWNER_FIELDS.some(([field]) => typeof record.fields[field] === "string");
}

async function readDirectory(owners: Owners): Promise<Directory | Failed> {
  try {
    return await owners.directory();
  } catch (error) {
    if (isFailed(error)) return error;
    throw error;
  }
}

function withOwners(fields: Readonly<Record<string, Json>>, directory: Directory): Prepared {
  const wire = new Map(Object.entries(fields));
  for (const [field, code] of OWNER_FIELDS) {
    const owner = wire.get(field);
    if (typeof owner !== "string") continue;
    const id = directory.find(owner);
    if (owner.trim() === "") wire.delete(field);
    else if (id === undefined) return { kind: "skip", reason: reason(code) };
    else wire.set(field, id);
  }
  return ready(Object.fromEntries(wire));
}
