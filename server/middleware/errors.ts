/** The one place that turns errors into answers. Every answer says how to go on: in JSON, or as pages do. */
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { Logger } from "pino";
import { RETRY, RETRY_LATER, SMALLER } from "../flow-control";
import { HttpError, refuse } from "../http-error";
import { MAX_BODY_BYTES } from "./body";

export function notFound(): RequestHandler {
  return (request, response) => {
    const message = `There is no ${request.method} ${request.path}.`;
    // A notification that was sent to the wrong path must not be lost by it.
    response.status(404).json({ flow_control: RETRY_LATER, error: { code: "not_found", message } });
  };
}

/** Stands behind the handlers of a path. @param allowed its methods, such as `GET, HEAD` */
export function otherMethods(allowed: string): RequestHandler {
  // By its name it is told from the handlers of routes.
  return function refusesOtherMethods({ method }) {
    const message = `${method} is not possible here; use ${allowed}.`;
    throw refuse(405, "method_not_allowed", message, { headers: { allow: allowed } });
  };
}

/** @param show writes the answer, whose headers are set */
export function errorAnswers(logger: Logger, show = showJson): ErrorRequestHandler {
  // Express recognises error handlers by their four parameters.
  return (error: unknown, request, response, _next) => {
    const known = asHttpError(error);
    const context = { path: request.path, method: request.method };
    if (known === undefined) logger.error({ context, err: error }, "connector.request.error");
    else
      logger.warn(
        { context, data: { status: known.status, code: known.code, reason: known.message } },
        "connector.request.refused",
      );
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const answer = known ?? new HttpError(503, "internal", "Something went wrong on our side; try again.", RETRY);
    response.set(answer.headers);
    show(response, answer);
  };
}

function showJson(response: Response, error: HttpError): void {
  response.status(error.status).json(error.toBody());
}

/** Errors of the body parser carry `type`; anything else that is not ours is unexpected. */
function asHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof URIError) return refuse(400, "unreadable_path", "The path holds a % that begins no character.");
  const type = typeof error === "object" && error !== null && "type" in error ? error.type : undefined;
  switch (type) {
    case "entity.too.large":
      return new HttpError(
        413,
        "too_large",
        `The body is larger than ${limitOf(error) / 1024 / 1024} MB; send less at a time, such as fewer messages per shipment.`,
        SMALLER,
      );
    case "entity.parse.failed":
      return new HttpError(400, "malformed_json", "The body is not JSON; post a JSON object.", RETRY_LATER);
    case "entity.too.deep":
      return new HttpError(400, "too_deep", "The body nests too deeply; send attributes flat.", RETRY_LATER);
    case "encoding.unsupported":
    case "charset.unsupported":
      return new HttpError(400, "unsupported_encoding", "Send UTF-8 JSON, plain or gzip.", RETRY_LATER);
    case "request.aborted":
    case "request.size.invalid":
      return new HttpError(400, "aborted", "The body ended early; send it again.", RETRY);
    case "entity.verify.failed":
      return new HttpError(400, "unreadable", "The body could not be read; post a JSON object.", RETRY_LATER);
    default:
      // A damaged gzip body has a status and no type.
      return isClientFault(error)
        ? new HttpError(400, "unreadable", "The body could not be read; send it again.", RETRY_LATER)
        : undefined;
  }
}

function isClientFault(error: unknown): boolean {
  return typeof error === "object" && error !== null && "status" in error && error.status === 400;
}

/** What the body parser was told to take at most, in bytes. */
function limitOf(error: unknown): number {
  const limit = typeof error === "object" && error !== null && "limit" in error ? error.limit : undefined;
  return typeof limit === "number" ? limit : MAX_BODY_BYTES;
}
