/** Calls for somebody who waits: they end in time, and a long pause is handed on instead of waited for. */
import type { HttpClient } from "../http/client";
import type { Sleep } from "../http/time";

/** A longer wait named by the service is handed to the caller. */
const LONGEST_PAUSE_MS = 5_000;

/** The wait before a call is repeated; rejects when it would be too long. */
export function shortPauses(sleep: Sleep): Sleep {
  return (waitMs, signal) =>
    waitMs > LONGEST_PAUSE_MS ? Promise.reject(new Error("Too long a pause.")) : sleep(waitMs, signal);
}

/** Runs `work` on a client of its own, whose calls are cut off after this time. The client is closed in the end. */
export async function within<T>(
  client: Pick<HttpClient, "close">,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => client.close(), timeoutMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    client.close();
  }
}
