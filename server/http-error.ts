/** An answer that is not 200: what is wrong, where, and what the sender can do. */
import { STATUS_CODES } from "node:http";
import type { ErrorDetail } from "../src/input";
import { RETRY, RETRY_LATER, type FlowControl } from "./flow-control";

export type ErrorStatus = 400 | 401 | 402 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 429 | 502 | 503;

/** The media type of a problem document (RFC 9457). */
export const PROBLEM = "application/problem+json";

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

export class HttpError extends Error {
  override readonly name = "HttpError";

  constructor(
    readonly status: ErrorStatus,
    readonly code: string,
    message: string,
    readonly flowControl: FlowControl,
    readonly details: readonly ErrorDetail[] = [],
    /** Headers in addition to the usual ones. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** The body of the answer as Hull reads it. */
  toBody(): Record<string, unknown> {
    return {
      flow_control: this.flowControl,
      error: {
        code: this.code,
        message: this.message,
        details: this.details.length === 0 ? undefined : this.details,
      },
    };
  }

  /**
   * The same as a problem document. The code says what kind of problem it is: no page of its own is behind it, so the type
   * is `about:blank` and the title that of the status.
   *
   * @param requestId the occurrence; a caller's own id that is no UUID is no URI either, and stands in `request_id` alone
   */
  toProblem(requestId: string | undefined): Record<string, unknown> {
    return {
      type: "about:blank",
      title: STATUS_CODES[this.status],
      status: this.status,
      detail: this.message,
      instance: requestId !== undefined && UUID.test(requestId) ? `urn:uuid:${requestId.toLowerCase()}` : undefined,
      code: this.code,
      request_id: requestId,
      details: this.details.length === 0 ? undefined : this.details,
    };
  }
}

/** The same for routes that take no notifications: an early retry for trouble that may pass, else a later one. */
export function refuse(
  status: ErrorStatus,
  code: string,
  message: string,
  more: Partial<Pick<HttpError, "details" | "headers">> = {},
): HttpError {
  return new HttpError(status, code, message, status >= 429 ? RETRY : RETRY_LATER, more.details, more.headers);
}
