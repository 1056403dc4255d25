/** Planhat behind the seam of `services/service.ts`. */
import { closeAgents, createAgents } from "../../http/agents";
import type { FetchPolicy, Service } from "../service";
import { chunksOf } from "./write/chunks";
import { createConnection } from "./connection";
import { fingerprintOf } from "./mapping/fingerprint";
import type { ConnectionOptions } from "./connection";
import { spellingOf } from "../mapping/attributes";
import { createCustomFields } from "./api/custom-fields";
import { COMPANIES, ENDUSERS, fieldSpec, hullAttribute, LICENSES, OBJECT_TYPES, typeSpec } from "./object-types";
import { checks, plan } from "./mapping/outgoing";
import { optionsOf } from "./settings/schema";
import { mappingOf, readSettings } from "./settings/settings";
import type { PlanhatSettings } from "./settings/settings";
import { checkOutcomes, checkSettings, sendsLicenses } from "./settings/status";
import { DEFAULT_API_URL, targetOf } from "./settings/target";
import { createMutex } from "./write/mutex";

export interface PlanhatServiceOptions extends ConnectionOptions {
  /** Base URL of Planhat's API; `{api_prefix}` is replaced by the tenant's cluster. */
  readonly apiUrlTemplate?: string | undefined;
  /** Key of the hash that shows a changed token, host or tenant. */
  readonly fingerprintKey: string;
}

export interface PlanhatService extends Service<PlanhatSettings> {
  /** Closes the connections to Planhat, unless the caller provided the agents. */
  close(): void;
}

export function createPlanhatService(options: PlanhatServiceOptions): PlanhatService {
  const template = options.apiUrlTemplate ?? DEFAULT_API_URL;
  const shared = { mutex: createMutex(), customFields: createCustomFields(options.http?.clock) };
  const agents = options.http?.agents ?? createAgents();
  return {
    name: "planhat",
    types: OBJECT_TYPES,
    readSettings,
    checkSettings,
    checkOutcomes,
    fieldOptions: (table, use) => optionsOf(table, use, []),
    target: (settings) => targetOf(settings, template, options.fingerprintKey),
    plan,
    checks,
    fingerprint: fingerprintOf,
    unconfirmed: (settings) => settings.unconfirmedActivities,
    field: fieldSpec,
    mappedFields,
    fieldSources,
    hullAttribute,
    fetchPolicy,
    chunks: (type, intents, settings) =>
      chunksOf(type, intents, { maxItems: settings.bulkMaxItems, maxBytes: settings.bulkMaxBytes }),
    connect: (settings, target) =>
      createConnection(settings, target, shared, { ...options, http: { ...options.http, agents } }),
    close() {
      if (options.http?.agents === undefined) closeAgents(agents);
    },
  };
}

/** Fields that the mapping writes, and those that the connector sets on its own. */
function mappedFields(type: string, settings: PlanhatSettings): readonly string[] {
  const { object } = typeSpec(type);
  const own = object.name === COMPANIES.name ? "externalId" : (object.parent?.field ?? "externalId");
  return [...new Set([...mappingOf(type, settings).map((row) => row.field), own])];
}

function fieldSources(type: string, settings: PlanhatSettings): Readonly<Record<string, string>> {
  if (type === LICENSES.name && !sendsLicenses(settings)) return {};
  return Object.fromEntries(mappingOf(type, settings).map(({ field, attribute }) => [field, spellingOf(attribute)]));
}

/** Licenses are read with the companies, if they are sent at all; events cannot be read. */
function fetchPolicy(settings: PlanhatSettings): FetchPolicy {
  const { incoming, fetchIntervalMinutes } = settings;
  const withLicenses = incoming.licenses && sendsLicenses(settings);
  return {
    types: [
      { type: COMPANIES.name, intervalMinutes: fetchIntervalMinutes.companies },
      { type: ENDUSERS.name, intervalMinutes: fetchIntervalMinutes.endusers },
      ...(withLicenses ? [{ type: LICENSES.name, intervalMinutes: fetchIntervalMinutes.companies }] : []),
    ],
    linkToParent: incoming.linkUsers,
    deletedAttribute: "planhat/deleted_at",
    marksDeleted: incoming.markDeleted,
  };
}
