// Keep-alive agents. One pair can serve many clients of one kind, so that tenants share connections.
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";

export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

/** Connections per host; Planhat allows bursts of about 50 parallel requests. */
const MAX_SOCKETS = 50;

/** @param options.lookup name resolution, such as the guarded one of `addresses.ts` */
export function createAgents(options: { lookup?: LookupFunction } = {}): Agents {
  const shared = { keepAlive: true, maxSockets: MAX_SOCKETS, ...options };
  return { http: new http.Agent(shared), https: new https.Agent(shared) };
}

/** Closes idle connections and breaks busy ones. */
export function closeAgents(agents: Agents): void {
  agents.http.destroy();
  agents.https.destroy();
}
