/** An answer that is not 200: what is wrong, where, and what the sender can do. */
import type { FlowControl } from "./flow-control";

export interface ErrorDetail {
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

export class HttpError extends Error {
  override readonly name = "HttpError";

  constructor(
    readonly status: 400 | 401 | 413 | 503,
    readonly code: string,
    message: string,
    readonly flowControl: FlowControl,
    readonly details: readonly ErrorDetail[] = [],
  ) {
    super(message);
  }

  /** The body of the answer. */
  toBody(): Record<string, unknown> {
    return {
      flow_control: this.flowControl,
      error: {
        code: this.code,
        message: this.message,
        ...(this.details.length === 0 ? {} : { details: this.details }),
      },
    };
  }
}
