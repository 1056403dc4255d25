// Writing to Hull. The engine keeps items durably and calls again later, so there is no queue and no timer here: every
// item handed in gets its own result.
import { createHttpClient } from "../../http/client";
import { RemoteError } from "../../http/errors";
import type { Protocol } from "../../http/guards/hosts";
import { systemClock } from "../../http/time";
import { hullHeaders, type HullCredentials, type HullHttpOptions } from "../client";
import { batchBody, encodeItem, intoBatches, type EncodedItem, type FirehoseItem } from "./items";

/** Longest time of one call, milliseconds. */
export const FIREHOSE_TIMEOUT_MS = 10_000;

export type FirehoseResult =
  /** Hull answered 2xx to the batch with this item. */
  | { readonly state: "accepted" }
  /** Refused for good: sent alone and refused, or never sendable (then without a status). */
  | { readonly state: "refused"; readonly status?: number; readonly reason: string }
  /** Not taken now; send it again. */
  | { readonly state: "later"; readonly retryAfterMs?: number; readonly reason: string }
  /** The connector's credentials do not work (401, 402, 403, 404). */
  | { readonly state: "unauthorised"; readonly status: number };

/** Why the rest has to wait. */
type Stop = Exclude<FirehoseResult, { state: "accepted" | "refused" }>;

export interface FirehoseOptions extends HullCredentials {
  readonly protocol?: Protocol | undefined;
  /** Overrides the address that is derived from the organization. */
  readonly url?: string | undefined;
  readonly maxItems?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly http?: HullHttpOptions | undefined;
}

export type Firehose = ReturnType<typeof createFirehose>;

/** @throws Error when no address can be derived from the organization and none is given */
export function createFirehose(options: FirehoseOptions) {
  const clock = options.http?.clock ?? systemClock;
  const { maxItems = 50, maxBytes = 500_000 } = options;
  const http = createHttpClient({
    timeoutMs: FIREHOSE_TIMEOUT_MS,
    maxAttempts: 4,
    ...options.http,
    system: "hull-firehose",
    baseUrl: options.url ?? firehoseUrl(options.organization, options.protocol),
    auth: { headers: () => hullHeaders(options) },
    secrets: [options.secret],
  });

  /** Sends one batch, in halves where it is refused; each item gets its result. */
  async function deliver(
    batch: readonly EncodedItem[],
    signal: AbortSignal | undefined,
    results: (FirehoseResult | undefined)[],
  ): Promise<Stop | undefined> {
    try {
      const body = batchBody(batch, clock());
      // Setting the same traits twice changes nothing, so after a lost answer it is simply sent again.
      await http.request({ method: "POST", route: "", body, safeToRepeat: true, expect: "text", signal });
      for (const { index } of batch) results[index] = { state: "accepted" };
      return undefined;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (!isRefusal(error)) return stopFor(error);
      const [only] = batch;
      if (batch.length === 1 && only !== undefined) {
        results[only.index] = { state: "refused", status: error.status ?? 0, reason: error.message };
        return undefined;
      }
      const middle = Math.ceil(batch.length / 2);
      const stop = await deliver(batch.slice(0, middle), signal, results);
      return stop ?? (await deliver(batch.slice(middle), signal, results));
    }
  }

  return {
    /**
     * Sends the items in order, in batches, one after another; one result per item, in the same order. Never rejects for
     * remote trouble. An aborted signal turns what is left into `later`.
     */
    async send(items: readonly FirehoseItem[], signal?: AbortSignal): Promise<FirehoseResult[]> {
      const now = clock();
      const results: (FirehoseResult | undefined)[] = items.map(() => undefined);
      const encoded = items.flatMap((item, index) => {
        const result = encodeItem(item, index, options, now);
        if (result.ok) return [result.item];
        results[index] = { state: "refused", reason: result.reason };
        return [];
      });
      let stop: Stop | undefined;
      for (const batch of intoBatches(encoded, maxItems, maxBytes)) {
        stop = await deliver(batch, signal, results);
        if (stop !== undefined) break;
      }
      const rest: FirehoseResult = stop ?? { state: "later", reason: "not reached" };
      return results.map((result) => result ?? rest);
    },
    close: (): void => http.close(),
  };
}

/** The batch is refused, perhaps only because of one item. */
function isRefusal(error: RemoteError): boolean {
  return [400, 413, 422].includes(error.status ?? 0);
}

function stopFor(error: RemoteError): Stop {
  const { status, retryAfterMs } = error;
  if (status === 401 || status === 402 || status === 403 || status === 404) return { state: "unauthorised", status };
  return { state: "later", reason: error.message, retryAfterMs };
}

/**
 * The firehose beside an organization: `acme.hullapp.io` → `https://firehose.hullapp.io/`.
 *
 * @throws Error for a host of one label or an address, which has no such sibling
 */
export function firehoseUrl(organization: string, protocol: Protocol = "https"): string {
  const [, domain = ""] = /^[^.\s]+\.(\S[^.\s]*\.\S+)$/.exec(organization) ?? [];
  if (domain === "" || /^[\d.:]+$/.test(organization) || organization.startsWith("[")) {
    throw new Error(`No firehose address can be derived from ${organization}; set HULL_FIREHOSE_URL.`);
  }
  return `${protocol}://firehose.${domain}/`;
}
