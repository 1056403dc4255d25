/**
 * Tells Hull what the service holds. Updates wait in a queue of their own, so an outage of Hull stops no delivery.
 * An update leaves the queue, and its outcome is written, only when Hull confirmed it or refused it for good.
 */
import { entityOf } from "../../services/types";
import type { Firehose, FirehoseResult } from "../../hull/firehose/firehose";
import type { FirehoseItem } from "../../hull/firehose/items";
import type { ObjectType } from "../../services/model";
import type { Outcome, HullUpdateRow } from "../../storage/port/rows";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import { reason } from "../../outcome/outcome";
import { anonymousId, itemsFor } from "./items";
import type { Try } from "../rules/retry";
import { backoffMs, type RetryPace } from "../../http/retry";
import { inQueueSpan } from "../../tracing";

export interface WriteBackOptions {
  readonly store: Store;
  readonly firehose: Firehose;
  readonly lane: Lane;
  readonly types: readonly ObjectType[];
  /** Prefix of the anonymous id by which Hull knows a remote record: `service:<id>`. */
  readonly serviceName: string;
  readonly batch: number;
  readonly retry: RetryPace;
  /** Wait after Hull refused the credentials, milliseconds. */
  readonly unauthorisedMs: number;
  readonly now: () => number;
  readonly onOutcomes: (outcomes: readonly RecordOutcome[]) => void;
}

export interface Sent {
  /** There was something to send; run another cycle. */
  readonly more: boolean;
  /** Hull cannot be updated now: the rest waits until then. */
  readonly hindrance?: { readonly message: string; readonly rows: number; readonly untilMs: number };
}

/** Sends one batch of due rows. */
export async function sendHullUpdates(options: WriteBackOptions): Promise<Sent> {
  const { store, lane } = options;
  const rows = await store.hullUpdates(lane, options.batch);
  if (rows.length === 0) return { more: false };
  const traces = rows.map(({ trace }) => trace);
  const update = { operation: "update", queue: "hull_updates", count: rows.length, traces } as const;
  return inQueueSpan({ ...update, service: options.serviceName }, async (fail) => {
    const sent = await sendRows(options, rows);
    if (sent.hindrance !== undefined) fail("hull_api");
    return sent;
  });
}

async function sendRows(options: WriteBackOptions, rows: readonly HullUpdateRow[]): Promise<Sent> {
  const { store, lane, now, retry } = options;
  const items = rows.map((row) => itemsOf(row, options));
  const results = await options.firehose.send(items.flat());

  const done: { row: HullUpdateRow; refused?: Outcome }[] = [];
  const waiting = new Map<number, HullUpdateRow[]>();
  let message = "";
  let from = 0;
  rows.forEach((row, index) => {
    const count = items[index]?.length ?? 0;
    const own = results.slice(from, from + count);
    from += count;
    const hindrance = hindranceIn(own, "; what it must be told waits");
    const refused = own.find((each) => each.state === "refused");
    if (hindrance !== undefined) {
      const isLater = hindrance.kind === "later";
      const waitMs = isLater ? Math.max(hindrance.waitMs, backoffMs(row.attempts, retry)) : options.unauthorisedMs;
      const at = now() + waitMs;
      waiting.set(at, [...(waiting.get(at) ?? []), row]);
      ({ message } = hindrance);
    } else done.push({ row, refused: refused && refusal(refused.reason, now()) });
  });
  if (done.length > 0) options.onOutcomes(await store.confirmed(lane, done));
  for (const [at, deferred] of waiting) await store.deferHullUpdates(lane, deferred, at);
  if (waiting.size === 0) return { more: true };
  return { more: false, hindrance: { message, rows: rows.length - done.length, untilMs: Math.min(...waiting.keys()) } };
}

function itemsOf(row: HullUpdateRow, { types, serviceName }: WriteBackOptions): FirehoseItem[] {
  const claims = { ...row.claims, anonymous_id: anonymousId(serviceName, row.remoteId) };
  return itemsFor(entityOf({ types }, row.type), claims, row.attributes, row.account);
}

/** The service has the record, so it ends `sent`; the reason says that Hull does not know it. */
function refusal(said: string, atMs: number): Outcome {
  const { code, text } = reason("hull_refused", said);
  return { messageId: "", outcome: "sent", code, text, atMs, counted: true };
}

/**
 * Why Hull cannot be told at all; an item that it refuses for good does not count.
 *
 * @param then added when the credentials are refused: what follows from that
 */
export function hindranceIn(
  results: readonly FirehoseResult[],
  then = "",
): Exclude<Try<never>, { readonly kind: "done" }> | undefined {
  for (const result of results) {
    if (result.state === "unauthorised") {
      return { kind: "failed", message: `Hull refuses the connector's credentials (${result.status})${then}.` };
    }
    if (result.state === "later") {
      const message = `Hull cannot be updated now: ${result.reason}`;
      return { kind: "later", waitMs: result.retryAfterMs ?? 0, message };
    }
  }
  return undefined;
}
