/** The HTTP server around the app, and how much of it one sender may take. */
import { createServer, type RequestListener, type Server } from "node:http";

/** A sender that is slower than this is nobody's platform: head, then head and body, milliseconds. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_MS = 2_000;
/** Longer than the idle time of the usual load balancers, so that they close first. */
const IDLE_MS = 65_000;
/** Each takes memory and a file handle; more are hung up on. */
const MAX_CONNECTIONS = 5_000;

export function createHttpServer(app: RequestListener): Server {
  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS };
  const server = createServer({ ...limits, keepAliveTimeout: IDLE_MS }, app);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
