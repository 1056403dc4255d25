/**
 * What people and programs may call through us with the tenant's credentials, declared as data. Routes, log-in, limits,
 * OpenAPI and the audit line are made of the declaration (`server/routes/operations/`). All of them are called in the
 * interactive class of the request budget, before deliveries and fetches: somebody waits.
 */
import type { z } from "zod";
import { explainInput, type ErrorDetail, type InputProblem, type InputWords } from "../input";
import type { AuthProvider } from "../http/auth";
import type { Target } from "./target";

/** Who asks: a connector with all that reaching the service needs. */
export interface Asker<S> {
  /** Organization and connector id. */
  readonly key: string;
  readonly settings: S;
  readonly target: Target;
  /** The tokens that a person granted, where the service has `authorization`. */
  readonly auth?: AuthProvider;
}

/** @template P parameters in the path @template Q the query @template B the body, each as its schema reads it */
export interface Operation<S, P = unknown, Q = unknown, B = unknown> {
  /** Unique in the service: `listTeamMembers`. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/internal`, such as `/users/{userId}`. The path that was declared first counts where several fit. */
  readonly path: string;
  /** The chapter in OpenAPI. */
  readonly tag: { readonly name: string; readonly description: string };
  readonly summary: string;
  readonly description?: string;
  /** The parameters in the path: an object, each with a description. */
  readonly parameters?: InputPart<P>;
  readonly query?: QueryPart<Q>;
  readonly body?: BodyPart<B>;
  readonly answer: AnswerPart;
  /** Its own refusals, those of the service included; what every operation may refuse is described anyway. */
  readonly refusals: readonly OperationRefusal[];
  /** A call that destroys something must say in `confirm` that it is meant. */
  readonly confirm?: Confirmation<P, Q, B>;
  /**
   * What the audit line calls a request that carries another one: method and path template, no id. Otherwise they are
   * the operation's own.
   */
  audited?(input: Input<P, Q, B>): { readonly method: string; readonly path: string };
  /**
   * The synchronised records that the call may have changed, so that they are read before the next write.
   *
   * @param answer undefined: the call failed, and may have been carried out nevertheless
   */
  remembers?(input: Input<P, Q, B>, answer: OperationAnswer | undefined, asker: Asker<S>): readonly Touched[];
  /** @throws OperationError when the call cannot be served */
  run(asker: Asker<S>, input: Input<P, Q, B>): Promise<OperationAnswer>;
}

/** Keeps the types of one declaration together, in a list of operations. */
export const declare = <S, P, Q, B>(operation: Operation<S, P, Q, B>): Operation<S> => operation;

/** What is not declared is undefined. */
export interface Input<P, Q, B> {
  readonly parameters: P;
  readonly query: Q;
  readonly body: B;
}

/** One part of a request: how it is read, and what is said when it is bad. */
export interface InputPart<T> {
  readonly schema: z.ZodType<T>;
  readonly words: InputWords;
  /** What the refusal means, for OpenAPI: a sentence without its full stop. */
  readonly refused: string;
}

export interface QueryPart<T> {
  readonly schema: z.ZodType<T>;
  /** Parameter → what the sender can do. */
  readonly remedies: InputWords["remedies"];
}

/** JSON. */
export interface BodyPart<T> extends InputPart<T> {
  /** The schema's name in OpenAPI. */
  readonly name: string;
  readonly example: unknown;
  readonly maxBytes: number;
  /** What to do about a larger one, as the end of a sentence. */
  readonly smaller: string;
}

export interface AnswerPart {
  /** The schema's name in OpenAPI. */
  readonly name: string;
  readonly schema: z.ZodType;
  readonly description: string;
  readonly example?: unknown;
  /** 200 unless it says otherwise. */
  readonly status?: number;
}

export interface Confirmation<P, Q, B> {
  /** What `confirm` must repeat: "the id in the path". */
  readonly repeats: string;
  /** What falls with it, in a sentence. */
  readonly falls: string;
  /** The value of `confirm`; undefined: this call destroys nothing. */
  value(input: Input<P, Q, B>): string | undefined;
}

/** One record by its remote id or a key, or all of a type when the call does not tell which. */
export interface Touched {
  readonly type: string;
  readonly id?: string;
  /** Where the call names it by one alone. */
  readonly key?: { readonly name: string; readonly value: string };
  /** It is certainly not there any more. */
  readonly gone?: boolean;
}

export interface OperationAnswer {
  /** That of the declaration unless it says otherwise. */
  readonly status?: number;
  /** A Buffer is sent as it is, with the content type among the headers; everything else is sent as JSON. */
  readonly body?: unknown;
  /** Those that the caller may see. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OperationRefusal {
  readonly status: OperationError["status"];
  /** A sentence without its full stop. */
  readonly text: string;
  /** Each is the `code` of an error. */
  readonly codes: readonly string[];
}

interface More {
  readonly details?: readonly ErrorDetail[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly mayHaveActed?: boolean;
  readonly cause?: unknown;
}

/** Why an operation was not served: the answer to whoever called it. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly details: readonly ErrorDetail[];
  readonly headers: Readonly<Record<string, string>>;
  /** The service may have done it, or a part of it, nevertheless. */
  readonly mayHaveActed: boolean;

  constructor(
    readonly status: 400 | 403 | 404 | 409 | 413 | 422 | 502 | 503,
    readonly code: string,
    message: string,
    { details = [], headers = {}, mayHaveActed = false, cause }: More = {},
  ) {
    super(message, { cause });
    this.details = details;
    this.headers = headers;
    this.mayHaveActed = mayHaveActed;
  }
}

/** For what no schema can see: each problem is named at its field. */
export function badInput(words: InputWords, problems: readonly InputProblem[]): OperationError {
  const { message, details } = explainInput(words, problems);
  return new OperationError(400, words.code, message, { details });
}
