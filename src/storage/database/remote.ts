/**
 * A database in another place: every question and every commit is a request that takes time. Work runs over rows that
 * were fetched before; what is missing is noted, fetched together, and the work is run again. The server compares what
 * the last run has read before it applies what that run changes.
 */
import type { LRUCache } from "lru-cache";
import { wholeOr, type Database, type Key, type RangeOptions, type RowChange, type Rows, type Work } from "./rows";

/** What a run asks the server: a row, rows in order, or how many there are. */
export type Question =
  | { readonly kind: "row"; readonly table: string; readonly key: Key }
  | ({ readonly kind: "walk"; readonly table: string; readonly prefix: Key; readonly limit: number } & Bounds)
  | { readonly kind: "size"; readonly table: string; readonly prefix: Key };

type Bounds = Pick<RangeOptions, "after" | "end">;
type Walk = Extract<Question, { kind: "walk" }>;

/** The rows with their values as they are stored; a row that is absent is an answer without rows. */
export interface Answer<S> {
  readonly rows: readonly (readonly [key: Key, stored: S])[];
  readonly size: number;
}

/** What a run has read, to be compared. */
export interface Read<S> {
  readonly question: Question;
  readonly answer: Answer<S>;
}

/**
 * What rows were like lately, so that work need not wait for what is there already. Nothing depends on it: whatever a run
 * took from here is compared before its result counts.
 */
export interface Guesses<S> {
  readonly rows: LRUCache<string, Answer<S>>;
  /** Rows of these tables are mostly not there yet when they are asked for. */
  readonly absent: ReadonlySet<string>;
}

/** The way to the server. Whatever is lost on it is asked again there: each answer here is the server's. */
export interface Connection<S> {
  /** All answers are of one moment. */
  fetch(questions: readonly Question[]): Promise<readonly Answer<S>[]>;
  /**
   * All changes or none. Without changes it only compares.
   *
   * @returns for each change the row's value as it is stored now, if that is known; undefined when something that was
   * read is not so any more
   */
  apply(reads: readonly Read<S>[], changes: readonly RowChange[]): Promise<readonly (S | undefined)[] | undefined>;
  /** @returns a copy, or something that nobody can change; @throws DamagedRow */
  decode(stored: S, table: string, key: Key): unknown;
  /** Between a conflict and the next run. */
  wait(conflicts: number): Promise<void>;
  readonly guesses?: Guesses<S>;
  /** Told whenever work is run again: it asked for more, or something that it had read was changed by others. */
  readonly onAgain?: ((why: "rerun" | "conflict") => void) | undefined;
}

/** The first part of a walk that is fetched; each further part is twice as long. */
const FIRST_PART = 200;
/** Questions that a run may ask without a new one among them, unless it knows all rows as they were at one moment. */
const MOST_REPEATED = 2_000;
/** Runs of one piece of work that may end in a question. */
const MOST_ABANDONED = 200;
/** Runs of one piece of work that may meet a conflict. */
const MOST_CONFLICTS = 200;

/** Ends a run that has asked too much of what is not there yet. */
class Abandoned extends Error {}

export function createRemoteDatabase<S>(connection: Connection<S>): Pick<Database, "read" | "write"> {
  async function fetchAll(questions: readonly Question[]): Promise<Map<string, Answer<S>>> {
    const answers = await connection.fetch(questions);
    return new Map(questions.map((question, index) => [idOf(question), answers[index] ?? NOTHING]));
  }

  /** What a run has read, and has changed, is what the next one will find. */
  function remember(run: Run<S>, changes: readonly RowChange[], stored: readonly (S | undefined)[]): void {
    const rows = connection.guesses?.rows;
    if (rows === undefined) return;
    for (const { question, answer } of run.reads()) if (question.kind === "row") rows.set(idOf(question), answer);
    for (const [index, change] of changes.entries()) {
      const { table, key } = change;
      const id = idOf({ kind: "row", table, key });
      if (!rows.has(id)) continue;
      const value = stored[index];
      if (value !== undefined) rows.set(id, { rows: [[key, value]], size: 0 });
      else if ("value" in change) rows.set(id, NOTHING);
      else rows.delete(id);
    }
  }

  /** Runs the work until a run has had everything that it asked for, and nobody changed that meanwhile. */
  async function complete<T>(work: (rows: Rows) => Work<T>, onlyReads: boolean): Promise<T> {
    let known = new Map<string, Answer<S>>();
    let moments = 0;
    let abandoned = 0;
    let conflicts = 0;
    for (;;) {
      const run = openRun(known, connection, moments < 2);
      const end = endOf(() => work(run.rows));
      const guessed = run.guessed();
      const missing = run.missing();
      if (missing.length > 0 || run.isAbandoned()) {
        abandoned += 1;
        connection.onAgain?.("rerun");
        if (abandoned > MOST_ABANDONED) throw new Error(`The work asked for more rows in each of ${abandoned} runs.`);
        if (run.isAbandoned()) {
          known = await fetchAll(run.questions());
          moments = 1;
          continue;
        }
        // What was guessed is asked as well where nothing compares it later, so that all is of one moment.
        const asked = onlyReads ? [...missing, ...guessed] : missing;
        for (const [id, answer] of await fetchAll(asked)) known.set(id, answer);
        moments += 1;
        continue;
      }
      const { changes } = end;
      // What was fetched at once needs no comparison; a run over two moments may have thrown because of that.
      const isSure = changes.length === 0 && moments < 2 && guessed.length === 0;
      const stored = isSure ? [] : await connection.apply(run.reads(), changes);
      if (stored !== undefined) {
        remember(run, changes, stored);
        return end.result();
      }
      conflicts += 1;
      if (conflicts > MOST_CONFLICTS) throw new Error(`Others changed what the work had read, ${conflicts} times.`);
      connection.onAgain?.("conflict");
      // A wrong guess is no sign of others who are at it just now.
      if (guessed.length === 0) await connection.wait(conflicts);
      known = await fetchAll(run.questions());
      moments = 1;
    }
  }

  return {
    read: (work) => complete((rows) => ({ result: work(rows), changes: [] }), true),
    write: (work) => complete(work, false),
  };
}

const NOTHING: Answer<never> = { rows: [], size: 0 };

const idOf = (question: Question): string => JSON.stringify(question);

/** How a run ended; what it threw is thrown when its result is asked for. */
function endOf<T>(work: () => Work<T>): { readonly changes: Work<T>["changes"]; readonly result: () => T } {
  try {
    const { result, changes } = work();
    return { changes, result: () => result };
  } catch (error) {
    return {
      changes: [],
      result: () => {
        throw error;
      },
    };
  }
}

interface Run<S> {
  readonly rows: Rows;
  /** What it asked for that is not known: it must be run again, however it ended. */
  readonly missing: () => readonly Question[];
  /** What it took to be as it was lately. */
  readonly guessed: () => readonly Question[];
  /** It went in circles over what is not known, or over rows of different moments, which may contradict each other. */
  readonly isAbandoned: () => boolean;
  /** Everything that it asked for, known or not. */
  readonly questions: () => readonly Question[];
  /** What it has read, and no more than that: of a walk that it left, the part up to there. */
  readonly reads: () => readonly Read<S>[];
}

interface Walked<S> {
  readonly question: Walk;
  readonly rows: Answer<S>["rows"];
  /** How far the work has come. */
  seen: number;
}

/**
 * A run over what is known. What is not known is noted and counts as absent for the rest of the run, which is abandoned:
 * that way one run notes much, instead of one thing. Nothing of an abandoned run is seen; one that goes in circles over
 * wrong answers is ended.
 */
function openRun<S>(
  known: ReadonlyMap<string, Answer<S>>,
  { decode, guesses }: Pick<Connection<S>, "decode" | "guesses">,
  isOfOneMoment: boolean,
): Run<S> {
  const asked = new Map<string, Question>();
  const missing = new Map<string, Question>();
  const guessed = new Map<string, Question>();
  const whole = new Map<string, Read<S>>();
  const walked = new Map<string, Walked<S>>();
  /** Questions since the last new one. */
  let repeated = 0;
  let isAbandoned = false;

  function guess(id: string, question: Question): Answer<S> | undefined {
    if (guesses === undefined || question.kind !== "row") return undefined;
    const answer = guesses.rows.get(id) ?? (guesses.absent.has(question.table) ? NOTHING : undefined);
    if (answer !== undefined) guessed.set(id, question);
    return answer;
  }

  function ask(question: Question): { readonly id: string; readonly answer: Answer<S> } {
    const id = idOf(question);
    repeated = asked.has(id) ? repeated + 1 : 0;
    asked.set(id, question);
    const answer = known.get(id) ?? guess(id, question);
    if (answer === undefined) missing.set(id, question);
    if (repeated > MOST_REPEATED && (missing.size + guessed.size > 0 || !isOfOneMoment)) {
      isAbandoned = true;
      throw new Abandoned("The work goes in circles.");
    }
    return { id, answer: answer ?? NOTHING };
  }

  function askWhole(question: Question): Answer<S> {
    const { id, answer } = ask(question);
    whole.set(id, { question, answer });
    return answer;
  }

  function walkOf(id: string, question: Walk, { rows }: Answer<S>): Walked<S> {
    const walk = walked.get(id) ?? { question, rows, seen: 0 };
    walked.set(id, walk);
    return walk;
  }

  function* range(
    table: string,
    prefix: Key,
    { after, end, limit = Infinity, skipDamaged }: RangeOptions = {},
  ): Generator<readonly [Key, unknown]> {
    let [from, left, part] = [after, limit, FIRST_PART];
    while (left > 0) {
      const question: Walk = { kind: "walk", table, prefix, after: from, end, limit: Math.min(left, part) };
      const { id, answer } = ask(question);
      const walk = walkOf(id, question, answer);
      for (const [index, [key, stored]] of answer.rows.entries()) {
        walk.seen = Math.max(walk.seen, index + 1);
        const value = skipDamaged === true ? wholeOr(() => decode(stored, table, key)) : decode(stored, table, key);
        if (value !== undefined) yield [key, value];
      }
      if (answer.rows.length < question.limit) {
        walk.seen = question.limit;
        return;
      }
      from = answer.rows.at(-1)?.[0];
      left -= question.limit;
      part *= 2;
    }
  }

  return {
    rows: {
      get: (table, key) => {
        const [row] = askWhole({ kind: "row", table, key }).rows;
        return row === undefined ? undefined : decode(row[1], table, key);
      },
      range,
      size: (table, prefix) => askWhole({ kind: "size", table, prefix }).size,
    },
    missing: () => [...missing.values()],
    guessed: () => [...guessed.values()],
    isAbandoned: () => isAbandoned,
    questions: () => [...asked.values()],
    reads: () => [
      ...whole.values(),
      ...Array.from(walked.values(), ({ question, rows, seen }) => ({
        question: { ...question, limit: seen },
        answer: { rows: rows.slice(0, seen), size: 0 },
      })),
    ],
  };
}
