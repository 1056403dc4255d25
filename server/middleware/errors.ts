/**
 * The one place that turns errors into answers: as Hull reads them, with flow control; as a problem document (RFC 9457) for
 * whoever asks for one; or as a page.
 */
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { Logger } from "pino";
import { DiskError, REDIS_LOST } from "../../src/storage/port/disk";
import { RETRY, RETRY_LATER } from "../flow-control";
import { HttpError, PROBLEM, refuse } from "../http-error";
import { requestContext } from "./request-id";

export function notFound(): RequestHandler {
  return (request, response) => {
    const message = `There is no ${request.method} ${request.path}.`;
    // A notification that was sent to the wrong path must not be lost.
    showJson(response, refuse(404, "not_found", message));
  };
}

/** Comes after the handlers of a path. @param allowed its methods, such as `GET, HEAD` */
export function otherMethods(allowed: string): RequestHandler {
  // The name distinguishes it from the handlers of routes.
  return function refusesOtherMethods({ method }) {
    const message = `${method} is not possible here; use ${allowed}.`;
    throw refuse(405, "method_not_allowed", message, { headers: { allow: allowed } });
  };
}

/** Writes an answer whose headers are set already. @param cause what was thrown */
export type ShowError = (response: Response, error: HttpError, cause: unknown) => void;

export function errorAnswers(logger: Logger, show: ShowError = showJson): ErrorRequestHandler {
  // Express recognises error handlers by their four parameters.
  return (error: unknown, request, response, _next) => {
    const known = asHttpError(error);
    const context = { path: request.path, method: request.method, ...requestContext(response) };
    if (known === undefined) logger.error({ context, err: error }, "connector.request.error");
    else {
      const { status, code, message: reason } = known;
      // A full disk, or a lost Redis, has one line of its own, and not one for each request.
      const level = error instanceof DiskError ? "debug" : "warn";
      logger[level]({ context, data: { status, code, reason } }, "connector.request.refused");
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const answer = known ?? new HttpError(503, "internal", "Something went wrong on our side; try again.", RETRY);
    response.set(answer.headers);
    show(response, answer, error);
  };
}

/** For Hull, which must find its flow control in every answer. */
export function showForHull(response: Response, error: HttpError): void {
  response.status(error.status).json(error.toBody());
}

/** As it is sent, so that it is found with the character set and without. */
const OFFERED = `${PROBLEM};charset=utf-8`;

/** For programs: as for Hull, unless a problem document is asked for. */
export function showJson(response: Response, error: HttpError): void {
  response.vary("accept");
  if (response.req.accepts(["application/json", OFFERED]) !== OFFERED) showForHull(response, error);
  else
    response
      .status(error.status)
      .type(PROBLEM)
      .json(error.toProblem(requestContext(response).request_id));
}

/** For whoever asks from outside, who can do nothing about the disk; its folder and variables are in the log and on `/ready`. */
const DISK_FULL =
  "This server cannot keep anything new now, because its disk is full or cannot be written. " +
  "Try again later; if it stays like this, tell those who run this server.";

const STORE_LOST =
  "This server cannot reach its store. " + "Try again later; if it stays like this, tell those who run this server.";

function asHttpError(error: unknown): HttpError | undefined {
  if (error instanceof DiskError && error.code === REDIS_LOST)
    return new HttpError(503, "store_lost", STORE_LOST, RETRY);
  if (error instanceof DiskError) return new HttpError(503, "disk_full", DISK_FULL, RETRY_LATER);
  if (!(error instanceof URIError)) return error instanceof HttpError ? error : undefined;
  return refuse(400, "unreadable_path", "The path contains a % that does not encode a character.");
}
