/** The HTTP server around the app: limits for slow requests, for connections, and for open requests. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { createTurns, type Turns } from "./bodies/turns";

/** Longest time for the head of a request, and for the whole of it, milliseconds. No platform needs this long. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
/** How often both are checked, milliseconds. */
const CHECK_MS = 2_000;
/** Longer than the idle timeout of the usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves is closed, for example when its answers are not read. */
const STILL_MS = 60_000;
/** Each takes memory and a file handle; further ones are hung up on. */
const MAX_CONNECTIONS = 5_000;
/** Requests of one connection that wait for their answers; clients that pipeline at all send few. */
const MAX_OPEN_REQUESTS = 16;

/** Process supervisors ask for these, and kill the process when the answer is late. */
const URGENT: readonly (string | undefined)[] = ["/health", "/ready"];

export interface HttpServerOptions {
  /** Maximum number; tests set a lower one. */
  readonly maxConnections?: number;
  /** Whether all come from one address, that of a proxy. */
  readonly behindProxy?: boolean;
  /** The order in which requests are begun, except for those that cannot wait. */
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
        // The sender may have hung up meanwhile.
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
    // Idle connections are closed before an active one is hung up on.
    else if (connections > 0.8 * maxConnections) server.closeIdleConnections();
  });
  return server;
}
