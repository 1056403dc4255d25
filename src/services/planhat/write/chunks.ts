/**
 * Cuts intents into bulk calls: by number, by bytes, and so that no two items of one call share a key. Planhat counts
 * a key that occurs twice among the causes of a refusal, and an answer can only be matched back by unique keys.
 */
import type { Intent } from "../../connection";
import { bodyOf, sentKeys } from "./body";
import { keyMark, UPSERT_KEYS } from "../object-types";

export interface ChunkLimits {
  readonly maxItems: number;
  /** Bytes of the JSON body of one call. An item that is larger by itself gets its own call. */
  readonly maxBytes: number;
}

/** Two brackets round the items of a JSON array. */
const FRAME_BYTES = 2;

interface Chunk {
  readonly indexes: number[];
  bytes: number;
  open: boolean;
}

/**
 * Whether an intent must be written by its own call, because matching it by key could hit a namesake: every such
 * create, and an update that changes a key.
 */
export function standsAlone(intent: Intent): boolean {
  return intent.namesake && (intent.kind === "create" || UPSERT_KEYS.some((key) => Object.hasOwn(intent.fields, key)));
}

/**
 * @returns lists of indexes into `intents`; every index exactly once. Intents that share a key keep their order.
 */
export function chunksOf(
  type: string,
  intents: readonly Intent[],
  limits: ChunkLimits,
): readonly (readonly number[])[] {
  const chunks: Chunk[] = [];
  /** Per key: the first chunk after the last one that contains it. */
  const firstFree = new Map<string, number>();
  /** Every chunk before this one is closed. */
  let firstOpen = 0;
  intents.forEach((intent, index) => {
    const body = bodyOf(type, intent);
    const bytes = Buffer.byteLength(JSON.stringify(body)) + 1;
    const keys = sentKeys(body).map(({ name, value }) => keyMark(name, value));
    const alone = standsAlone(intent);
    const from = Math.max(firstOpen, ...keys.map((key) => firstFree.get(key) ?? 0));
    const found = alone ? -1 : chunks.findIndex((chunk, at) => at >= from && fits(chunk, bytes, limits));
    const at = found === -1 ? chunks.length : found;
    const chunk = chunks[at] ?? { indexes: [], bytes: FRAME_BYTES - 1, open: true };
    chunks[at] = chunk;
    chunk.indexes.push(index);
    chunk.bytes += bytes;
    chunk.open = !alone && chunk.indexes.length < limits.maxItems;
    while (chunks[firstOpen]?.open === false) firstOpen += 1;
    for (const key of keys) firstFree.set(key, at + 1);
  });
  return chunks.map((chunk) => chunk.indexes);
}

function fits(chunk: Chunk, bytes: number, limits: ChunkLimits): boolean {
  return chunk.open && chunk.bytes + bytes <= limits.maxBytes;
}
