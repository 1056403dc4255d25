/** Where dead letters are: found by a short id, and listed in pages. */
import type { DeadLetterQuery } from "../port/dead-letters";
import { deadLetterId, placeOf, readPlace } from "../port/dead-letters";
import type { DeadLetterKey } from "../port/store";
import type { Refused } from "../port/rows";
import { numberIn, recordIn, tenantIn } from "./documents";
import { RECORDS, remoteRow } from "./tables";
import { allLanes, lanesOf, remoteNumbered } from "./tenants";
import type { Reader } from "./view";

/** Rows that one page looks at, whether they match the filter or not. */
const WALK = 1_000;

/** @param tenant whose dead letter it must be, if that matters */
export function findDeadLetter(view: Reader, id: string, tenant?: string): DeadLetterKey | undefined {
  for (const [, number = "", owner = "", type, hullId] of view.places(RECORDS, "deadIds", [id])) {
    const remote = remoteNumbered(view, number);
    if (remote === undefined) continue;
    const found = tenantIn(remoteRow(view, remote), owner);
    if (tenant === undefined || found === tenant)
      return { remote, tenant: found, type: String(type), hullId: String(hullId) };
  }
  return undefined;
}

/** One page in the order of the lanes and their keys. */
export function deadLetterPlaces(
  view: Reader,
  { tenant, type, code, run, q, after, limit }: DeadLetterQuery,
): { readonly places: readonly (DeadLetterKey & { readonly code: string })[]; readonly next?: string } {
  const lanes = tenant === undefined ? allLanes(view) : lanesOf(view, tenant);
  const start = after === undefined ? undefined : deadLetterAt(lanes, after);
  // The tenant was erased meanwhile, or the place belongs to somebody else.
  if (after !== undefined && start === undefined) return { places: [] };
  const part = q?.toLowerCase();
  const isChosen = (place: DeadLetterKey, { ending }: Refused): boolean =>
    (code === undefined || ending.code === code) &&
    (run === undefined || ending.run === run) &&
    (part === undefined || namesOf(view, place).some((name) => name.toLowerCase().includes(part)));
  const places: (DeadLetterKey & { readonly code: string })[] = [];
  let walked = 0;
  for (const place of placesBehind(view, lanes, start)) {
    walked += 1;
    const refused = type === undefined || place.type === type ? refusedAt(view, place) : undefined;
    if (refused !== undefined && isChosen(place, refused)) places.push({ ...place, code: refused.ending.code });
    if (places.length === limit || walked === WALK) return { places, next: placeOf(place) };
  }
  return { places };
}

/** Its content may stand apart. */
function refusedAt(view: Reader, { remote: key, tenant, type, hullId }: DeadLetterKey): Refused | undefined {
  const remote = remoteRow(view, key);
  return view.get(RECORDS, [remote.number, type, hullId])?.own[numberIn(remote, tenant) ?? ""]?.deadLetter;
}

/** By which people may know it. */
function namesOf(view: Reader, { remote: key, tenant, type, hullId }: DeadLetterKey): readonly string[] {
  const remote = remoteRow(view, key);
  const record = recordIn(view, [remote.number, type, hullId]);
  const { email, external_id, domain } = record?.own[numberIn(remote, tenant) ?? ""]?.deadLetter?.content.claims ?? {};
  return [hullId, email, external_id, domain].filter((name) => name !== undefined);
}

/** Lane by lane; the first one is read on behind the start, or from its beginning. */
function* placesBehind(
  view: Reader,
  lanes: readonly Pick<DeadLetterKey, "remote" | "tenant">[],
  start: DeadLetterKey | undefined,
): Generator<DeadLetterKey> {
  const begun =
    start === undefined
      ? 0
      : lanes.findIndex(({ remote, tenant }) => remote === start.remote && tenant === start.tenant);
  for (const [index, lane] of lanes.slice(Math.max(0, begun)).entries()) {
    const remote = remoteRow(view, lane.remote);
    const number = numberIn(remote, lane.tenant);
    if (number === undefined) continue;
    const prefix = [remote.number, Number(number)];
    const after = index === 0 && start !== undefined ? [...prefix, start.type, start.hullId] : undefined;
    for (const [, , type, hullId] of view.places(RECORDS, "dead", prefix, { after, limit: WALK })) {
      yield { ...lane, type: String(type), hullId: String(hullId) };
    }
  }
}

/** The key of a place. The dead letter itself may be closed by now, but its lane is still known. */
function deadLetterAt(
  lanes: readonly Pick<DeadLetterKey, "remote" | "tenant">[],
  place: string,
): DeadLetterKey | undefined {
  const [id, type = "", hullId = ""] = readPlace(place) ?? [];
  return lanes.map((lane) => ({ ...lane, type, hullId })).find((key) => deadLetterId(key) === id);
}
