// How reading an extract fails when not all of it could be read.
import { bareError } from "../../http/guards/redact";

/**
 * forbidden_url: an address that we do not visit · http_status: the storage refused · unreachable: no connection ·
 * interrupted: the download broke off or stalled · not_an_extract: it is something else · too_large: beyond a
 * limit of ours.
 */
export type ExtractErrorKind =
  "forbidden_url" | "http_status" | "unreachable" | "interrupted" | "not_an_extract" | "too_large";

export interface ExtractTrouble {
  readonly kind: ExtractErrorKind;
  /** What happened and what a person can do, to follow a colon. Never a query, never a value of a row. */
  readonly what: string;
  /** True when the same order may work later; false when left out. */
  readonly retryable?: boolean;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

export class ExtractError extends Error {
  override readonly name = "ExtractError";
  readonly kind: ExtractErrorKind;
  readonly retryable: boolean;
  readonly status: number | undefined;

  /**
   * @param place host and path of the link, as `placeOf` prints them
   * @param atRow index of the first row that is missing: `skipRows` of the next try
   */
  constructor(
    place: string,
    readonly atRow: number,
    trouble: ExtractTrouble,
  ) {
    super(`The extract at ${place}: ${trouble.what}`, { cause: bareError(trouble.cause) });
    this.kind = trouble.kind;
    this.retryable = trouble.retryable === true;
    this.status = trouble.status;
  }
}

/** Makes the error of one order: the place where it happens knows neither the link nor the row. */
export type Fail = (trouble: ExtractTrouble) => ExtractError;
