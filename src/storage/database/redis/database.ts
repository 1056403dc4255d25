/** The Store's database on Redis: work runs here, over rows that were fetched before; scripts compare and write. */
import { hash, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { createRemoteDatabase, type Answer, type Question, type Read, type RemoteDatabase } from "../remote";
import type { Key, RowChange } from "../rows";
import { decodeKey, encodeKey, rowBounds, walkBounds } from "./key";
import { createPlaces, type Place } from "./place";
import { COMMIT, FETCH } from "./scripts";
import { createSender } from "./send";
import { decodeValue, encodeValue } from "./value";

/** A commit is refused when the text at this key is not the fence any more. */
export interface Fence {
  readonly key: string;
  readonly fence: string;
}

/** The fence has moved: somebody else owns now what was to be changed. Nothing was changed. */
export class FencedOff extends Error {
  override readonly name = "FencedOff";
}

export interface RedisDatabase extends RemoteDatabase<Fence> {
  close(): Promise<void>;
}

export interface RedisOptions {
  /** For nobody else; closed with the database. See `connectRedis`. */
  readonly client: Redis;
  /** Of all keys in Redis. */
  readonly prefix?: string;
}

export const PREFIX = "connector:";
/** A commit whose reply was lost is asked for again within this time. */
const ID_KEPT_SECONDS = 600;
/** Between a conflict and the next run, at most. */
const MOST_WAIT_MS = 50;

/** A row's value in Redis: the whole member, and where the value begins. */
interface Stored {
  readonly member: Buffer;
  readonly valueAt: number;
}

type Argument = string | number | Buffer;

export function createRedisDatabase({ client, prefix = PREFIX }: RedisOptions): RedisDatabase {
  const places = createPlaces(prefix);
  const sender = createSender(client);
  const name = randomUUID();
  let commits = 0;

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

  const database = createRemoteDatabase<Stored, Fence>({
    fetch: async (questions) => {
      const sets = openSets();
      const parts = questions.flatMap((question) => questionArguments(question, sets, 0));
      const names = sets.all().map((place) => place.name);
      const answers = (await sender.run(FETCH, names, parts)) as readonly (number | readonly Buffer[])[];
      return answers.map(answerOf);
    },
    apply: async (reads, changes, fence) => {
      const sets = openSets();
      const asked = reads.flatMap(({ question, answer }) => [
        ...questionArguments(question, sets, 2),
        expected(question, answer),
      ]);
      const changed = changes.flatMap((change) => changeArguments(change, sets));
      const parts: readonly Argument[] = [
        ID_KEPT_SECONDS,
        fence?.fence ?? "",
        reads.length,
        changes.length,
        ...sets.all().flatMap(({ listed }) => [listed?.list ?? "", bytesOf(listed?.member ?? "")]),
        ...asked,
        ...changed,
      ];
      commits += 1;
      const id = places.nameOf("commit", `${name}/${commits}`);
      const keys = [id, fence?.key ?? id, ...sets.all().map((place) => place.name)];
      const answer = String(await sender.run(COMMIT, keys, parts));
      if (answer === "fenced") throw new FencedOff(`The fence ${fence?.fence ?? ""} does not count any more.`);
      return answer === "applied";
    },
    decode: ({ member, valueAt }, table, key) => decodeValue(member.subarray(valueAt), table, key),
    wait: (conflicts) =>
      new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(MOST_WAIT_MS, 2 ** conflicts))),
  });

  function changeArguments(change: RowChange, sets: Sets): readonly Argument[] {
    const { table, key } = change;
    const place = places.placeOf(table, key);
    if (place === undefined) throw new Error(`A row of ${table} needs a key.`);
    const at = [sets.numberOf(place, 2), bytesOf(encodeKey(key))] as const;
    if ("by" in change) return ["add", ...at, change.by];
    return change.value === undefined ? ["remove", ...at, ""] : ["put", ...at, encodeValue(change.value)];
  }

  return { ...database, close: () => sender.close() };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

function answerOf(answer: number | readonly Buffer[]): Answer<Stored> {
  if (typeof answer === "number") return { rows: [], size: answer };
  const rows = answer.map((member): readonly [Key, Stored] => {
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
