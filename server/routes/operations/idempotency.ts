/**
 * Calls that carry an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) are made once, however often they are
 * sent: whoever got no answer sends the same again, and gets that of the first. The store remembers them for a day, so this
 * holds for all processes and after a restart. See `docs/decisions/44-idempotency-keys.md`.
 */
import { hash, randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { ErrorDetail } from "../../../src/input";
import { OperationError, type Operation, type OperationAnswer } from "../../../src/services/operations";
import { keyedCallPlace, type Seal } from "../../../src/storage/port/seal";
import type { KeyedCallRow } from "../../../src/storage/port/rows";
import type { Store } from "../../../src/storage/port/store";
import { refuse, type HttpError } from "../../http-error";
import { badInput } from "../../middleware/input";

export const KEY_HEADER = "Idempotency-Key";
export const REPEATED_HEADER = "Idempotent-Replayed";

/** Calls with `POST`: made twice, they may do twice what they do. */
export function takesKey<S>({ method }: Pick<Operation<S>, "method">): boolean {
  return method === "POST";
}

export interface IdempotencyOptions {
  readonly store: Pick<Store, "beginCall" | "endCall">;
  readonly seal: Pick<Seal, "seal" | "open">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly logger: Logger;
}

export interface KeyedCall {
  /** Key of the connector: two of them may use the same key. */
  readonly tenant: string;
  /** As `keyIn` reads it. */
  readonly key: string;
  /** Everything that was asked for. Another request with the same key is refused. */
  readonly request: unknown;
  /** Called before the answer of an earlier call is given, or thrown. */
  readonly onRepeated: () => void;
  /** For log lines. */
  readonly context: object;
}

/**
 * Makes the call, or gives the answer that it got before.
 *
 * @throws HttpError 409 while it is being made, or when it is not known what became of it; 422 for another request;
 *   429 after too many keys
 * @throws what `work` throws
 */
export type Once = (call: KeyedCall, work: () => Promise<OperationAnswer>) => Promise<OperationAnswer>;

/** Every call ends before that, milliseconds. One that did not is not made again either; only the words are others. */
const LONGEST_CALL_MS = 60_000;
const RETRY_AFTER_SECONDS = "5";
const HOUR_SECONDS = "3600";
/** Of an answer, as JSON; of bytes that are passed on as they are, bytes. */
const MAX_KEPT_CHARACTERS = 4_000;

const WORDS = {
  code: "invalid_idempotency_key",
  problem: "The call cannot be recognised when it is repeated",
  remedies: {
    [KEY_HEADER]:
      'Send one key for each call, such as a UUID, in double quotes or without: "8e03978e-40d5-43dd-bc93-6894a57f9324".',
  },
};

/**
 * The key in a header, which may stand in double quotes; undefined without one.
 *
 * @throws HttpError 400
 */
export function keyIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, quoted, bare = quoted] = /^(?:"([\w.~:+/=-]{1,255})"|([\w.~:+/=-]{1,255}))$/.exec(header) ?? [];
  if (bare !== undefined) return bare;
  const message = "must be 1 to 255 letters, digits or . _ ~ : + / = -";
  throw badInput(WORDS, [{ path: [KEY_HEADER], message }]);
}

/** What is known of a call. */
interface Known {
  /** Hash of the request. */
  readonly request: string;
  /** Undefined: it has not ended, as far as it is known. */
  readonly ended?: CallResult;
}

type CallResult =
  | (Omit<OperationAnswer, "body"> & { readonly kind: "answer"; readonly body?: unknown; readonly base64?: string })
  | { readonly kind: "refusal"; readonly refusal: Refusal }
  /** Done, with an answer that was too large. */
  | { readonly kind: "large" }
  | { readonly kind: "unknown" };

interface Refusal extends Pick<OperationError, "status" | "code" | "message" | "headers"> {
  readonly details: readonly ErrorDetail[];
}

export function createOnce({ store, seal, now, logger }: IdempotencyOptions): Once {
  return async ({ tenant, key, request: asked, onRepeated, context }, work) => {
    const name = hash("sha256", key, "base64url");
    const request = hash("sha256", JSON.stringify(asked), "base64url");
    const by = randomUUID();
    const place = keyedCallPlace(tenant, name);
    const sealed = (ended?: CallResult): string => seal.seal(JSON.stringify({ request, ended } satisfies Known), place);

    const end = async (ended: CallResult | undefined): Promise<void> => {
      try {
        await store.endCall(tenant, name, by, ended && sealed(ended));
      } catch (error) {
        // The caller must hear what happened. Whoever asks again hears that it is not known.
        logger.error({ context, err: error }, "connector.request.error");
      }
    };

    const found = await store.beginCall(tenant, name, { by, sealed: sealed() });
    if (found === "full") throw tooMany();
    if (found !== "begun") return repeated(found);
    let answer;
    try {
      answer = await work();
    } catch (error) {
      await end(keptError(error));
      throw error;
    }

    await end(isRefused(answer) ? undefined : keptAnswer(answer));
    return answer;

    function repeated({ atMs, sealed: text }: KeyedCallRow): OperationAnswer {
      const known = opened(text);
      if (known === undefined) throw unknown();
      if (known.request !== request) throw reused();
      if (known.ended === undefined) throw Math.abs(now() - atMs) < LONGEST_CALL_MS ? underway() : unknown();
      return again(known.ended, onRepeated);
    }

    function opened(text: string): Known | undefined {
      try {
        return JSON.parse(seal.open(text, place)) as Known;
      } catch {
        // Damaged on the disk, or encrypted with another SECRET.
        return undefined;
      }
    }
  };
}

/** @throws OperationError that was the answer; HttpError when there is no answer to give */
function again(ended: CallResult, onRepeated: () => void): OperationAnswer {
  if (ended.kind === "unknown") throw unknown();
  if (ended.kind === "large") {
    const message =
      "The call was made already, and went well; its answer was too large to be kept. Read what you need.";
    throw refuse(409, "already_done", message);
  }
  onRepeated();
  if (ended.kind === "refusal") {
    const { status, code, message, ...more } = ended.refusal;
    throw new OperationError(status, code, message, more);
  }
  const { base64, kind: _, ...answer } = ended;
  return base64 === undefined ? answer : { ...answer, body: Buffer.from(base64, "base64") };
}

/** By the service, which did nothing then; some operations pass its refusals on as they are. */
const isRefused = ({ status = 200 }: OperationAnswer): boolean => status >= 400 && status < 500;

function keptAnswer({ body, ...rest }: OperationAnswer): CallResult {
  const isRaw = Buffer.isBuffer(body);
  const size = isRaw ? body.length : JSON.stringify({ body }).length;
  if (size > MAX_KEPT_CHARACTERS) return { kind: "large" };
  return { kind: "answer", ...rest, ...(isRaw ? { base64: body.toString("base64") } : { body }) };
}

/** Undefined: nothing was done, so the same call may be tried again. */
function keptError(error: unknown): CallResult | undefined {
  if (!(error instanceof OperationError)) return { kind: "unknown" };
  const { status, code, message, headers, details } = error;
  return error.mayHaveActed ? { kind: "refusal", refusal: { status, code, message, headers, details } } : undefined;
}

function underway(): HttpError {
  const headers = { "retry-after": RETRY_AFTER_SECONDS };
  return refuse(409, "call_in_progress", "The first call with this Idempotency-Key is still being made; ask again.", {
    headers,
  });
}

function unknown(): HttpError {
  const message =
    "The first call with this Idempotency-Key was cut off, so nobody here knows whether it was carried out; it is not made again. " +
    "Look at the service whether what you wanted is there, and send the call with another key if it is not.";
  return refuse(409, "outcome_unknown", message);
}

function reused(): HttpError {
  const message =
    "This Idempotency-Key came with another request within the last day. Send each call with a key of its own, and repeat it unchanged.";
  return refuse(422, "idempotency_key_reused", message);
}

function tooMany(): HttpError {
  const message =
    "The connector has used too many Idempotency-Keys within a day. Wait until the oldest are forgotten, or send the call without one.";
  return refuse(429, "too_many_idempotency_keys", message, { headers: { "retry-after": HOUR_SECONDS } });
}
