/** Reading JSON bodies: bounded in size and in nesting, so that nothing behind it has to fear either. */
import express, { type Request, type RequestHandler, type Response } from "express";
import { MAX_DEPTH, nestingOf } from "../../src/http/nesting";

export { MAX_DEPTH, nestingOf };

export const MAX_BODY_BYTES = 50 * 1024 * 1024;

export class TooDeepError extends Error {
  override readonly name = "TooDeepError";
  /** Read by the JSON parser's error handling. */
  readonly status = 400;
  readonly type = "entity.too.deep";
}

/** @param maxBytes unpacked */
export function jsonBody(maxBytes = MAX_BODY_BYTES): RequestHandler {
  return express.json({
    limit: maxBytes,
    strict: true,
    // Whatever it is called, what Hull posts is JSON.
    type: () => true,
    verify: (_request, _response, bytes) => {
      if (nestingOf(bytes) > MAX_DEPTH) throw new TooDeepError(`The body nests deeper than ${MAX_DEPTH} levels.`);
    },
  });
}

/** Reads a body once it is known that its sender may send one. Rejects as the parser of `jsonBody` does. */
export function bodyReader(maxBytes: number): (request: Request, response: Response) => Promise<unknown> {
  const parse = jsonBody(maxBytes);
  return (request, response) =>
    new Promise((resolve, reject) => {
      void parse(request, response, (error?: unknown) => {
        if (error === undefined) resolve(request.body);
        else reject(error instanceof Error ? error : new Error("The body could not be read.", { cause: error }));
      });
    });
}
