/** What alerts need to know of one connector: what is wrong with it, and where it wants to be told. */
import { createRedactor } from "../../http/guards/redact";
import type { HostAllowList } from "../../http/guards/hosts";
import type { Finding } from "../../services/connection";
import { warning } from "../../services/findings";
import { ALERT_TITLES, type AlertSettings } from "../../services/mapping/alerts";
import type { Service } from "../../services/service";
import type { Store } from "../../storage/port/store";
import { readGrant } from "../authorization/grant";
import type { Tenant, Tenants } from "../tenants";
import type { AlertedConnector } from "./alerts";
import { deadLetterCondition, fetchCondition, grantCondition, pausedCondition, type Condition } from "./conditions";

/** What alerts need to know of a connector. */
export interface AlertedState {
  readonly connector: AlertedConnector;
  readonly conditions: readonly Condition[];
  /** Where its own settings send alerts; undefined: nowhere. */
  readonly receiver: AlertSettings["receiver"];
}

const DAY_MS = 24 * 3_600_000;
/** Characters. */
const MAX_TEXT = 2_000;

export interface ConnectorConditionsOptions<S> {
  readonly store: Pick<Store, "pauses" | "hours" | "lastRun">;
  readonly service: Pick<Service<S>, "fetchPolicy" | "authorization" | "face">;
  readonly tenants: Pick<Tenants<S>, "grantOf">;
  /** Where a person authorizes a connector. */
  readonly authorizeAddress: (organization: string) => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Asks the store alone, never the service. */
export function createConnectorConditions<S>(
  options: ConnectorConditionsOptions<S>,
): (tenant: Tenant<S>) => Promise<readonly Condition[]> {
  const { store, service, tenants, authorizeAddress, now } = options;
  const { title } = service.face;

  async function granted({ key, target, credentials }: Tenant<S>): Promise<readonly Condition[]> {
    if (service.authorization === undefined || target === undefined) return [];
    const { pair } = readGrant(await tenants.grantOf(key).read());
    return grantCondition(pair, authorizeAddress(credentials.organization), title);
  }

  async function fetches({ key, settings }: Tenant<S>, nowMs: number): Promise<readonly Condition[]> {
    const types = settings === undefined ? [] : service.fetchPolicy(settings).types;
    const fetched = types.map(async (policy) => ({ ...policy, last: await store.lastRun(key, "fetch", policy.type) }));
    return fetchCondition(await Promise.all(fetched), title, nowMs);
  }

  return async (tenant) => {
    const nowMs = now();
    const { key, remote, alerts } = tenant;
    const limit = alerts?.deadLetters;
    const found = [
      ...(remote === undefined ? [] : pausedCondition(await store.pauses({ remote, tenant: key }), title, nowMs)),
      ...(limit === undefined ? [] : deadLetterCondition(await store.hours(key, nowMs - DAY_MS), limit, title)),
      ...(remote === undefined ? [] : await fetches(tenant, nowMs)),
      ...(await granted(tenant)),
    ];
    const redactor = createRedactor([tenant.credentials.secret]);
    return found.map((condition) => ({ ...condition, text: redactor.opening(condition.text, MAX_TEXT) }));
  };
}

/** The address that a connector's settings name; undefined where this server does not send there. */
export function ownReceiver(alerts: AlertSettings | undefined, allowed: HostAllowList): AlertSettings["receiver"] {
  const { receiver } = alerts ?? {};
  return receiver !== undefined && allowed.allows(receiver.url) ? receiver : undefined;
}

/** What is wrong with the settings about alerts, for the status. */
export function alertFindings(alerts: AlertSettings | undefined, allowed: HostAllowList): readonly Finding[] {
  const { receiver, problems = [] } = alerts ?? {};
  const isRefused = receiver !== undefined && ownReceiver(alerts, allowed) === undefined;
  const refused = `${ALERT_TITLES.alert_webhook_url} names a host to which this server sends no alerts. Ask those who run it to allow that host for alerts, or empty the setting.`;
  return [...problems, ...(isRefused ? [refused] : [])].map(warning);
}
