/** The Store's database on Redis: work runs here, over rows that were fetched before; scripts compare and write. */
import { hash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Loss } from "../../port/leases";
import { createRemoteDatabase, type Answer, type Question, type Read } from "../remote";
import type { Database, Key, RowChange } from "../rows";
import { readRedisUrl } from "./address";
import { assertFit } from "./checks";
import { connectRedis, type Argument, type RedisConnection } from "./connection";
import { decodeKey, encodeKey, END, rowBounds, walkBounds } from "./key";
import { createPlaces, type Place } from "./place";
import { COMMIT, FETCH, HISTORY } from "./scripts";
import { decodeValue, encodeValue } from "./value";

export interface RedisOptions {
  /** For nobody else; closed with the database. */
  readonly connection: RedisConnection;
  /** Of all keys in Redis. */
  readonly prefix?: string;
  /** Told once when commits that were made are gone; from then on nothing is asked any more. */
  readonly onLost?: (lost: Pick<Loss, "kind" | "commits">, why: string) => void;
  /** Told whenever work is run again: it asked for more rows, or one that it had read is another one by now. */
  readonly onAgain?: (why: "rerun" | "conflict") => void;
}

export const PREFIX = "connector:";
/** A commit whose reply was lost is asked for again within this time. */
const ID_KEPT_SECONDS = 600;
/** So long its id is surely there, whichever clock counts. */
const ID_TRUSTED_MS = 500_000;
/** Between a conflict and the next run, at most. */
const MOST_WAIT_MS = 50;

/** Rows that are remembered as they were lately. */
const MOST_GUESSED_BYTES = 32 * 1024 * 1024;
/** A row that is asked for because it should not be there. */
const NEW_MOSTLY: ReadonlySet<string> = new Set(["notifications", "seen", "history"]);
/** Of a row's name and place in memory; bytes. */
const ENTRY_BYTES = 300;

const weightOf = ({ rows }: Answer<Stored>): number =>
  rows.reduce((sum, [, { member }]) => sum + member.length, ENTRY_BYTES);

/** A row's value in Redis: the whole member, and where the value begins. */
interface Stored {
  readonly member: Buffer;
  readonly valueAt: number;
}

/**
 * @param url `REDIS_URL`
 * @returns the database, the connection that it uses and closes, and sentences about what may be lost
 * @throws RedisError when Redis cannot be reached, or is not fit; its sentence holds no password
 */
export async function openRedisDatabase(
  url: string,
  told: Pick<RedisOptions, "onLost" | "onAgain"> = {},
): Promise<{
  readonly database: Database;
  readonly connection: RedisConnection;
  readonly warnings: readonly string[];
  /** Looks again what may be lost. @throws RedisError when the server is not fit any more */
  look(): Promise<readonly string[]>;
}> {
  const connection = connectRedis(readRedisUrl(url));
  try {
    const look = (): Promise<readonly string[]> => assertFit(connection);
    const warnings = await look();
    return { database: createRedisDatabase({ connection, ...told }), connection, warnings, look };
  } catch (error) {
    connection.close();
    throw error;
  }
}

export function createRedisDatabase({ connection, prefix = PREFIX, onLost, onAgain }: RedisOptions): Database {
  const places = createPlaces(prefix);
  const name = randomUUID();
  const count = places.nameOf("store", "commits");
  let commits = 0;
  /** The last commit of this process, its number among all commits, and when it was sent. */
  let latest: { readonly id: string; readonly number: number; readonly sentAt: Moment } | undefined;

  /**
   * At the end of a further connection may be a Redis that was restored, or promoted without the last writes: it must know the
   * last commit of this process, and have made as many as there were then.
   */
  connection.checkEach(async (run) => {
    if (latest === undefined) return undefined;
    const { id, number, sentAt } = latest;
    const [made = 0, isKnown = 0] = (await run(HISTORY, [count, id], [])) as readonly number[];
    const isKept = msSince(sentAt) < ID_TRUSTED_MS;
    if (made >= number && (isKnown === 1 || !isKept)) return undefined;
    const lost = made < number ? number - made : undefined;
    const why = `Redis at ${connection.name} has lost ${lost ?? "some"} of the last commits: it was set back to an earlier state. This process begins anew.`;
    onLost?.({ kind: "older", commits: lost }, why);
    return why;
  });

  /** The sets of one request, each named once. */
  function openSets() {
    const sets = new Map<string, Place>();
    const numbers = new Map<string, number>();
    return {
      /** @param before keys of the request that come first */
      numberOf: (place: Place, before: number): number => {
        const known = numbers.get(place.name);
        if (known !== undefined) return known;
        sets.set(place.name, place);
        numbers.set(place.name, before + sets.size);
        return before + sets.size;
      },
      all: (): readonly Place[] => [...sets.values()],
    };
  }

  type Sets = ReturnType<typeof openSets>;

  function questionArguments(question: Question, sets: Sets, before: number): readonly Argument[] {
    const { table } = question;
    const begin = question.kind === "row" ? question.key : question.prefix;
    const place = places.placeOf(table, begin);
    const set = place === undefined ? places.listOf(table) : sets.numberOf(place, before);
    if (question.kind === "row") {
      const [min, max] = rowBounds(question.key);
      return ["row", set, bytesOf(min), bytesOf(max), 1];
    }
    const { after, end, limit } = question.kind === "walk" ? question : {};
    const [min, max] = walkBounds(question.prefix, after, end);
    return [question.kind, set, bytesOf(min), bytesOf(max), limit === undefined || limit === Infinity ? -1 : limit];
  }

  const database = createRemoteDatabase<Stored>({
    fetch: async (questions) => {
      const sets = openSets();
      const parts = questions.flatMap((question) => questionArguments(question, sets, 0));
      const names = sets.all().map((place) => place.name);
      const answers = (await connection.run(FETCH, names, parts)) as readonly (number | readonly Buffer[])[];
      return answers.map(answerOf);
    },
    apply: async (reads, changes) => {
      const sets = openSets();
      const asked = reads.flatMap(({ question, answer }) => [
        ...questionArguments(question, sets, 2),
        expected(question, answer),
      ]);
      const sent = changes.map((change) => sentChange(change, sets));
      const parts: readonly Argument[] = [
        ID_KEPT_SECONDS,
        reads.length,
        changes.length,
        ...sets.all().flatMap(({ listed }) => [listed?.list ?? "", listed?.member ?? ""]),
        ...asked,
        ...sent.flatMap(({ parts }) => parts),
      ];
      commits += 1;
      const id = places.nameOf("commit", `${name}/${commits}`);
      const keys = [id, count, ...sets.all().map((place) => place.name)];
      const sentAt = moment();
      const answer = await connection.run(COMMIT, keys, parts);
      if (String(answer) === "conflict") return undefined;
      // Replies that had to be asked for again come late.
      if (typeof answer === "number" && answer > (latest?.number ?? 0)) latest = { id, number: answer, sentAt };
      return sent.map(({ stored }) => stored);
    },
    decode: ({ member, valueAt }, table, key) => decodeValue(member.subarray(valueAt), table, key),
    onAgain,
    guesses: {
      rows: new LRUCache({ maxSize: MOST_GUESSED_BYTES, sizeCalculation: weightOf }),
      absent: NEW_MOSTLY,
    },
    wait: (conflicts) =>
      new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(MOST_WAIT_MS, 2 ** conflicts))),
  });

  function sentChange(
    change: RowChange,
    sets: Sets,
  ): { readonly parts: readonly Argument[]; readonly stored?: Stored } {
    const { table, key } = change;
    const place = places.placeOf(table, key);
    if (place === undefined) throw new Error(`A row of ${table} needs a key.`);
    const bytes = bytesOf(encodeKey(key));
    const set = sets.numberOf(place, 2);
    if ("by" in change) return { parts: ["add", set, bytes, change.by] };
    if (change.value === undefined) return { parts: ["remove", set, bytes, ""] };
    const value = encodeValue(table, change.value);
    const member = Buffer.concat([bytes, bytesOf(END), value]);
    return { parts: ["put", set, bytes, value], stored: { member, valueAt: bytes.length + 1 } };
  }

  return { ...database, close: () => Promise.resolve().then(() => connection.close()) };
}

interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

const moment = (): Moment => ({ monotonicMs: performance.now(), wallMs: Date.now() });

/** One clock may be set, the other one stands still while the machine sleeps. */
function msSince({ monotonicMs, wallMs }: Moment): number {
  const now = moment();
  return Math.max(now.monotonicMs - monotonicMs, now.wallMs - wallMs);
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

function answerOf(answer: number | readonly Buffer[]): Answer<Stored> {
  if (typeof answer === "number") return { rows: [], size: answer };
  const rows = answer.map((received): readonly [Key, Stored] => {
    // A part of what came in together; what is remembered must not keep all of that in memory.
    const member = Buffer.from(received);
    const { key, valueAt } = decodeKey(member);
    return [key, { member, valueAt }];
  });
  return { rows, size: 0 };
}

/** An answer as the script makes it: itself if it is short, or else its hash. */
function expected({ kind }: Question, { rows, size }: Read<Stored>["answer"]): string | Buffer {
  if (kind === "size") return String(size);
  const all = Buffer.concat(rows.flatMap(([, { member }]) => [Buffer.from(`${member.length}:`), member]));
  return all.length > 40 ? hash("sha1", all) : all;
}
