/** Reading JSON bodies: bounded in size and in nesting, so that nothing behind it has to fear either. */
import express, { type Request, type RequestHandler, type Response } from "express";

export const MAX_BODY_BYTES = 50 * 1024 * 1024;

/** Real payloads nest about ten levels; far deeper ones would exhaust the stack of whatever walks them. */
export const MAX_DEPTH = 64;

export class TooDeepError extends Error {
  override readonly name = "TooDeepError";
  /** Read by the JSON parser's error handling. */
  readonly status = 400;
  readonly type = "entity.too.deep";
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How deeply a JSON text nests; strings are passed over. */
export function nestingOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      for (index += 1; index < bytes.length && bytes[index] !== QUOTE; index += 1) {
        if (bytes[index] === BACKSLASH) index += 1;
      }
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return deepest;
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
