/**
 * What became of records, as it is stored: one row for all lines of a commit, with each word once. A row's number tells its
 * minute, and numbers are negated in keys, so that walks begin with the newest.
 */
import { historyMinute, ROWS_A_MINUTE, type HistoryLine, type SentFields } from "../port/figures";
import type { Codec } from "../tables/structure";

/** A line, and the number of the row with the one before it about the same record. */
export type StoredLine = HistoryLine & { readonly before?: number | undefined };

/** The lines of one commit, in their order. */
export interface HistoryRow {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly lines: readonly StoredLine[];
}

/** Rows of one minute of one opening of the store, and openings until their numbers come again. */
const ROWS = 2 ** 18;
const OPENINGS = ROWS_A_MINUTE / ROWS;

/** What tells the rows of one minute apart. @param opening of the store @param row a number that it gives once a minute */
export const openingRow = (opening: number, row: number): number => (opening % OPENINGS) * ROWS + (row % ROWS);

/** Number of a row. @param own tells it from others of its minute */
export const rowNumber = (atMs: number, own: number): number => firstRow(atMs) + own;

/** The number that all rows of this minute and of later ones reach. */
export const firstRow = (atMs: number): number => historyMinute(atMs) * ROWS_A_MINUTE;

/** `type/outcome/code` of a line that ends a message. */
export const nameOf = ({ type, ending }: HistoryLine): string | undefined =>
  ending === undefined ? undefined : `${type}/${ending.outcome}/${ending.code}`;

/** Hull's usual ids take half as much as bytes. */
const HEX_ID = /^[0-9a-f]{24}$/;
const packId = (id: string): string | Uint8Array => (HEX_ID.test(id) ? Buffer.from(id, "hex") : id);
const unpackId = (id: unknown): string => (id instanceof Uint8Array ? Buffer.from(id).toString("hex") : String(id));

/** Numbers of words in the order in which they were first met; 0: none. */
function createWords() {
  const numbers = new Map<string, number>();
  return {
    all: () => [...numbers.keys()],
    of: (word: string | undefined): number => {
      if (word === undefined) return 0;
      const known = numbers.get(word) ?? numbers.size + 1;
      numbers.set(word, known);
      return known;
    },
  };
}

/** A list per line: Hull id, type, time, before, sent, outcome, code, text, message, run, derived, times. */
export const HISTORY_ROW: Codec<HistoryRow> = {
  pack: ({ atMs, lines }) => {
    const words = createWords();
    const packed = lines.map(({ type, hullId, atMs: ownMs, before, sent, ending }) => {
      const list: unknown[] = [packId(hullId), words.of(type), atMs - ownMs, before ?? 0];
      if (sent !== undefined || ending !== undefined) list.push(sent === undefined ? 0 : packSent(sent, words.of));
      if (ending === undefined) return list;
      const { outcome, code, text, messageId: id, run, derived, times = 0 } = ending;
      list.push(words.of(outcome), words.of(code), words.of(text));
      const messageId = id === undefined || id === "" ? 0 : id;
      const rest = [messageId, words.of(run), derived === true ? 1 : 0, times];
      while (rest.at(-1) === 0) rest.pop();
      list.push(...rest);
      return list;
    });
    return [atMs, words.all(), packed];
  },
  unpack: (packed) => {
    const [atMs, words, lines] = packed as readonly [number, readonly string[], readonly (readonly unknown[])[]];
    const word = (number: unknown): string | undefined => (number === 0 ? undefined : words[Number(number) - 1]);
    return {
      atMs,
      lines: lines.map((list): StoredLine => {
        const [
          id,
          type,
          agoMs,
          before = 0,
          sent = 0,
          outcome = 0,
          code,
          text,
          messageId = 0,
          run = 0,
          derived,
          times = 0,
        ] = list;
        return {
          type: word(type) ?? "",
          hullId: unpackId(id),
          atMs: atMs - Number(agoMs),
          ...(before !== 0 && { before: Number(before) }),
          ...(Array.isArray(sent) && { sent: unpackSent(sent, word) }),
          ...(outcome !== 0 && {
            ending: {
              // Written by `pack`.
              outcome: word(outcome) as NonNullable<HistoryLine["ending"]>["outcome"],
              code: word(code) ?? "",
              text: word(text) ?? "",
              ...(messageId !== 0 && { messageId: String(messageId) }),
              ...(run !== 0 && { run: word(run) }),
              ...(derived === 1 && { derived: true as const }),
              ...(times !== 0 && { times: Number(times) }),
            },
          }),
        };
      }),
    };
  },
};

/** Field, value, and so on. */
const packSent = (sent: SentFields, numberOf: (word: string) => number): readonly unknown[] =>
  Object.entries(sent).flatMap(([field, value]) => [numberOf(field), value ?? null]);

function unpackSent(list: readonly unknown[], word: (number: unknown) => string | undefined): SentFields {
  const sent: Record<string, string | undefined> = {};
  for (let index = 0; index < list.length; index += 2) {
    const value = list[index + 1];
    sent[word(list[index]) ?? ""] = typeof value === "string" ? value : undefined;
  }
  return sent;
}
