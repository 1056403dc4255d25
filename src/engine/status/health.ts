/**
 * The health of a connector, for people: what its settings say about themselves, what the service says about them, and
 * what is paused, failed or waiting. The status in Hull's dashboard and every other page for people show the same.
 */
import { LRUCache } from "lru-cache";
import groupBy from "lodash/groupBy";
import mapValues from "lodash/mapValues";
import orderBy from "lodash/orderBy";
import sumBy from "lodash/sumBy";
import uniqBy from "lodash/uniqBy";
import { createRedactor } from "../../http/guards/redact";
import { agingBy, type Clock } from "../../http/time";
import { FINDING_LEVELS, type Finding, type FindingLevel } from "../../services/connection";
import type { Service } from "../../services/service";
import type { Store } from "../../storage/port/store";
import {
  fetchFindings,
  grantFindings,
  heldFindings,
  hostFindings,
  laneFindings,
  leftOutFindings,
  lossFindings,
  runFindings,
  sharedFieldFindings,
  warning,
} from "./findings";
import { readGrant } from "../authorization/grant";
import { withTimeout } from "../rules/timeout";
import type { Tenant, Tenants } from "../tenants";

export interface ConnectorHealth {
  /** The level of the worst message. */
  readonly status: FindingLevel;
  /** The worst first; within a level in the order in which they are best mended. */
  readonly messages: readonly Finding[];
}

/**
 * Rejects only when the store fails.
 *
 * @param known only what is known at once: the service is not asked, and connectors and records are not compared
 */
export type HealthOf<S> = (tenant: Tenant<S>, known?: "known") => Promise<ConnectorHealth>;

export interface HealthOptions<S> {
  readonly store: Pick<Store, "pauses" | "runs" | "lastRun" | "laneHealth" | "hours" | "tenants" | "losses">;
  readonly service: Service<S>;
  readonly tenants: Pick<Tenants<S>, "connection" | "load" | "grantOf">;
  /** Where a person authorizes a connector, where the service asks for that. */
  readonly authorizeAddress?: (organization: string) => string;
  /** Hosts that signed notifications named for their keys and that are not allowed. */
  readonly refusedHosts: () => readonly string[];
  /** What is wrong with the settings about alerts. */
  readonly alertFindings?: (tenant: Tenant<S>) => readonly Finding[];
  /** Number of entries from which Hull is asked to come again later. */
  readonly maxOutbox: number;
  readonly now: Clock;
  /** How long to wait for the service, milliseconds; a later answer is used for the next caller. */
  readonly waitMs: number;
  readonly onError: (error: unknown) => void;
}

/** The service's answer is cached for this long, unless the settings change. */
const BELIEVED_MS = 120_000;
const MOST_INSPECTED = 1_000;
/** Outcomes of this period are looked at. */
const LATELY_MS = 24 * 3_600_000;
/** A connector without any outcome for this long was most likely removed in Hull. */
const IN_USE_MS = 7 * LATELY_MS;
/** The newest runs, among which the last of each kind is looked for. */
const RECENT_RUNS = 100;

/** What the store has lost lately, for those who run the server. */
export const lostLately = async (store: Pick<Store, "losses">, nowMs: number): Promise<readonly string[]> =>
  lossFindings(await store.losses(), nowMs).map(({ text }) => text);

export function createHealth<S>(options: HealthOptions<S>): HealthOf<S> {
  const { store, service, tenants, now } = options;
  const inspected = new LRUCache<string, { readonly settings: S; readonly findings: Promise<readonly Finding[]> }>({
    max: MOST_INSPECTED,
    // An entry lives through the last millisecond of its time.
    ttl: BELIEVED_MS - 1,
    ...agingBy(now),
  });

  function inspect(tenant: Tenant<S>, settings: S): Promise<readonly Finding[]> {
    const known = inspected.get(tenant.key);
    if (known !== undefined && known.settings === settings) return known.findings;
    const connection = tenants.connection(tenant);
    if (connection === undefined) return Promise.resolve([]);
    const findings = connection.inspect().catch((error: unknown) => {
      options.onError(error);
      inspected.delete(tenant.key);
      return [warning("The settings could not be tried out. Ask those who run this server; their log says why.")];
    });
    inspected.purgeStale();
    inspected.set(tenant.key, { settings, findings });
    return findings;
  }

  async function live(tenant: Tenant<S>): Promise<readonly Finding[]> {
    if (tenant.settings === undefined) return [];
    const findings = await withTimeout(options.waitMs, inspect(tenant, tenant.settings));
    if (findings !== undefined) return findings;
    const seconds = Math.round(options.waitMs / 1_000);
    const text = `The service has not answered within ${seconds} seconds, so token and mapping were not tried out. Look again in a few minutes.`;
    return [warning(text)];
  }

  function said({ problems, settings }: Tenant<S>): readonly Finding[] {
    if (settings !== undefined) return service.checkSettings(settings);
    return problems.map((problem) => ({ level: "error", text: `The settings cannot be used. ${problem}` }));
  }

  async function granted({ key, target, credentials }: Tenant<S>): Promise<readonly Finding[]> {
    if (service.authorization === undefined || target === undefined) return [];
    const { pair } = readGrant(await tenants.grantOf(key).read());
    return grantFindings(pair, options.authorizeAddress?.(credentials.organization) ?? "/authorize");
  }

  async function remembered(
    { key, remote, settings }: Tenant<S>,
    types: Service<S>["types"],
  ): Promise<readonly Finding[]> {
    const nowMs = now();
    const lost = lossFindings(await store.losses(), nowMs);
    const runs = [...lost, ...runFindings(await store.runs({ tenant: key, limit: RECENT_RUNS }), nowMs)];
    if (remote === undefined) return runs;
    const lane = { remote, tenant: key };
    const unique = types.flatMap(({ name: type, keys }) =>
      keys.filter(({ scope }) => scope === "remote").map((each) => ({ type, key: each.name })),
    );
    const fetched = settings === undefined ? [] : service.fetchPolicy(settings).types;
    const last = await Promise.all(
      fetched.map(async (policy) => ({ ...policy, last: await store.lastRun(key, "fetch", policy.type) })),
    );
    return [
      ...heldFindings(await store.pauses(lane), nowMs),
      ...runs,
      ...fetchFindings(last, nowMs),
      ...leftOutFindings(last),
      ...service.checkOutcomes(await lately(key, nowMs)),
      ...laneFindings(await store.laneHealth(lane, unique), { nowMs, maxOutbox: options.maxOutbox }),
    ];
  }

  /** Other connectors that send to the same records: where they fill a field from elsewhere, the two compete for it. */
  async function shared({ key, remote, settings }: Tenant<S>): Promise<readonly Finding[]> {
    if (remote === undefined || settings === undefined) return [];
    const rows = (await store.tenants()).filter((row) => row.remote === remote && row.key !== key);
    const others = await Promise.all(
      rows.map(async (row) => {
        const hours = await store.hours(row.key, now() - IN_USE_MS);
        // One that another SECRET encrypted says nothing until Hull sends its settings again.
        return hours.length === 0 ? undefined : tenants.load(row.key).catch(() => undefined);
      }),
    );
    return others.flatMap((other) => {
      const { settings: theirs } = other ?? {};
      if (other?.target === undefined || theirs === undefined) return [];
      return service.types.flatMap(({ name }) =>
        sharedFieldFindings(
          name,
          service.fieldSources(name, settings),
          other.credentials.id,
          service.fieldSources(name, theirs),
        ),
      );
    });
  }

  async function lately(tenant: string, nowMs: number): Promise<Readonly<Record<string, number>>> {
    const hours = await store.hours(tenant, nowMs - LATELY_MS);
    return mapValues(groupBy(hours, "name"), (own) => sumBy(own, "count"));
  }

  return async (tenant, known) => {
    const authorization = await granted(tenant);
    const isDetailed = known === undefined;
    const mayAsk = authorization.length === 0;
    // What was found with an access that is gone says nothing about the next one.
    if (!mayAsk) inspected.delete(tenant.key);
    const [stored, asked, contended] = await Promise.all([
      remembered(tenant, isDetailed ? service.types : []),
      isDetailed && mayAsk ? live(tenant) : [],
      isDetailed ? shared(tenant) : [],
    ]);
    const redactor = createRedactor([tenant.credentials.secret]);
    const all = [
      ...said(tenant),
      ...authorization,
      ...asked,
      ...contended,
      ...stored,
      ...(options.alertFindings?.(tenant) ?? []),
      ...hostFindings(options.refusedHosts()),
    ];
    const findings = all.map((finding) => ({ ...finding, text: redactor.text(finding.text) }));
    const messages = orderBy(uniqBy(findings, "text"), ({ level }) => FINDING_LEVELS.indexOf(level), "desc");
    return { status: messages[0]?.level ?? "ok", messages };
  };
}
