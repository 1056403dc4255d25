/**
 * Random histories of the outbox's rules against a model that knows little: of each record and connector, which message
 * waits and which one is in flight. See `machine.ts` for what carries the rules out.
 */
import fc from "fast-check";
import isEqual from "lodash/isEqual";
import mapValues from "lodash/mapValues";
import pickBy from "lodash/pickBy";
import type { Content, UnconfirmedCreate } from "../../../../src/storage/port/rows";
import type { Acceptance, Settlement } from "../../../../src/storage/port/store";
import { endingOf, inSync, parentOf, patch, skip, update, type MessageOptions } from "../../storage/builders";
import { createMachine, NAMES, NUMBERS, REMOTES, typeOf, type Name, type Place } from "./machine";

/** `HISTORIES=8000 SEED=5` looks further, after changes of the rules. */
const HISTORIES = Number(process.env["HISTORIES"] ?? 400);
const MOST_EVENTS = 40;

const ARRIVALS = [
  "update",
  "update",
  "update",
  "undated",
  "merged",
  "older",
  "redelivered",
  "skip",
  "unchanged",
  "same",
] as const;
const ENDS = ["tell", "tell", "sent", "partly", "rejected", "dead", "unconfirmed", "skipped"] as const;
const WAITS = ["wait", "written", "lose", "lose", "gone", "block", "block"] as const;
const REST = ["look", "confirm", "refuse", "defer", "replay", "replay", "erase", "move", "die", "tick"] as const;
/** How long a lost create is not looked for. */
const SETTLE_MS = 500;

/** An event of the same record, by the other connector if the second part says so. */
type Step = readonly [kind: Kind, who?: "other"];

const DELIVERY: readonly Step[] = [["update"], ["take"], ["tell"]];
const times = (count: number, steps: readonly Step[]): readonly Step[] =>
  Array<readonly Step[]>(count).fill(steps).flat();

/** Several events at once, so that deep states are reached often. */
const ROWS: Readonly<Record<string, readonly Step[]>> = {
  start: [["update"], ["take"], ["create"]],
  startAgain: [["update"], ["take"], ["repeatable"]],
  loseOne: [["update"], ["take"], ["create"], ["lose"]],
  race: [["update"], ["update", "other"], ["take"], ["take", "other"], ["create", "other"], ["lose", "other"]],
  raceStarted: [["update"], ["take"], ["create"], ["update", "other"], ["take", "other"], ["lose", "other"]],
  orphan: [["update"], ["take"], ["block"]],
  refuseOne: [["update"], ["take"], ["rejected"]],
  busy: times(5, DELIVERY),
  toldBetween: [...DELIVERY, ["look"], ...DELIVERY, ["confirm"]],
  // Hull is told of the first ones, while so many come that some of those are only counted.
  flood: [...times(3, DELIVERY), ["look"], ...times(24, DELIVERY), ["confirm"]],
};
const KINDS = [
  ...ARRIVALS,
  ...([
    "start",
    "start",
    "startAgain",
    "loseOne",
    "loseOne",
    "orphan",
    "orphan",
    "refuseOne",
    "race",
    "race",
    "raceStarted",
    "busy",
    "toldBetween",
    "flood",
  ] as const),
  ...(["take", "take", "take", "create", "create", "repeatable"] as const),
  ...ENDS,
  ...WAITS,
  ...REST,
] as const;
type Kind = (typeof KINDS)[number];

interface Event {
  readonly kind: Kind;
  readonly name: Name;
  readonly number: string;
  /** What a message says: forced, and that the phone was cleared, or is still empty. */
  readonly force: boolean;
  readonly phone: "cleared" | "empty" | "there";
}

const event: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc.constantFrom<Name>("a", "e"),
  number: fc.constantFrom("0", "0", "1"),
  force: fc.boolean(),
  phone: fc.constantFrom("cleared", "empty", "there"),
});

/** A message as far as the model knows it. */
interface Message {
  readonly id: string;
  readonly version: number;
  readonly derived: boolean;
  readonly isEmpty: boolean;
  force: boolean;
  readonly cleared: boolean;
}

/** What a connector has to do for a record. */
interface Slot {
  waiting?: Message | undefined;
  flight?: Message | undefined;
  /** Nothing shall be sent of it any more, once it is not in flight. */
  isWithdrawn: boolean;
  /** Newest version that was taken in to be sent. */
  newest: number;
}

const NOTHING: Partial<Slot> = {};

const PLACES: readonly Place[] = REMOTES.flatMap((remote) =>
  NAMES.flatMap((name) => NUMBERS.map((number) => ({ remote, name, number }))),
);

/** What a lane has in its hands. */
interface Held {
  readonly place: Place;
  readonly seq: number;
  readonly message: Message;
  readonly knew: UnconfirmedCreate | undefined;
}

/** The newer message goes; what must not be lost of the older one stays. */
function replaced(older: Message | undefined, newer: Message): Message {
  if (older === undefined || older.derived) return { ...newer };
  return { ...newer, force: newer.force || older.force, cleared: newer.cleared || (older.cleared && newer.isEmpty) };
}

class Counts extends Map<string, number> {
  add(key: string, by = 1): void {
    this.set(key, this.of(key) + by);
  }
  of(key: string): number {
    return this.get(key) ?? 0;
  }
  sum(): number {
    return [...this.values()].reduce((sum, count) => sum + count, 0);
  }
}

function createHistory() {
  const machine = createMachine();
  const slots = new Map<string, Slot>();
  /** Newest version seen of a record, of whichever connector. */
  const seen = new Counts();
  const dead = new Set<string>();
  /** How often each message is to end, and has ended; so for records made for their children. */
  const [owed, ended] = [new Counts(), new Counts()];
  const derived = { made: 0, ended: 0 };
  const remotes = new Map<string, number>(NUMBERS.map((number) => [number, 0]));
  const sent = new Map<string, MessageOptions[]>();
  const held = new Map<string, Held>();
  const looked = new Map<
    string,
    { readonly place: Place; readonly row: ReturnType<typeof machine.hullUpdate> & object }
  >();
  let read = 0;
  let messages = 0;

  const placeOf = (name: Name, number: string): Place => ({ name, number, remote: remotes.get(number) ?? 0 });
  const laneOf = ({ name, number }: Omit<Place, "remote">): string => `${name}/${number}`;
  const recordOf = ({ remote, name }: Omit<Place, "number">): string => `${remote}/${name}`;
  const deadOf = (place: Place): string => `${recordOf(place)}/${place.number}`;
  function slotOf(place: Omit<Place, "remote">): Slot {
    const slot = slots.get(laneOf(place)) ?? { isWithdrawn: false, newest: 0 };
    slots.set(laneOf(place), slot);
    return slot;
  }

  /** Counts what ended, and learns which children went with their parent. */
  function readEnds(): void {
    for (const { outcome, ...place } of machine.ended.slice(read)) {
      if (outcome.counted && outcome.derived === true) derived.ended += 1;
      else if (outcome.counted) ended.add(outcome.messageId);
      if (!outcome.code.startsWith("parent_")) continue;
      const slot = slotOf(place);
      expect(slot.waiting?.id).toBe(outcome.messageId);
      slot.waiting = undefined;
      dead.add(deadOf(place));
    }
    read = machine.ended.length;
  }

  function messageOf({ name, number, force, phone, kind }: Event): MessageOptions {
    messages += 1;
    return {
      id: `${number}-m${messages}`,
      type: typeOf(name),
      hullId: name,
      version: (kind === "older" ? 6 : 10) + messages,
      force,
      fields: { phone: phone === "there" ? "1" : null },
      cleared: phone === "cleared" ? ["phone"] : [],
      merged: kind === "merged" ? [`${number}-m${messages}-older`] : [],
      ...(name === "e" && { parent: "a" }),
    };
  }

  function arrive(current: Event): void {
    const { kind, name, number } = current;
    const place = placeOf(name, number);
    const fingerprint = machine.fingerprint(place);
    if (kind === "same" && fingerprint === undefined) return;
    const before = sent.get(laneOf(place)) ?? [];
    const options = (kind === "redelivered" ? before.at(-1) : undefined) ?? messageOf(current);
    sent.set(laneOf(place), [...before, options]);
    const { id = "", version = 0, merged = [], force = false } = options;
    const given = acceptanceOf(kind, options, machine.document(place)?.revision ?? 0, fingerprint ?? "");
    const first = new Set([id, ...merged].filter((each) => !owed.has(each)));
    for (const each of first) owed.add(each);
    const earlier = machine.own(place).entry;
    machine.accept(place, given, first);
    const later = machine.own(place).entry;
    if (earlier !== undefined && later !== undefined && machine.document(place)?.unconfirmed !== undefined) {
      // Nothing that Hull says makes the answer to a lost create come sooner.
      expect(later.notBeforeMs).toBeGreaterThanOrEqual(earlier.notBeforeMs);
    }

    const counts = kind === "undated" ? Math.max(version, seen.of(recordOf(place))) : version;
    if (counts < seen.of(recordOf(place))) return;
    seen.set(recordOf(place), counts);
    const slot = slotOf(place);
    if (kind === "skip") {
      if (slot.waiting?.derived !== true) slot.waiting = undefined;
      slot.isWithdrawn ||= slot.flight?.derived === false;
      return;
    }
    if (kind === "same" || (kind === "unchanged" && slot.waiting === undefined && slot.flight === undefined)) {
      dead.delete(deadOf(place));
      return;
    }
    const isEmpty = options.fields?.["phone"] === null;
    const cleared = (options.cleared ?? []).length > 0;
    slot.waiting = replaced(slot.waiting, { id, version: counts, derived: false, force, isEmpty, cleared });
    slot.isWithdrawn = false;
    slot.newest = counts;
  }

  /** A lane takes what is due. */
  function take(place: Place): void {
    const { entry } = machine.own(place);
    const { waiting } = slotOf(place);
    const isDue = entry?.attempt === undefined && entry?.blockedOn === undefined;
    if (!isDue || entry?.content === undefined || entry.notBeforeMs > machine.clock.nowMs || waiting === undefined)
      return;
    const knew = machine.document(place)?.unconfirmed;
    held.set(laneOf(place), { place, seq: entry.content.seq, message: waiting, knew });
  }

  function attempt(place: Place, repeatable: boolean): void {
    const work = held.get(laneOf(place));
    if (work === undefined) return;
    const slot = slotOf(place);
    const isStarted = machine.attempt(work.place, work.seq, repeatable);
    expect(isStarted).toBe(slot.waiting === work.message && slot.flight === undefined);
    if (isStarted) Object.assign(slot, { flight: slot.waiting, waiting: undefined });
    else if (slot.flight !== work.message) held.delete(laneOf(place));
  }

  function settle(kind: Kind, lane: Omit<Place, "remote">): void {
    const work = held.get(laneOf(lane));
    if (work === undefined || (kind === "block" && lane.name === "a")) return;
    held.delete(laneOf(lane));
    const { place, message } = work;
    const slot = slotOf(lane);
    const isCurrent = (slot.flight ?? slot.waiting) === message && place.remote === remotes.get(place.number);
    const settlement = settlementOf(kind, work, machine.document(place)?.remoteId, machine.clock.nowMs);
    if (machine.settle(place, settlement)) {
      derived.made += 1;
      slotOf({ ...place, name: "a" }).waiting = {
        ...message,
        version: 0,
        derived: true,
        isEmpty: true,
        force: false,
        cleared: false,
      };
    }
    if (!isCurrent) return;
    if (kind === "lose") expectLooked(place);
    const { then } = settlement;
    const isFlight = slot.flight === message;
    if (then.kind === "tell" || then.kind === "end") {
      if (isFlight) slot.flight = undefined;
      else slot.waiting = undefined;
      const { outcome } = then.outcome;
      if (outcome === "sent") dead.delete(deadOf(place));
      else if (outcome !== "skipped") dead.add(deadOf(place));
    } else {
      if (kind === "written") message.force = false;
      if (isFlight) land(slot);
    }
    if (slot.flight === undefined) slot.isWithdrawn = false;
  }

  /** So much time that what was lost can be found: whoever still works on the record decides. */
  function wait(): void {
    machine.clock.nowMs += SETTLE_MS;
    everybodyKnows();
  }

  function everybodyKnows(): void {
    for (const [lane, work] of held) held.set(lane, { ...work, knew: machine.document(work.place)?.unconfirmed });
  }

  /** A create was lost: it is remembered, and nobody looks for it before its time. */
  function expectLooked(place: Place): void {
    expect(machine.document(place)?.unconfirmed).toBeDefined();
    for (const number of NUMBERS) {
      const { entry } = machine.own({ ...place, number });
      if (entry !== undefined) expect(entry.notBeforeMs).toBeGreaterThanOrEqual(machine.clock.nowMs + SETTLE_MS);
    }
  }

  /** What was in flight waits again, unless there is something newer. */
  function land(slot: Slot): void {
    if (slot.flight === undefined) return;
    if (slot.waiting !== undefined) slot.waiting = replaced(slot.flight, slot.waiting);
    else slot.waiting = slot.isWithdrawn ? undefined : slot.flight;
    slot.flight = undefined;
    slot.isWithdrawn = false;
  }

  function replay(place: Place): void {
    const { deadLetter } = machine.own(place);
    const result = machine.replay(place);
    if (deadLetter === undefined || result === undefined) return;
    const { content } = deadLetter;
    if (result.counts === "derived") derived.made += 1;
    if (result.counts === "messages") owed.add(content.messageId);
    if (result.state === "superseded") dead.delete(deadOf(place));
    if (result.state !== "queued") return;
    const slot = slotOf(place);
    slot.waiting = replaced(slot.waiting, shownOf(content));
    slot.isWithdrawn = false;
  }

  function erase(place: Place): void {
    machine.erase(place);
    slots.delete(laneOf(place));
    dead.delete(deadOf(place));
    if (machine.document(place) === undefined) seen.delete(recordOf(place));
  }

  function move(number: string): void {
    const from = remotes.get(number) ?? 0;
    const to = 1 - from;
    machine.move(number, from, to);
    remotes.set(number, to);
    // It left while a create was in flight, and nobody knows when that can be found: whoever is left decides.
    everybodyKnows();
    for (const name of NAMES) {
      const slot = slotOf({ name, number });
      land(slot);
      const there = recordOf({ remote: to, name });
      if (slot.waiting === undefined) continue;
      if (seen.of(there) > slot.waiting.version) {
        slot.waiting = undefined;
        continue;
      }
      // Whoever worked on it worked for the old remote.
      slot.waiting = { ...slot.waiting };
      seen.set(there, Math.max(seen.of(there), seen.of(recordOf({ remote: from, name }))));
    }
  }

  function die(): void {
    const creates = PLACES.filter((place) => machine.own(place).entry?.attempt?.kind === "create");
    machine.die();
    for (const place of creates) expect(machine.document(place)?.unconfirmed).toBeDefined();
    held.clear();
    for (const slot of slots.values()) land(slot);
  }

  function look(place: Place): void {
    const row = machine.hullUpdate(place);
    if (row !== undefined) looked.set(laneOf(place), { place, row });
  }

  function tell(kind: "confirm" | "refuse" | "defer", lane: Omit<Place, "remote">): void {
    const found = looked.get(laneOf(lane));
    looked.delete(laneOf(lane));
    if (found === undefined) return;
    if (kind === "defer") machine.defer(found.place);
    else machine.told(found.place, found.row, kind === "refuse" ? endingOf("", "sent", "hull_refused") : undefined);
  }

  function step(current: Event): void {
    const { kind } = current;
    const place = placeOf(current.name, current.number);
    if (isOneOf(ARRIVALS, kind)) arrive(current);
    else if (isOneOf(ENDS, kind) || isOneOf(WAITS, kind)) settle(kind, current);
    else if (kind === "take") take(place);
    else if (kind === "create" || kind === "repeatable") attempt(place, kind === "repeatable");
    else if (kind === "look") look(place);
    else if (kind === "confirm" || kind === "refuse" || kind === "defer") tell(kind, current);
    else if (kind === "replay") replay(place);
    else if (kind === "erase") erase(place);
    else if (kind === "move") move(current.number);
    else if (kind === "die") die();
    else wait();
  }

  function run(current: Event): void {
    machine.clock.nowMs += 1;
    const others = current.number === "0" ? "1" : "0";
    for (const [kind, who] of ROWS[current.kind] ?? [[current.kind]]) {
      runOne({ ...current, kind, number: who === "other" ? others : current.number });
    }
  }

  /** An event, and whether it lost sight of a create that may have arrived. */
  function runOne(current: Event): void {
    const { kind } = current;
    const work = isOneOf(ENDS, kind) || isOneOf(WAITS, kind) ? held.get(laneOf(current)) : undefined;
    const replayedCode =
      kind === "replay" ? machine.own(placeOf(current.name, current.number)).deadLetter?.ending.code : "";
    const before = openCreates();
    step(current);
    readEnds();
    const after = openCreates();
    for (const [record, { sinceMs }] of before) {
      if (after.has(record)) continue;
      const hasDecided = work?.knew?.sinceMs === sinceMs || isFound(kind) || replayedCode === "unconfirmed";
      const isGone = kind === "erase" && machine.document(placeOf(current.name, current.number)) === undefined;
      expect({ current, record, isAllowed: hasDecided || isGone }).toMatchObject({ isAllowed: true });
    }
  }

  function openCreates(): Map<string, UnconfirmedCreate> {
    const records = REMOTES.flatMap((remote) => NAMES.map((name) => ({ remote, name, number: "0" })));
    return new Map(
      records.flatMap((place) => {
        const unconfirmed = machine.document(place)?.unconfirmed;
        return unconfirmed === undefined ? [] : [[recordOf(place), unconfirmed] as const];
      }),
    );
  }

  /** Everything that the rules hold against everything that the model knows. */
  function compare(): void {
    const open = { messages: 0, derived: 0 };
    const count = (is: { readonly counted: boolean; readonly derived?: boolean | undefined } | undefined): void => {
      if (is?.counted === true) open[is.derived === true ? "derived" : "messages"] += 1;
    };
    for (const place of PLACES) {
      const { entry, hullUpdate, deadLetter } = machine.own(place);
      const record = recordOf(place);
      const { waiting, flight, newest = 0 } = remotes.get(place.number) === place.remote ? slotOf(place) : NOTHING;
      agree(place, {
        version: [machine.document(place)?.version ?? seen.of(record), seen.of(record)],
        waits: [entry?.content && shownOf(entry.content), waiting],
        flies: [entry?.attempt && shownOf(entry.attempt.content), flight],
        entry: [entry !== undefined, (waiting ?? flight) !== undefined],
        newest: [waiting?.derived === false && waiting.version < newest, false],
        dead: [deadLetter !== undefined, dead.has(deadOf(place))],
        orphan: [entry?.blockedOn !== undefined && machine.own({ ...place, name: "a" }).entry === undefined, false],
      });
      [entry?.content, entry?.attempt?.content, ...(hullUpdate?.outcomes ?? [])].forEach(count);
      for (const [key, often] of Object.entries(hullUpdate?.folded ?? {})) {
        open[key.includes("true") ? "derived" : "messages"] += often;
      }
    }
    agree("counts", {
      twice: [[...ended].filter(([id, often]) => often > owed.of(id)), []],
      messages: [ended.sum() + machine.folded.messages + open.messages, owed.sum()],
      derived: [derived.ended + machine.folded.derived + open.derived, derived.made],
    });
  }

  /** Everybody behaves well from now on. */
  function drain(): void {
    const calm = { kind: "tell", force: false, phone: "there" } as const;
    run({ ...calm, kind: "die", name: "a", number: "0" });
    for (let round = 0; round < 4; round += 1) {
      wait();
      for (const name of NAMES) {
        for (const number of NUMBERS) {
          for (const kind of ["take", "tell"] as const) run({ ...calm, kind, name, number });
        }
      }
    }
    for (const place of PLACES) {
      const row = machine.hullUpdate(place);
      if (row !== undefined) machine.told(place, row);
      expect(machine.own(place).entry).toBeUndefined();
      expect(machine.hullUpdate(place)).toBeUndefined();
    }
    readEnds();
    expect(ended.sum() + machine.folded.messages).toBe(owed.sum());
    expect(derived.ended + machine.folded.derived).toBe(derived.made);
  }

  return { run, compare, drain };
}

/** Compares what is with what should be. `expect` takes its time, so it is asked only to tell the difference. */
function agree(where: unknown, pairs: Readonly<Record<string, readonly [is: unknown, expected: unknown]>>): void {
  const wrong = pickBy(pairs, ([is, expected]) => !isEqual(is, expected));
  if (Object.keys(wrong).length > 0)
    expect({ where, wrong: mapValues(wrong, 0) }).toEqual({ where, wrong: mapValues(wrong, 1) });
}

const isOneOf = <T extends string>(kinds: readonly T[], kind: string): kind is T =>
  (kinds as readonly string[]).includes(kind);

/** It names the record in the service. */
const isFound = (kind: Kind): boolean => kind === "tell" || kind === "sent" || kind === "partly";

function acceptanceOf(kind: Kind, options: MessageOptions, revision: number, fingerprint: string): Acceptance {
  if (kind === "skip") return skip(options);
  const unchanged = inSync(options, revision);
  if (unchanged.content.kind !== "unchanged") throw new Error("It seemed unchanged.");
  if (kind === "unchanged") return { ...unchanged, content: { ...unchanged.content, fingerprint: "f" } };
  if (kind === "same") return { ...unchanged, content: { kind, outcome: unchanged.content.outcome, fingerprint } };
  return { ...update(options), ...(kind === "undated" && { undated: true }) };
}

function shownOf({ messageId, version, derived, force, desired }: Content): Message {
  const isEmpty = derived ? true : desired.fields["phone"] === null;
  return { id: messageId, version, derived, force, isEmpty, cleared: desired.cleared.length > 0 };
}

function settlementOf(
  kind: Kind,
  { place, seq, message }: Held,
  remoteId: string | undefined,
  nowMs: number,
): Settlement {
  const base = { tenant: place.number, type: typeOf(place.name), hullId: place.name, seq };
  const mirror = patch(`p-${place.name}`);
  const wait = { kind: "wait", notBeforeMs: nowMs, problem: "later" } as const;
  const end = (outcome: "sent" | "rejected" | "dead" | "skipped", code = "said"): Settlement["then"] => ({
    kind: "end",
    outcome: endingOf(message.id, outcome, code),
  });
  const hullUpdate = { claims: {}, attributes: {}, facts: {} };
  switch (kind) {
    case "sent":
      return { ...base, mirror, then: end("sent") };
    case "partly":
      return { ...base, mirror, then: { kind: "tell", outcome: endingOf(message.id, "rejected", "part"), hullUpdate } };
    case "rejected":
    case "dead":
    case "skipped":
      return { ...base, then: end(kind) };
    case "unconfirmed":
      return { ...base, then: end("dead", "unconfirmed") };
    case "wait":
      return { ...base, then: wait };
    case "written":
      return { ...base, then: { ...wait, written: true } };
    case "lose":
      return { ...base, then: { ...wait, notBeforeMs: nowMs + SETTLE_MS, unconfirmed: { sinceMs: nowMs, reads: 0 } } };
    case "gone":
      return { ...base, gone: remoteId ?? "p9", then: wait };
    case "block": {
      const { type, hullId, desired, claims } = parentOf("a");
      const made = { force: false, messageId: message.id, version: 0, seq: 0, derived: true, counted: true };
      const content = { ...made, desired, claims };
      return { ...base, then: { kind: "block", parent: { type, hullId, together: false, content } } };
    }
    default:
      return { ...base, mirror, then: { kind: "tell", outcome: endingOf(message.id, "sent", "updated"), hullUpdate } };
  }
}

describe("the rules of the outbox", () => {
  it("do what a simple model does, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: MOST_EVENTS }), (events) => {
        const history = createHistory();
        for (const current of events) {
          history.run(current);
          history.compare();
        }
        history.drain();
      }),
      { seed: Number(process.env["SEED"] ?? 7), numRuns: HISTORIES },
    );
  });
});
