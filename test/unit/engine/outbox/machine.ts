/** The outbox's rules without a store: two records (a company and its user) at two remotes, of two connectors, in memory. */
import { accepted, fingerprintOf, hindered } from "../../../../src/engine/outbox/events/accepted";
import { attempted, lost } from "../../../../src/engine/outbox/events/attempted";
import { childAfter, parentMade } from "../../../../src/engine/outbox/events/children";
import {
  ownOf,
  unseen,
  withFlight,
  withOwn,
  type Change,
  type Moment,
} from "../../../../src/engine/outbox/events/document";
import { erased, forgotten } from "../../../../src/engine/outbox/events/forgotten";
import { moved } from "../../../../src/engine/outbox/events/moved";
import { replayed, type Replayed } from "../../../../src/engine/outbox/events/replayed";
import { settled, unfolded } from "../../../../src/engine/outbox/events/settled";
import { deferred, told, toldFolded } from "../../../../src/engine/outbox/events/told";
import type { HullUpdateRow, Outcome, OwnPart, RecordDocument } from "../../../../src/storage/port/rows";
import type { Acceptance, Settlement } from "../../../../src/storage/port/store";

export type Name = "a" | "e";
/** A connector's part of a record at a remote. */
export interface Place {
  readonly remote: number;
  readonly name: Name;
  readonly number: string;
}

export const NUMBERS = ["0", "1"] as const;
export const NAMES = ["a", "e"] as const;
export const REMOTES = [0, 1] as const;

export const typeOf = (name: Name): string => (name === "a" ? "companies" : "endusers");

export interface Machine {
  readonly clock: { nowMs: number };
  /** What has ended so far, in order. */
  readonly ended: (Place & { readonly outcome: Outcome })[];
  /** What has ended of which only the number is known: messages, and records made for their children. */
  readonly folded: { messages: number; derived: number };
  document(place: Place): RecordDocument | undefined;
  /** What is known of it, what is in flight included. */
  own(place: Place): OwnPart;
  fingerprint(place: Place): string | undefined;
  /** @param first ids that are here for the first time */
  accept(place: Place, given: Acceptance, first: ReadonlySet<string>): void;
  attempt(place: Place, seq: number, repeatable: boolean): boolean;
  /** @returns whether a parent was made */
  settle(place: Place, settlement: Settlement): boolean;
  hullUpdate(place: Place): HullUpdateRow | undefined;
  told(place: Place, row: HullUpdateRow, refused?: Outcome): void;
  defer(place: Place): void;
  replay(place: Place): Replayed | undefined;
  erase(place: Place): void;
  move(number: string, from: number, to: number): void;
  /** The process ends, and another one starts. */
  die(): void;
}

export function createMachine(): Machine {
  const clock = { nowMs: 1_750_000_000_000 };
  const documents = new Map<string, RecordDocument | undefined>();
  /** By remote and content: what is in flight at one is not in flight at another. */
  const flights = new Map<string, number>();
  const ended: Machine["ended"] = [];
  const folded = { messages: 0, derived: 0 };
  let seqs = 0;

  const keyOf = ({ remote, name }: Place): string => `${remote}/${name}`;
  const momentOf = ({ number, remote }: Place): Moment => ({
    nowMs: clock.nowMs,
    number,
    generation: 1,
    nextSeq: () => (seqs += 1),
    flightOf: (seq) => flights.get(`${remote}/${seq}`),
  });
  const stored = (place: Place): RecordDocument | undefined => documents.get(keyOf(place));
  const document = (place: Place): RecordDocument | undefined => withFlight(stored(place), momentOf(place));
  const put = (place: Place, next: RecordDocument | undefined): void => void documents.set(keyOf(place), next);
  const note = (place: Place, outcomes: readonly Outcome[]): void =>
    outcomes.forEach((outcome) => ended.push({ ...place, outcome }));
  const noteFolded = (counts: ReturnType<typeof unfolded>): void =>
    counts.forEach(({ derived, times }) => (folded[derived ? "derived" : "messages"] += times));

  /** Writes what an event came to, and moves the children that wait for the record. */
  function carryOut(place: Place, change: Change): void {
    put(place, change.document);
    note(place, change.ended ?? []);
    for (const effect of change.effects ?? []) {
      if (effect.kind !== "children" || place.name !== "a") continue;
      const { what } = effect;
      for (const number of NUMBERS.filter((each) => what.tenant === undefined || what.tenant === each)) {
        const child: Place = { ...place, name: "e", number };
        const before = stored(child);
        const at = momentOf(child);
        if (before === undefined || ownOf(before, at).entry?.blockedOn !== "a") continue;
        carryOut(child, childAfter(before, what, "companies a", "id", at));
      }
    }
  }

  function settle(place: Place, settlement: Settlement): boolean {
    const before = document(place);
    if (before === undefined) return false;
    const at = momentOf(place);
    const worked = (ownOf(before, at).entry?.attempt ?? ownOf(before, at).entry)?.content;
    const company: Place = { ...place, name: "a" };
    const change = settled(before, settlement, () => "id", stored(company), at);
    carryOut(place, change);
    flights.delete(`${place.remote}/${settlement.seq}`);
    if (change.makes === undefined || worked === undefined) return false;
    const made = parentMade(stored(company), worked, change.makes, at);
    carryOut(company, { ...made, document: made.document ?? stored(company) });
    return made.isMade;
  }

  return {
    clock,
    ended,
    folded,
    document,
    own: (place) => ownOf(document(place), momentOf(place)),
    fingerprint: (place) => fingerprintOf(document(place), momentOf(place)),
    accept: (place, given, first) => {
      const at = momentOf(place);
      const before = document(place);
      if (hindered(before, given, at) !== undefined) throw new Error("Nothing hinders a message of this test.");
      carryOut(place, accepted(before, given, { first, recent: undefined }, at));
    },
    attempt: (place, seq, repeatable) => {
      const next = attempted(
        document(place),
        { type: typeOf(place.name), hullId: place.name, seq, repeatable },
        momentOf(place),
      );
      if (next === undefined) return false;
      put(place, next);
      if (repeatable) flights.set(`${place.remote}/${seq}`, clock.nowMs);
      return true;
    },
    settle,
    hullUpdate: (place) => {
      const { hullUpdate } = ownOf(stored(place), momentOf(place));
      return hullUpdate && { tenant: place.number, type: typeOf(place.name), hullId: place.name, ...hullUpdate };
    },
    told: (place, row, refused) => {
      const change = told(stored(place), row, refused, momentOf(place));
      if (change === undefined) return;
      carryOut(place, change);
      noteFolded(toldFolded(row, refused));
    },
    defer: (place) => {
      const before = stored(place);
      if (before !== undefined) put(place, deferred(before, clock.nowMs + 10, 1, momentOf(place)));
    },
    replay: (place) => {
      const before = document(place);
      const { deadLetter } = ownOf(before, momentOf(place));
      if (before === undefined || deadLetter === undefined) return undefined;
      const change = replayed(before, deadLetter, false, momentOf(place));
      carryOut(place, change);
      return change;
    },
    erase: (place) => {
      const before = stored(place);
      if (before === undefined) return;
      const at = momentOf(place);
      noteFolded(unfolded(ownOf(before, at).hullUpdate ?? {}));
      const left = withOwn(before, at, { entry: undefined, hullUpdate: undefined });
      carryOut(place, { ...forgotten(before, at), document: left });
      put(place, erased(stored(place) ?? unseen(), at));
    },
    move: (number, from, to) => {
      for (const name of NAMES) {
        const place: Place = { remote: from, name, number };
        const there: Place = { remote: to, name, number };
        const before = stored(place);
        if (before === undefined) continue;
        const result = moved(before, stored(there), momentOf(place), momentOf(there));
        carryOut(place, { document: result.from, ended: result.ended });
        put(there, result.to);
      }
    },
    die: () => {
      flights.clear();
      for (const remote of REMOTES) {
        for (const name of NAMES) {
          for (const number of NUMBERS) {
            const place: Place = { remote, name, number };
            const before = stored(place);
            const at = momentOf(place);
            const loss = before && lost(before, { tenant: number, type: typeOf(name), hullId: name }, 5, at);
            if (loss !== undefined) settle(place, loss);
          }
        }
      }
    },
  };
}
