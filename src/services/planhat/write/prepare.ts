/** The last step from desired values to wire values: custom fields are checked, and owners become ids. */
import { reason } from "../reasons";
import type { Desired } from "../../../record";
import type { Prepared } from "../../connection";
import type { CustomField } from "../api/custom-fields";
import { checkCustom, hasCustomFields } from "./custom-values";
import type { Ready } from "./custom-values";
import { attempt, isFailed, waitOf } from "../api/failure";
import type { Failed } from "../api/failure";
import { COMPANIES, OWNER_FIELDS } from "../object-types";
import type { Directory, Owners } from "../api/owners";
import type { MappingRow } from "../settings/settings";

export interface PrepareDeps {
  readonly owners: Owners;
  /** Undefined when they cannot be known: custom fields go unchecked then. @throws RemoteError, UnexpectedAnswer */
  readonly customFields: () => Promise<readonly CustomField[] | undefined>;
  /** The mapping of the type. */
  readonly rows: readonly MappingRow[];
}

/**
 * Only what a record names is read: without an owner it never waits for the list of team members, without
 * custom fields never for their definitions.
 */
export async function prepareRecords(
  type: string,
  records: readonly Desired[],
  { owners, customFields, rows }: PrepareDeps,
): Promise<readonly Prepared[]> {
  const named = type === COMPANIES.name && records.some(namesOwner);
  const directory = named ? await attempt(() => owners.directory()) : undefined;
  const known = records.some(hasCustomFields) ? await attempt(customFields) : undefined;
  const checked = known === undefined || isFailed(known) ? undefined : checkCustom(type, records, rows, known);
  return records.map((record, index) => {
    if (isFailed(known) && hasCustomFields(record)) return later("The custom fields could not be checked", known);
    const ready: Ready = checked?.[index] ?? { kind: "ready", fields: record.fields };
    if (type !== COMPANIES.name || !namesOwner(record) || directory === undefined) return ready;
    if (isFailed(directory)) return later("The owner could not be looked up", directory);
    return withOwners(ready, directory);
  });
}

function later(what: string, error: Failed): Prepared {
  return { kind: "later", waitMs: waitOf(error), message: `${what}: ${error.message}` };
}

function namesOwner(record: Desired): boolean {
  return OWNER_FIELDS.some(([field]) => typeof record.fields[field] === "string");
}

function withOwners(ready: Ready, directory: Directory): Prepared {
  const wire = new Map(Object.entries(ready.fields));
  for (const [field, code] of OWNER_FIELDS) {
    const owner = wire.get(field);
    if (typeof owner !== "string") continue;
    const id = directory.find(owner);
    if (owner.trim() === "") wire.delete(field);
    else if (id === undefined) return { kind: "end", outcome: "skipped", reason: reason(code) };
    else wire.set(field, id);
  }
  return { ...ready, fields: Object.fromEntries(wire) };
}
