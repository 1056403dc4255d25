/** The remotes of an old store, with the numbers that they get. */
import times from "lodash/times";
import type { Rows } from "../../database/rows";
import type { DamagedName } from "../../port/disk";
import type { Fact, RemoteDocument } from "../../port/rows";
import { numberIn } from "../../tables/documents";
import { DEPTHS, DIVIDED, MIRRORS, RECORDS, REMOTES, TENANTS, walk, type Dictionary } from "./legacy";

/**
 * Those that have a row, or that a tenant points to; further ones are added when a row of theirs is met.
 *
 * @param onDamaged told of each remote whose row is damaged, and is made anew of what other rows tell
 */
export function readRemotes(rows: Rows, names: Dictionary, onDamaged: (row: DamagedName) => void) {
  const known = new Map<string, RemoteDocument>();
  /** For how many connectors counts what was sent, where rows do not tell it. */
  const sending = new Map<string, number>();
  const pointing = new Map<string, string[]>();
  for (const { key, value } of walk(rows, TENANTS, names)) {
    if (value?.remote === undefined) continue;
    pointing.set(value.remote, [...(pointing.get(value.remote) ?? []), String(key[0])]);
  }

  function of(key: string, row: Partial<RemoteDocument> = {}): RemoteDocument {
    const remote = known.get(key) ?? { generation: 1, scans: {}, senders: [], ...row, key, number: known.size + 1 };
    known.set(key, remote);
    return remote;
  }

  for (const { key, value } of walk(rows, REMOTES, names)) {
    const remote = String(key[0]);
    if (value !== undefined) {
      of(remote, { ...value, senders: value.senders?.map(names.named) });
      continue;
    }
    onDamaged({ table: REMOTES.name });
    const { generation, isShared } = tracesOf(rows, names, remote, pointing.get(remote) ?? []);
    of(remote, { generation });
    if (isShared) sending.set(remote, 0);
  }
  if (names.format < DIVIDED) {
    for (const [key, senders] of pointing) {
      known.set(key, { ...of(key), senders });
      sending.set(key, senders.length);
    }
  }

  return {
    /** One that is met for the first time gets the next number. */
    of: (key: string): RemoteDocument => of(key),
    all: (): readonly RemoteDocument[] => [...known.values()],
    /** The number of a connector at a remote, which it gets if it has none yet. */
    numberOf: (key: string, tenant: string): string => {
      const remote = of(key);
      const { senders = [] } = remote;
      const number = numberIn(remote, tenant);
      if (number === undefined) known.set(key, { ...remote, senders: [...senders, tenant] });
      return number ?? String(senders.length);
    },
    /** As it is stored today: with what each connector sent. */
    factOf: (key: string, fact: Fact): Fact => {
      const count = sending.get(key);
      const [remote, sent, told] = fact;
      if (count === undefined) return fact;
      return [remote, count === 0 ? null : sent, told, ...times(count - 1, () => sent)];
    },
    /** A row of the type was lost: what the last scan showed proves no absence. */
    distrust: (key: string, type: string): void => {
      const remote = of(key);
      const scan = remote.scans[type];
      if (scan !== undefined)
        known.set(key, { ...remote, scans: { ...remote.scans, [type]: { ...scan, startedAtMs: 0 } } });
    },
  };
}

/** What other rows tell of a remote whose own is lost. Who sent what is lost with it, if there may be several. */
function tracesOf(rows: Rows, names: Dictionary, remote: string, pointing: readonly string[]) {
  const tenants = new Set(pointing);
  let generation = 1;
  let senders = 1;
  for (const { key } of walk(rows, DEPTHS, names)) if (key[0] === remote) tenants.add(String(key[1]));
  for (const table of [MIRRORS, RECORDS]) {
    for (const { key, value } of walk<{ generation?: number; facts?: Record<string, Fact> }>(rows, table, names)) {
      if (key[0] !== remote) continue;
      generation = Math.max(generation, value?.generation ?? 1);
      for (const fact of Object.values(value?.facts ?? {})) senders = Math.max(senders, fact.length - 2);
    }
  }
  return { generation, isShared: Math.max(senders, tenants.size) > 1 };
}
