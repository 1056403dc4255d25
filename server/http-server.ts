/** The HTTP server around the app: limits for slow requests, for connections, and for open requests. */
import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
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

export interface ListenAddress {
  /** Name or address of this machine. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/**
 * @returns the port
 * @throws Error with a sentence that names HOST or PORT, when that cannot be listened on
 */
export async function listen(server: Server, where: ListenAddress): Promise<number> {
  try {
    server.listen(where.port, where.host);
    await once(server, "listening");
  } catch (cause) {
    throw new Error(listenRefusal(cause, where), { cause });
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : where.port;
}

/** Why nobody can listen there, and what to do, by the code of the system's error. */
export function listenRefusal(error: unknown, { host, port }: ListenAddress): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";
  const anyHost =
    "Set HOST to an address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 or :: for everybody.";
  switch (code) {
    case "EADDRINUSE":
      return (
        `PORT ${port} on HOST ${host} is in use by another process (${code}). ` +
        "Stop that one, set PORT to another port, or to 0 for any that is free."
      );
    case "EACCES":
      return (
        `PORT ${port} on HOST ${host} is not open to this user (${code}); ports below 1024 usually need a right of their ` +
        "own. Set PORT to a higher one, such as 8082."
      );
    case "EADDRNOTAVAIL":
      return `HOST ${host} is not an address of this machine (${code}). ${anyHost}`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
    case "EINVAL":
      return `HOST ${host} is not a name that leads to an address (${code}). ${anyHost}`;
    case "EAFNOSUPPORT":
      return `HOST ${host} is an address of a family that this machine does not have (${code}). ${anyHost}`;
    default:
      return `Nobody can listen on HOST ${host}, PORT ${port} (${code}). Set HOST or PORT to others.`;
  }
}
