/** Planhat behind the seam of `services/service.ts`. */
import { closeAgents, createAgents } from "../../http/agents";
import { defineService, rootAddress, webAddress } from "../definition";
import type { FetchPolicy, Service } from "../service";
import type { Target } from "../target";
import { chunksOf } from "./write/chunks";
import { createConnection } from "./connection";
import { fingerprintOf } from "./mapping/fingerprint";
import type { PlanhatConnection, PlanhatConnectionOptions } from "./connection";
import { planhatFace } from "./face";
import { planhatOperations } from "./operations";
import { sourcesOf } from "../mapping/fields";
import { createCustomFields } from "./api/custom-fields";
import { COMPANIES, ENDUSERS, fieldSpec, hullAttribute, LICENSES, OBJECT_TYPES, typeSpec } from "./object-types";
import { checks, plan } from "./mapping/outgoing";
import { optionsOf } from "./settings/schema";
import { mappingOf, readSettings } from "./settings/settings";
import type { PlanhatSettings } from "./settings/settings";
import { checkOutcomes, checkSettings, sendsLicenses } from "./settings/status";
import { DEFAULT_API_URL, recordLink, targetOf } from "./settings/target";
import { OUTCOMES } from "./reasons";
import { createMutex } from "./write/mutex";
import { createUsers } from "./users";

export interface PlanhatServiceOptions extends Omit<PlanhatConnectionOptions, "usersVersion"> {
  /** Base URL of Planhat's API; `{api_prefix}` is replaced by the tenant's cluster. */
  readonly apiUrlTemplate?: string | undefined;
  /** Key of the hash that shows a changed token, host or tenant. */
  readonly fingerprintKey: string;
  /** How long a person or a program waits for an operation, milliseconds. */
  readonly answerWithinMs?: number | undefined;
}

export interface PlanhatService extends Service<PlanhatSettings> {
  connect(settings: PlanhatSettings, target: Target): PlanhatConnection;
  /** Ends what is cached, and closes the connections to Planhat unless the caller provided the agents. */
  close(): void;
}

const ANSWER_WITHIN_MS = 20_000;

export function createPlanhatService(options: PlanhatServiceOptions): PlanhatService {
  const template = options.apiUrlTemplate ?? DEFAULT_API_URL;
  const shared = { mutex: createMutex(), customFields: createCustomFields(options.http?.clock) };
  const agents = options.http?.agents ?? createAgents();
  const http = { ...options.http, agents };
  const users = createUsers({ ...options, http, answerWithinMs: options.answerWithinMs ?? ANSWER_WITHIN_MS });
  return {
    name: "planhat",
    face: planhatFace,
    types: OBJECT_TYPES,
    outcomes: OUTCOMES,
    unreachable: "No personal access token is configured",
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
    recordLink,
    fetchPolicy,
    chunks: (type, intents, settings) =>
      chunksOf(type, intents, { maxItems: settings.bulkMaxItems, maxBytes: settings.bulkMaxBytes }),
    connect: (settings, target) =>
      createConnection(settings, target, shared, { ...options, http, usersVersion: (key) => users.version(key) }),
    operations: planhatOperations(users),
    forget: (key) => users.forget(key),
    close() {
      users.close();
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
  return sourcesOf(mappingOf(type, settings));
}

/** Licenses are read with the companies, if they are sent at all; events cannot be read. */
function fetchPolicy(settings: PlanhatSettings): FetchPolicy {
  const { incoming, fetchIntervalMinutes } = settings;
  const { companies, endusers } = incoming;
  const withLicenses = incoming.licenses && sendsLicenses(settings);
  return {
    types: [
      {
        type: COMPANIES.name,
        intervalMinutes: fetchIntervalMinutes.companies,
        isClaimed: companies.claims !== undefined,
      },
      { type: ENDUSERS.name, intervalMinutes: fetchIntervalMinutes.endusers, isClaimed: endusers.claims !== undefined },
      ...(withLicenses ? [{ type: LICENSES.name, intervalMinutes: fetchIntervalMinutes.companies }] : []),
    ],
    linkToParent: incoming.linkUsers,
    deletedAttribute: "planhat/deleted_at",
    marksDeleted: incoming.markDeleted,
  };
}

export const planhat = defineService({
  name: "planhat",
  face: planhatFace,
  variables: {
    PLANHAT_API_URL: rootAddress
      .default("https://{api_prefix}.planhat.com")
      .describe("Base URL of Planhat's API; {api_prefix} is replaced by the tenant's cluster."),
    PLANHAT_ANALYTICS_URL: webAddress.default("https://analytics.planhat.com").describe("Host of tracked events."),
  },
  create: (variables, context) =>
    createPlanhatService({
      ...context,
      apiUrlTemplate: variables.PLANHAT_API_URL,
      analyticsUrl: variables.PLANHAT_ANALYTICS_URL,
    }),
});
