import { once, setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { textReply, type Call, type Prepared, type Reply } from "./call";
import type { Clock } from "./clock";
import { deliver, deliverInstead, type Delivery } from "./delivery";
import type { Faults } from "./faults";
import type { Hooks } from "./hooks";
import type { Ledger } from "./ledger";
import { BodyTooLarge, readBody, sendReply } from "./wire";

/** A call before it has a route. */
export type Arrival = Omit<Call, "route" | "result">;

export interface LoopbackDeps {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly hooks: Hooks;
  readonly ledger: Ledger;
  readonly bodyLimitBytes: number;
  /** Decides at arrival what a call is and whether it may be done. */
  readonly prepare: (arrival: Arrival) => Prepared;
  /** Answers calls under `/__sim/` and at `/`, outside books, quota and faults; `undefined` = a call like any other. */
  readonly control?: ((arrival: Arrival) => Reply | undefined | Promise<Reply | undefined>) | undefined;
}

export interface LoopbackServer {
  /** Starts on 127.0.0.1; 0 = any free port. May be called again after `close`, with the state as it was. */
  listen(port?: number): Promise<void>;
  /** Cuts every connection, the next ones as well, and wakes every sleeping call, which then does nothing. */
  hangUp(): void;
  /** Hangs up, and frees the port. */
  close(): Promise<void>;
  /** `127.0.0.1:PORT`. Throws before the first `listen`. */
  readonly host: string;
}

/** Creates a server that leads every call through hooks, faults and books, on loopback only. */
export function createLoopbackServer(deps: LoopbackDeps): LoopbackServer {
  let server: Server | undefined;
  let closing = new AbortController();
  let port: number | undefined;
  let nextId = 0;

  /** Does the work of a call, if the faults let it, and says how to end it. */
  async function work(call: Call, prepared: Prepared, signal: AbortSignal): Promise<Delivery | undefined> {
    await deps.hooks.fire("request", call);
    if (prepared.refused === true) return deliver(prepared.apply(), undefined);
    const { latencyMs, disruption } = deps.faults.plan(call);
    if (latencyMs > 0) await deps.clock.sleep(latencyMs, signal);
    if (signal.aborted) return undefined;
    const instead = disruption && deliverInstead(disruption);
    if (instead !== undefined) return instead;
    const reply = prepared.apply();
    await deps.hooks.fire("applied", call);
    return deliver(reply, disruption);
  }

  async function serve(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    let body: unknown;
    try {
      body = await readBody(request, deps.bodyLimitBytes);
    } catch (error) {
      if (error instanceof BodyTooLarge) await sendReply(response, textReply(413, "Payload Too Large"));
      return;
    }
    const arrival: Arrival = {
      id: (nextId += 1),
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      receivedAt: deps.clock.now(),
    };
    if (deps.control !== undefined && /^\/(?:$|__sim(?:$|\/))/.test(url.pathname)) {
      const controlled = await deps.control(arrival);
      if (controlled !== undefined) {
        await sendReply(response, controlled);
        return;
      }
    }
    const prepared = deps.prepare(arrival);
    deps.ledger.arrived(arrival.receivedAt, prepared.outsideQuota);
    const call: Call = { ...arrival, route: prepared.route };
    let delivery: Delivery | undefined;
    try {
      delivery = await work(call, prepared, signal);
    } finally {
      // Before the answer leaves: its receiver may call again at once, and must find the books written.
      prepared.release?.();
    }
    call.result = delivery?.result ?? "closed";
    deps.ledger.ended(call.route, call.result);
    await delivery?.send(response, signal);
    await deps.hooks.fire("answered", call);
  }

  function hangUp(): void {
    closing.abort();
    server?.on("connection", (socket: Socket) => socket.destroy());
    server?.closeAllConnections();
  }

  return {
    async listen(wanted = 0) {
      closing = new AbortController();
      const { signal } = closing;
      setMaxListeners(0, signal);
      const started = createServer((request, response) => {
        serve(request, response, signal).catch((error: unknown) => {
          // A fault of the simulator or of a hook must be seen by the caller, never hang.
          const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
          if (response.headersSent) response.destroy();
          else void sendReply(response, textReply(599, `Simulator error: ${text}`));
        });
      });
      started.keepAliveTimeout = 60_000;
      await new Promise<void>((resolve, reject) => {
        started.once("error", reject);
        started.listen(wanted, "127.0.0.1", resolve);
      });
      server = started;
      port = (started.address() as AddressInfo).port;
    },
    hangUp,
    async close() {
      if (server === undefined) return;
      const closed = once(server.close(), "close");
      hangUp();
      server = undefined;
      await closed;
    },
    get host() {
      if (port === undefined) throw new Error("The simulator has no address before listen().");
      return `127.0.0.1:${port}`;
    },
  };
}
