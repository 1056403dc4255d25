/** The HTTP server around the app: how slow a request may be, and how many connections there may be in all. */
import { createServer, type RequestListener, type Server } from "node:http";

/** Longest time for the head of a request, and for the whole of it, milliseconds. No platform needs as much. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
/** How often both are checked, milliseconds. */
const CHECK_MS = 2_000;
/** Longer than the idle time of the usual load balancers, so that they close first. */
const IDLE_MS = 65_000;
/** Each takes memory and a file handle; more are hung up on. */
const MAX_CONNECTIONS = 5_000;

export function createHttpServer(app: RequestListener): Server {
  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS };
  const server = createServer({ ...limits, keepAliveTimeout: IDLE_MS }, app);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
