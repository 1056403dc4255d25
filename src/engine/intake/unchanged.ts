/**
 * Most of what Hull sends changes nothing. A message that says the same as the last unchanged one of its record is
 * recognised by a fingerprint, and ends without being planned or compared again.
 */
import chunk from "lodash/chunk";
import type { Service } from "../../services/service";
import { connectorOf } from "../../storage/port/lane";
import type { Acceptance, Store } from "../../storage/port/store";
import type { Candidate } from "./plans";
import type { MergedMessage } from "./message";
import { outcomeOf, reason, type Reason } from "../../outcome/outcome";
import type { Tenant } from "../tenants";
import { mapYielding } from "../../yielding";
import { typeOf } from "../../services/types";

/** A message that says the same as the last unchanged one of its record. */
export interface SameAsLast extends MergedMessage {
  readonly type: string;
  readonly fingerprint: string;
}

/** Records that are looked up at once. */
export const LOOKS = 200;

/** A write-back takes this long to show up in notifications; before that, a missing id is not a change. */
const ECHO_MS = 10 * 60_000;

/** Whether Hull showed the remote id with the message; without it, the verdict is valid only for a while. */
const SHOWN = "+";
const HIDDEN = "-";

/**
 * Hull lost the id that it confirmed long ago (a profile created anew): it is told again.
 *
 * @param version of a message that shows no id; milliseconds since 1970
 */
export function isForgotten(version: number, confirmedAtMs: number | undefined): boolean {
  return confirmedAtMs !== undefined && version > confirmedAtMs + ECHO_MS;
}

/** Whether what is remembered is about the remote that the settings name; otherwise the lane finds out first. */
export function isComparable<S>(tenant: Tenant<S>): boolean {
  return tenant.fingerprint === tenant.target?.fingerprint;
}

/** Sets aside messages that need no comparison. */
export async function checkUnchanged<S>(
  store: Pick<Store, "fingerprints">,
  service: Service<S>,
  tenant: Tenant<S>,
  merged: readonly MergedMessage[],
): Promise<{ readonly same: readonly SameAsLast[]; readonly others: readonly MergedMessage[] }> {
  const { settings, remote } = tenant;
  const [head] = merged;
  const type = head && typeOf(service, head.message.entity);
  if (settings === undefined || remote === undefined || type === undefined || !isComparable(tenant)) {
    return { same: [], others: merged };
  }
  const ids = merged.map(({ message }) => message.id);
  const lane = { remote, tenant: tenant.key };
  const parts = await mapYielding(chunk(ids, LOOKS), (part) => store.fingerprints(lane, type, part));
  const known = (await Promise.all(parts)).flat();
  const same: SameAsLast[] = [];
  const others: MergedMessage[] = [];
  await mapYielding(merged, (each, index) => {
    const before = known[index];
    if (before === undefined) {
      others.push(each);
      return;
    }
    const { message, mergedIds } = each;
    const made = fingerprintOf(service, tenant, settings, each) ?? null;
    const isHidden = before.fingerprint.endsWith(HIDDEN);
    const isSame = made !== null && before.fingerprint === made + (isHidden ? HIDDEN : SHOWN);
    if (isSame && !(isHidden && isForgotten(message.version, before.confirmedAtMs))) {
      same.push({ message, mergedIds, type, fingerprint: before.fingerprint });
    } else others.push({ message, mergedIds, made }); // made once, also for what is remembered afterwards
  });
  return { same, others };
}

export const inSync = <S>({ outcomes }: Service<S>): Reason => reason("in_sync", undefined, outcomes);

export function acceptanceOfSame<S>(
  service: Service<S>,
  { type, message, mergedIds, fingerprint }: SameAsLast,
  tenant: Tenant<S>,
  atMs: number,
): Acceptance {
  const { messageId, version, undated } = message;
  return {
    tenant: tenant.key,
    remote: tenant.remote,
    type,
    hullId: message.id,
    messageId,
    version,
    undated,
    merged: mergedIds,
    content: {
      kind: "same",
      outcome: outcomeOf({ messageId, counted: true }, "unchanged", inSync(service), atMs),
      fingerprint,
    },
  };
}

/**
 * What is remembered of a message that is unchanged, or delivered: only of the entity's own record, and only if it has
 * no warning, since a warning must be logged every time.
 */
export function lastingFingerprint<S>(
  service: Service<S>,
  tenant: Tenant<S>,
  { message, mergedIds, plan, made }: Candidate,
): string | undefined {
  const { settings } = tenant;
  if (plan.kind !== "record" || settings === undefined || plan.warnings.length > 0) return undefined;
  if (plan.type !== typeOf(service, message.entity)) return undefined;
  const fingerprint = made === undefined ? fingerprintOf(service, tenant, settings, { message, mergedIds }) : made;
  return fingerprint === undefined || fingerprint === null
    ? undefined
    : fingerprint + (plan.hintId === undefined ? HIDDEN : SHOWN);
}

/** Tenants of one remote may map differently. Exports send even what is equal, so they never have one. */
function fingerprintOf<S>(
  service: Service<S>,
  tenant: Tenant<S>,
  settings: S,
  { message }: MergedMessage,
): string | undefined {
  const fingerprint = message.isExport ? undefined : service.fingerprint(message, settings);
  return fingerprint === undefined ? undefined : `${connectorOf(tenant.key)} ${fingerprint}`;
}
