/**
 * The id of a request, so that an answer, its log lines and the caller's own logs can be put side by side. It stands in the
 * header `X-Request-Id` of every answer, and is read from there.
 */
import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";

const HEADER = "x-request-id";
/** Nothing that would mean something in a log, an address or a header. */
const SAFE = /^[\w.~-]{1,128}$/;

/** Comes before everything else. The caller's own id is kept if it has this form; otherwise one is made. */
export function requestIds(): RequestHandler {
  return (request, response, next) => {
    const given = request.get(HEADER) ?? "";
    response.set(HEADER, SAFE.test(given) ? given : randomUUID());
    next();
  };
}

/** For the context of a log line. */
export function requestContext(response: Response | undefined): { readonly request_id: string | undefined } {
  return { request_id: response?.get(HEADER) };
}
