/** Rows of an extract in groups, and as the messages that a notification would have contained. Pure. */
import type { ExtractRow } from "../../hull/extract/extract";
import { idText } from "../../hull/protocol/shapes";
import type { Json } from "../../record";
import type { BatchOrder } from "./orders";

export interface BatchRow {
  readonly messageId: string;
  /** Its number in the file, counted from 1. */
  readonly row: number;
  /** Undefined when the row could not be read. */
  readonly raw?: unknown;
  /** Why it could not be read; names the row. */
  readonly problem?: string;
}

/** Nested columns of a CSV file: `account.name`. */
const ACCOUNT = "account.";

/**
 * @param run id of the run; the message's id is made of it and the row's number, so a row read twice counts once
 */
export function batchRow(run: string, order: BatchOrder, { index, row }: Pick<ExtractRow, "index" | "row">): BatchRow {
  const messageId = `${run}/${index}`;
  const place = { messageId, row: index + 1 };
  if (!row.ok) return { ...place, problem: row.problem };
  const { own, account } = divided(row.value);
  const segments = [...segmentIdsOf(own["segment_ids"]), ...order.segmentIds];
  const entity = { ...own, segment_ids: [...new Set(segments)] };
  const raw = order.entity === "user" ? { user: entity, account } : { account: entity };
  return { ...place, raw: { ...raw, message_id: messageId } };
}

function divided(value: Readonly<Record<string, Json>>): { own: Record<string, Json>; account: Json } {
  const own: Record<string, Json> = {};
  const columns: Record<string, Json> = {};
  for (const [name, each] of Object.entries(value)) {
    if (name === "account") continue;
    if (name.startsWith(ACCOUNT)) columns[name.slice(ACCOUNT.length)] = each;
    else own[name] = each;
  }
  return { own, account: value["account"] ?? columns };
}

/** A list, or what CSV makes of one: JSON, or ids with commas or blanks between them; or a single id. */
function segmentIdsOf(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => idText(each) ?? []);
  return (idText(value) ?? "").split(/[\s,;|"'[\]]+/).filter((each) => each !== "");
}

/** Rows that are taken in at once. */
const MOST_ROWS = 200;
/** A parsed row is many times larger than in the file, and while a group is compared nothing else is answered. */
const MOST_BYTES = 4_000_000;

/** Rows as they come, in groups limited in number and in bytes; what was read before the download broke off is a group, too. */
export async function* groupsOf(
  batches: AsyncIterable<readonly ExtractRow[]>,
): AsyncGenerator<readonly ExtractRow[], void, void> {
  let group: ExtractRow[] = [];
  let bytes = 0;
  let broken: { readonly error: unknown } | undefined;
  try {
    for await (const batch of batches) {
      for (const row of batch) {
        group.push(row);
        bytes += row.bytes;
        if (group.length < MOST_ROWS && bytes < MOST_BYTES) continue;
        yield group;
        group = [];
        bytes = 0;
      }
    }
  } catch (error) {
    broken = { error };
  }
  if (group.length > 0) yield group;
  if (broken !== undefined) throw broken.error;
}
