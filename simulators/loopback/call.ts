import type { IncomingHttpHeaders, ServerResponse } from "node:http";

/** One request as a simulator saw it, from arrival to answer. */
export interface Call {
  readonly id: number;
  readonly method: string;
  /** Path without query, as sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; the text itself when it is no JSON; `undefined` when empty. */
  readonly body: unknown;
  readonly receivedAt: number;
  /** Method and route template, for example `PUT /endusers/:id`. */
  readonly route: string;
  /** What the caller got: a status, or the name of the fault that ate the answer. Known once answered. */
  result?: string;
}

/** An answer. A text body is sent as it is, anything else as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Writes an answer that is no text, such as a file: resolves when it has left, or when the caller has gone. */
  readonly send?: (response: ServerResponse, closing: AbortSignal) => Promise<void>;
}

/** A call that was accepted for work; `apply` does the work, after any simulated latency. */
export interface Prepared {
  readonly route: string;
  readonly apply: () => Reply;
  /** True when nothing will be applied (no right, over the quota): faults and the `applied` hook are left out. */
  readonly refused?: boolean;
  /** True for calls that no quota counts: they are left out of the largest number of calls per minute. */
  readonly outsideQuota?: boolean;
  /** Called once, when the call is over in whatever way. */
  readonly release?: () => void;
}

/** Shorthand for a refusal. */
export function refuse(route: string, reply: Reply): Prepared {
  return { route, refused: true, apply: () => reply };
}

export const html = "text/html; charset=utf-8";

/** A bare text answer, the form in which many services report trouble. */
export function textReply(status: number, body: string): Reply {
  return { status, body, contentType: html };
}

/** True for a JSON object, as opposed to an array, a text or nothing. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
