import { isObject } from "../loopback/call";
import type { PostClient, RawAnswer } from "../loopback/client";
import type { Random } from "../loopback/random";
import type { Connectors, Segment } from "./connectors";
import { buildEnvelope, type Channel, type Envelope, type FlowControl } from "./envelope";
import type { Signer } from "./signing";

export interface SendOptions {
  readonly connectorId: string;
  readonly channel: Channel;
  readonly messages: readonly unknown[];
  /** Default false. */
  readonly isExport?: boolean;
  /** Id of the first shipment; later ones get fresh ids. Default: made up. */
  readonly notificationId?: string;
  /** Sends the signature headers. Default true. */
  readonly signed?: boolean;
  /** Messages in the first shipment. Default 100. */
  readonly shipmentSize?: number;
  /** Parts of the envelope to replace, or to add when the shape is to be wrong. */
  readonly envelope?: Readonly<Record<string, unknown>>;
  /** Headers to add or replace. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How often one shipment is sent before the platform gives up. Default: the simulator's. */
  readonly maxAttempts?: number;
  /** Whether a `retry` with a smaller `size` cuts the shipment. Unknown for the real platform. Default false. */
  readonly resizeOnRetry?: boolean;
}

/** One attempt and what came back. `error` instead of status and body when nothing did. */
export interface SendAnswer {
  readonly notificationId: string;
  readonly messages: number;
  readonly status?: number;
  readonly body?: unknown;
  readonly flow?: FlowControl;
  readonly error?: string;
}

export interface SendReport {
  /** Shipments that ended, accepted or not. */
  readonly shipments: number;
  readonly messagesAccepted: number;
  readonly retries: number;
  /** Milliseconds that the platform waited, by its own `sleep`. */
  readonly waitedMs: number;
  /** Messages that were never accepted: dropped after the last attempt, refused with a 4xx without flow control, or cut off by `close`. */
  readonly messagesDropped: number;
  readonly answers: readonly SendAnswer[];
}

export interface SenderDeps {
  readonly connectors: Connectors;
  readonly segments: { readonly users: readonly Segment[]; readonly accounts: readonly Segment[] };
  readonly signer: Signer;
  readonly client: PostClient;
  readonly random: Random;
  readonly organization: () => string;
  readonly keyUrl: () => string;
  readonly sleep: (ms: number) => Promise<void>;
  /** True once the simulator is closed: nothing more is sent. */
  readonly isStopped: () => boolean;
  readonly maxAttempts: number;
  readonly retryDelayMs: number;
}

export interface Sender {
  /** Sends all messages, shipment by shipment, as flow control asks (sheet 2). */
  send(targetUrl: string, options: SendOptions): Promise<SendReport>;
  /** One POST with all messages and no reaction to the answer. Rejects when no answer comes. */
  sendOne(targetUrl: string, options: SendOptions): Promise<RawAnswer>;
}

interface Attempt {
  readonly messages: readonly unknown[];
  readonly notificationId: string;
  readonly retries: number;
  readonly flow: FlowControl | undefined;
}

const optionalNumber = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Reads the flow control of an answer; nothing when it has none that the platform would understand. */
function flowOf(body: unknown): FlowControl | undefined {
  const flow = isObject(body) ? body["flow_control"] : undefined;
  if (!isObject(flow) || (flow["type"] !== "next" && flow["type"] !== "retry")) return undefined;
  const size = optionalNumber(flow["size"]);
  const waitMs = optionalNumber(flow["in"]);
  const maxWaitMs = optionalNumber(flow["in_time"]);
  return {
    type: flow["type"],
    ...(size === undefined ? {} : { size }),
    ...(waitMs === undefined ? {} : { in: waitMs }),
    ...(maxWaitMs === undefined ? {} : { in_time: maxWaitMs }),
  };
}

/** What the platform does after an answer: the shipment is done, is sent again, or is given up. */
function verdictOf({ status, flow }: SendAnswer): "accepted" | "retry" | "refused" {
  if (flow !== undefined) return flow.type === "next" ? "accepted" : "retry";
  if (status === undefined || status >= 500 || status === 429) return "retry";
  return status < 300 ? "accepted" : "refused";
}

/** Creates the sending half of the platform. */
export function createSender(deps: SenderDeps): Sender {
  const newId = (): string => [8, 4, 4, 4, 12].map((length) => deps.random.hex(length)).join("-");

  const post = (targetUrl: string, options: SendOptions, attempt: Attempt): Promise<RawAnswer> => {
    const connector = deps.connectors.all.get(options.connectorId);
    if (connector === undefined) throw new Error(`There is no connector ${options.connectorId}.`);
    const { notificationId } = attempt;
    const envelope: Envelope = buildEnvelope({
      ...attempt,
      connector,
      organization: deps.organization(),
      channel: options.channel,
      isExport: options.isExport ?? false,
      segments: deps.segments.users,
      accountsSegments: deps.segments.accounts,
    });
    const signature: Readonly<Record<string, string>> =
      options.signed === false
        ? {}
        : {
            "x-hull-smart-notifier-signature-version": "v1",
            "x-hull-smart-notifier-signature": deps.signer.sign(notificationId),
            "x-hull-smart-notifier-signature-public-key-url": deps.keyUrl(),
          };
    const headers = { "x-hull-smart-notifier": "true", ...signature, ...options.headers };
    return deps.client.post(targetUrl, { ...envelope, ...options.envelope }, headers);
  };

  const attemptOnce = async (targetUrl: string, options: SendOptions, attempt: Attempt): Promise<SendAnswer> => {
    const about = { notificationId: attempt.notificationId, messages: attempt.messages.length };
    try {
      const { status, body } = await post(targetUrl, options, attempt);
      const flow = flowOf(body);
      return { ...about, status, body, ...(flow && { flow }) };
    } catch (error) {
      return { ...about, error: error instanceof Error ? error.message : String(error) };
    }
  };

  return {
    sendOne: (targetUrl, options) =>
      post(targetUrl, options, {
        messages: options.messages,
        notificationId: options.notificationId ?? newId(),
        retries: 0,
        flow: undefined,
      }),

    async send(targetUrl, options) {
      const answers: SendAnswer[] = [];
      const maxAttempts = options.maxAttempts ?? deps.maxAttempts;
      let [shipments, messagesAccepted, messagesDropped, totalRetries, waitedMs] = [0, 0, 0, 0, 0];
      let flow: FlowControl | undefined;
      let size = Math.max(1, options.shipmentSize ?? 100);
      let notificationId = options.notificationId ?? newId();
      let start = 0;

      const wait = async (ms: number): Promise<void> => {
        waitedMs += ms;
        if (ms > 0) await deps.sleep(ms);
      };

      while (start < options.messages.length && !deps.isStopped()) {
        let messages = options.messages.slice(start, start + size);
        let verdict: ReturnType<typeof verdictOf> = "retry";
        for (let retries = 0; retries < maxAttempts && verdict === "retry" && !deps.isStopped(); retries += 1) {
          if (retries > 0) {
            totalRetries += 1;
            await wait(flow?.in ?? deps.retryDelayMs);
            if (options.resizeOnRetry === true)
              messages = messages.slice(0, Math.max(1, flow?.size ?? messages.length));
          }
          const answer = await attemptOnce(targetUrl, options, { messages, notificationId, retries, flow });
          answers.push(answer);
          flow = answer.flow;
          verdict = verdictOf(answer);
        }
        shipments += 1;
        start += messages.length;
        if (verdict === "accepted") messagesAccepted += messages.length;
        else messagesDropped += messages.length;
        size = Math.max(1, flow?.size ?? size);
        notificationId = newId();
        if (start < options.messages.length) await wait(flow?.in ?? 0);
      }
      messagesDropped += options.messages.length - start;
      return { shipments, messagesAccepted, retries: totalRetries, waitedMs, messagesDropped, answers };
    },
  };
}
