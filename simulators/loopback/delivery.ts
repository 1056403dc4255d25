import type { ServerResponse } from "node:http";
import { textReply, type Reply } from "./call";
import type { Disruption } from "./faults";
import { misshape, sendReply, sendTruncated } from "./wire";

/** How a call ends: the name for the books, and the act itself. The name is known before anything is sent. */
export interface Delivery {
  readonly result: string;
  send(response: ServerResponse, closing: AbortSignal): Promise<void>;
}

/** Resolves when the caller has hung up or the simulator closes. */
export function untilGone(response: ServerResponse, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || closing.aborted) {
      resolve();
      return;
    }
    response.once("close", resolve);
    closing.addEventListener("abort", () => resolve(), { once: true });
  });
}

function reset(response: ServerResponse): Promise<void> {
  response.socket?.resetAndDestroy();
  return Promise.resolve();
}

const plain = (reply: Reply): Delivery => ({
  result: String(reply.status),
  send: (response, closing) => reply.send?.(response, closing) ?? sendReply(response, reply),
});

/** The end of a call whose work a fault prevents; nothing when the fault lets the work be done. */
export function deliverInstead(fault: Disruption): Delivery | undefined {
  switch (fault.kind) {
    case "reset-before":
      return { result: fault.kind, send: reset };
    case "stall":
      return { result: fault.kind, send: untilGone };
    case "rate-limit":
      return plain({ ...textReply(429, "Too many requests"), headers: fault.headers ?? {} });
    case "status":
      return fault.applied === true ? undefined : plain(textReply(fault.status, fault.body ?? "Internal Server Error"));
    case "reset-after":
    case "stall-after":
    case "truncate":
    case "wrong-shape":
      return undefined;
  }
}

/** The end of a call whose work was done: its answer, or what a fault makes of it. */
export function deliver(reply: Reply, fault: Disruption | undefined): Delivery {
  switch (fault?.kind) {
    case "reset-after":
      return { result: fault.kind, send: reset };
    case "stall-after":
      return { result: fault.kind, send: untilGone };
    case "truncate":
      return { result: fault.kind, send: (response) => sendTruncated(response, reply) };
    case "status":
      return plain(textReply(fault.status, fault.body ?? "Internal Server Error"));
    case "wrong-shape":
      return { ...plain(misshape(reply, fault.form ?? "object")), result: fault.kind };
    default:
      return plain(reply);
  }
}
