/** The places of the store that several of its parts use, and how they are named. Part of the Store port. */
import type { Claims } from "../../record";
import type { Outcome, RecordPlace } from "./rows";

export interface Lane {
  readonly remote: string;
  readonly tenant: string;
}

/** How a record's message ended; the connector is the one whose message it was. */
export interface RecordOutcome extends RecordPlace {
  readonly claims: Claims;
  readonly outcome: Outcome;
}

/** The key of an installed connector. Neither services nor organizations contain a slash. */
export function tenantKey(service: string, organization: string, connectorId: string): string {
  return `${service}/${organization}/${connectorId}`;
}

export function serviceOf(tenantKey: string): string {
  return tenantKey.slice(0, Math.max(0, tenantKey.indexOf("/")));
}

/** Organization and connector id, which name a connector in Hull: what was stored before keys named the service. */
export function connectorOf(tenantKey: string): string {
  return tenantKey.slice(tenantKey.indexOf("/") + 1);
}

/** The same in parts, as log lines name a connector. */
export function connectorIn(tenantKey: string): { readonly organization: string; readonly id: string } {
  const connector = connectorOf(tenantKey);
  const end = connector.indexOf("/");
  return { organization: connector.slice(0, end), id: connector.slice(end + 1) };
}
