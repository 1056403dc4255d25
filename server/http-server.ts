/** The HTTP server around the app, and how much of it one sender may take. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createTurns } from "./turns";

/** A sender that is slower than this is nobody's platform: head, then head and body, milliseconds. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_MS = 2_000;
/** Longer than the idle time of the usual load balancers, so that they close first. */
const IDLE_MS = 65_000;
/** Each takes memory and a file handle; more are hung up on. */
const MAX_CONNECTIONS = 5_000;

/** Whoever watches over the process asks for these, and kills it when they are late. */
const URGENT: readonly (string | undefined)[] = ["/health", "/ready"];

export function createHttpServer(app: RequestListener, turns = createTurns()): Server {
  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS };
  const server = createServer({ ...limits, keepAliveTimeout: IDLE_MS }, (request, response) => {
    if (URGENT.includes(request.url)) app(request, response);
    else
      turns.take(() => {
        // Its sender may have hung up meanwhile.
        if (!request.destroyed) app(request, response);
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
