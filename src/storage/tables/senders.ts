/**
 * What was sent is remembered per connector: if several share a remote, each goes by what it sent itself, and what
 * another one wrote is an edit like any other. The remote's row lists who ever sent something. In a stored fact, `sent`
 * is that of the first on the list, and what the others sent comes at the end: a remote with one connector pays
 * nothing.
 */
import mapValues from "lodash/mapValues";
import type { Fact, MirrorRow, RemoteRow } from "../port/rows";
import { walk } from "../database/slices";
import type { Lane, MirrorPatch } from "../port/store";
import { remoteRow, type Tables } from "./tables";

const UNKNOWN: Fact = [null, null, null];
/** Of a tenant that is not on the list. */
const NOWHERE = -1;
/** Replaces a tenant that was forgotten; the next one gets its place. */
const FREE = "";

/** Where a tenant is on the list. */
export function placeOf({ senders = [] }: RemoteRow, tenant: string): number {
  return senders.indexOf(tenant);
}

/** The same for one that sends now: it is added to the list if necessary. */
export function enlist(tables: Tables, remote: RemoteRow, tenant: string): number {
  const known = placeOf(remote, tenant);
  if (known !== NOWHERE) return known;
  const senders = [...(remote.senders ?? [])];
  const free = senders.indexOf(FREE);
  const place = free === NOWHERE ? senders.length : free;
  senders[place] = tenant;
  tables.remotes.put([remote.key], { ...remote, senders });
  return place;
}

type NewFact = MirrorPatch["facts"][string];

/** A row as the tenant in this place knows it: `sent` is what it sent itself. */
export function seenFrom(place: number, row: MirrorRow): MirrorRow {
  if (place === 0) return row;
  const facts: Record<string, Fact> = {};
  for (const [field, [remote, , confirmed, ...others]] of Object.entries(row.facts)) {
    facts[field] = [remote, others[place - 1] ?? null, confirmed];
  }
  return { ...row, facts };
}

/** A fact after a delivery by the tenant in this place; absent parts stay. */
export function factSent(
  before: Fact = UNKNOWN,
  place: number,
  { remote: there, sent, confirmed: shown }: NewFact,
): Fact {
  const [remote, first, known, ...others] = before;
  const confirmed = shown ?? known;
  if (place === 0) return [there ?? remote, sent ?? first, confirmed, ...others];
  if (sent !== undefined) {
    while (others.length < place) others.push(null);
    others[place - 1] = sent;
  }
  return [there ?? remote, first, confirmed, ...others];
}

/** A fact after a reading. */
export function factRead(before: Fact = UNKNOWN, there: string | null): Fact {
  // A fetch makes many millions of them, nearly all without others.
  if (before.length === 3) return [there, before[1], before[2]];
  const [, sent, confirmed, ...others] = before;
  return [there, sent, confirmed, ...others];
}

/** A fact after Hull confirmed what it was told. */
export function factConfirmed(before: Fact = UNKNOWN, confirmed: string | null): Fact {
  if (before.length === 3) return [before[0], before[1], confirmed];
  const [remote, sent, , ...others] = before;
  return [remote, sent, confirmed, ...others];
}

/** Forgets what the tenant sent. The remote's records stay, since others use them. */
export async function forgetSender(tables: Tables, { remote: key, tenant }: Lane): Promise<void> {
  const place = tables.kv.read(() => placeOf(remoteRow(tables, key), tenant));
  if (place === NOWHERE) return;
  await changeFacts(tables, key, (fact) => withoutSender(fact, place));
  await tables.kv.transact(() => {
    const remote = tables.remotes.get([key]);
    if (remote === undefined) return;
    const senders = (remote.senders ?? []).map((each) => (each === tenant ? FREE : each));
    tables.remotes.put([key], { ...remote, senders });
  });
}

function withoutSender(fact: Fact, place: number): Fact {
  const [remote, sent, confirmed, ...others] = fact;
  if ((place === 0 ? sent : (others[place - 1] ?? null)) === null) return fact;
  if (place === 0) return [remote, null, confirmed, ...others];
  return [remote, sent, confirmed, ...others.map((each, index) => (index === place - 1 ? null : each))];
}

/** What was sent so far, by any tenant, counts for each of these. */
export async function shareSent(tables: Tables, key: string, senders: readonly string[]): Promise<void> {
  const others = senders.slice(1);
  if (others.length > 0) {
    await changeFacts(tables, key, (fact) => {
      const [remote, sent, confirmed] = fact;
      return sent === null ? fact : [remote, sent, confirmed, ...others.map(() => sent)];
    });
  }
  await tables.kv.transact(() => {
    tables.remotes.put([key], { ...remoteRow(tables, key), senders });
  });
}

/** Changes facts, some rows at a time. @param change returns the same fact where nothing changes */
async function changeFacts(tables: Tables, remote: string, change: (fact: Fact) => Fact): Promise<void> {
  const rows = tables.mirrorInPassing;
  await walk(tables.kv, rows, [remote], (key, row) => {
    const facts = mapValues(row.facts, change);
    if (Object.entries(facts).some(([field, fact]) => row.facts[field] !== fact)) rows.put(key, { ...row, facts });
  });
}
