/** The HTTP server around the app: how slow a request may be, and how many connections and open requests there may be. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { createTurns, type Turns } from "./bodies/turns";

/** Longest time for the head of a request, and for the whole of it, milliseconds. No platform needs as much. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
/** How often both are checked, milliseconds. */
const CHECK_MS = 2_000;
/** Longer than the idle time of the usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves is closed, such as one whose answers nobody reads. */
const STILL_MS = 60_000;
/** Each takes memory and a file handle; more are hung up on. */
const MAX_CONNECTIONS = 5_000;
/** Requests of one connection that wait for their answers; clients that pipeline at all send a few. */
const MAX_OPEN_REQUESTS = 16;

/** Whoever watches over the process asks for these, and kills it when they are late. */
const URGENT: readonly (string | undefined)[] = ["/health", "/ready"];

export interface HttpServerOptions {
  /** How many there may be at most; tests have fewer. */
  readonly maxConnections?: number;
  /** Whether all come from one address, that of a proxy. */
  readonly behindProxy?: boolean;
  /** In which requests are begun, but for those that cannot wait. */
  readonly turns?: Turns;
}

export function createHttpServer(app: RequestListener, options: HttpServerOptions = {}): Server {
  const { maxConnections = MAX_CONNECTIONS, behindProxy = false, turns = createTurns() } = options;
  const maxOfAddress = behindProxy ? maxConnections : maxConnections / 5;
  const open = new WeakMap<Socket, number>();
  const ofAddress = new Map<string, number>();
  const limits = { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS };

  const server = createServer({ ...limits, keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const { socket } = request;
    const count = (more: number): number => {
      const requests = (open.get(socket) ?? 0) + more;
      open.set(socket, requests);
      return requests;
    };
    if (count(1) > MAX_OPEN_REQUESTS) {
      socket.destroy();
      return;
    }
    response.once("close", () => count(-1));
    if (URGENT.includes(request.url)) app(request, response);
    else
      turns.take(() => {
        // Its sender may have hung up meanwhile.
        if (!request.destroyed) app(request, response);
      });
  });
  server.maxConnections = maxConnections;
  server.setTimeout(STILL_MS);

  let connections = 0;
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (more: number): number => {
      const there = (ofAddress.get(address) ?? 0) + more;
      if (there > 0) ofAddress.set(address, there);
      else ofAddress.delete(address);
      connections += more;
      return there;
    };
    socket.once("close", () => count(-1));
    if (count(1) > maxOfAddress) socket.destroy();
    // Whoever only waits makes room before somebody has to be hung up on.
    else if (connections > 0.8 * maxConnections) server.closeIdleConnections();
  });
  return server;
}
