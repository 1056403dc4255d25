/**
 * The same routes for the tools on this machine, without a token: on the socket that locks the data folder, which only
 * the server's user may open, or within the tool's own process. Each connection carries one request.
 */
import { createServer } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import express, { type Router } from "express";
import type { Logger } from "pino";
import { HttpError, refuse } from "../http-error";
import { errorAnswers, notFound, showJson } from "../middleware/errors";
import { requestIds } from "../middleware/request-id";

/** A request has no body and arrives at once; an answer may take as long as erasing a tenant. */
const REQUEST_MS = 5_000;

/**
 * @param requestMs how long a connection may be silent before it asks, milliseconds
 * @returns serves one connection
 */
export function createMachineDoor(
  routes: Router,
  logger: Logger,
  requestMs = REQUEST_MS,
): (connection: Duplex) => void {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  app.use(requestIds(), (_request, response, next) => {
    response.set("connection", "close");
    next();
  });
  app.use(routes);
  app.use(notFound());
  app.use(
    errorAnswers(logger, (response, error, cause) => {
      // Whoever is on the machine may know what went wrong, and has no other log while the server is stopped.
      const isOurs = cause instanceof Error && !(cause instanceof HttpError || cause instanceof URIError);
      showJson(response, isOurs ? refuse(503, error.code, cause.message) : error);
    }),
  );
  // It never listens: connections are handed to it.
  const server = createServer((request, response) => {
    if (request.socket instanceof Socket) request.socket.setTimeout(0);
    app(request, response);
  });
  server.timeout = requestMs;
  return (connection) => void server.emit("connection", connection);
}
