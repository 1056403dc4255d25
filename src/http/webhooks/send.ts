/** Sends signed webhooks: one try each, no redirect, a short time-out, and hardly anything is read of the answer. */
import type { Agents } from "../agents";
import { createHttpClient, type CallRecord } from "../client";
import type { Log } from "../log";
import type { Clock } from "../time";
import { webhookHeaders } from "./signature";

/** Where webhooks go. */
export interface WebhookReceiver {
  /** Never logged: it may hold a secret of its own. */
  readonly url: string;
  readonly key: Buffer;
  /** Connections that may reach it. */
  readonly agents: Agents;
}

export interface Webhook {
  /** The same in each try, by which a receiver knows a repetition. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/**
 * One try. Any 2xx counts as taken.
 *
 * @throws RemoteError when it was not taken, or nobody knows; a redirect is such an error
 */
export type SendWebhook = (receiver: WebhookReceiver, webhook: Webhook, signal?: AbortSignal) => Promise<void>;

export interface SendWebhookOptions {
  readonly now: Clock;
  readonly log?: Log | undefined;
  readonly onCall?: ((call: CallRecord) => void) | undefined;
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

/** The specification asks for 15 to 30 s at the most; nobody should work before answering. */
const TIMEOUT_MS = 10_000;
/** Of an answer, whose body says nothing that we need. */
const MAX_ANSWER_BYTES = 64 * 1024;

export function createWebhookSender(options: SendWebhookOptions): SendWebhook {
  const { now, log, onCall, timeoutMs = TIMEOUT_MS } = options;
  return async ({ url, key, agents }, { id, body }, signal) => {
    const client = createHttpClient({
      system: "alerts",
      baseUrl: url,
      agents,
      timeoutMs,
      maxResponseBytes: MAX_ANSWER_BYTES,
      maxAttempts: 1,
      log,
      onCall,
      clock: now,
      // What a stranger's server says is shown to nobody.
      visible: () => undefined,
    });
    const headers = webhookHeaders(key, { id, timestamp: Math.floor(now() / 1_000), body });
    try {
      await client.request({ method: "POST", route: "", body, headers, expect: "bytes", safeToRepeat: true, signal });
    } finally {
      client.close();
    }
  };
}
