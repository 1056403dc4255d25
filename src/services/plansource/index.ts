/** PlanSource behind the seam of `services/service.ts`. */
import chunk from "lodash/chunk";
import partition from "lodash/partition";
import { closeAgents, createAgents } from "../../http/agents";
import type { Intent } from "../connection";
import { defineService, rootAddress, type ServiceContext } from "../definition";
import { sourcesOf } from "../mapping/fields";
import type { Service } from "../service";
import { createConnection, createShared } from "./connection";
import { fieldOptions, plansourceFace } from "./face";
import { fieldSpec, hullAttribute, SUBSCRIBERS } from "./objects";
import { checks, fingerprintOf, plan } from "./plan";
import { plansourceOperations } from "./operations";
import { OUTCOMES } from "./reasons";
import { nextFor } from "./remote/prepare";
import { mappedFields, readSettings, type PlanSourceSettings } from "./settings/settings";
import { checkOutcomes, checkSettings } from "./settings/status";
import { targetOf } from "./settings/target";

export interface PlanSourceServiceOptions extends ServiceContext {
  /** Root of a stand-in for PlanSource; undefined: the environment that the settings choose. */
  readonly apiUrl?: string | undefined;
}

export function createPlanSourceService(options: PlanSourceServiceOptions): Service<PlanSourceSettings> {
  const agents = options.http?.agents ?? createAgents();
  const http = { ...options.http, agents };
  const shared = createShared({ ...options, http });
  return {
    name: "plansource",
    face: plansourceFace,
    types: [SUBSCRIBERS],
    outcomes: OUTCOMES,
    unreachable: "Client id, client secret or user name is missing",
    readSettings,
    checkSettings,
    checkOutcomes,
    fieldOptions,
    target: (settings) => targetOf(settings, options.apiUrl, options.fingerprintKey),
    plan,
    checks,
    fingerprint: (message, settings) => fingerprintOf(message, settings, options.fingerprintKey),
    next: (_type, desired, known) => nextFor(desired, known),
    field: fieldSpec,
    mappedFields: (_type, settings) => mappedFields(settings),
    fieldSources: (_type, { rows }) => sourcesOf(rows),
    hullAttribute: (_type, field) => hullAttribute(field),
    fetchPolicy: ({ fetchInterval, claims }) => ({
      types: [{ type: SUBSCRIBERS.name, intervalMinutes: fetchInterval, isClaimed: claims !== undefined }],
      linkToParent: false,
      deletedAttribute: hullAttribute("deleted_at"),
      // Lists may hide people, and nobody is deleted at PlanSource.
      marksDeleted: false,
    }),
    chunks: (_type, intents, settings) => chunksOf(intents, settings),
    connect: (settings, target) => createConnection(settings, target, shared, { ...options, http }),
    operations: plansourceOperations({ ...options, http, shared: shared.api }),
    forget() {
      shared.api.tokens.clear();
      shared.metas.clear();
    },
    close() {
      shared.api.tokens.close();
      shared.metas.close();
      if (options.http?.agents === undefined) closeAgents(agents);
    },
  };
}

/** One call each; updates together where the settings want that. */
function chunksOf(
  intents: readonly Intent[],
  { bulkUpdates, bulkMaxItems }: PlanSourceSettings,
): readonly (readonly number[])[] {
  const isTogether = (index: number): boolean => {
    const intent = intents[index];
    return bulkUpdates && intent?.kind === "update" && !intent.namesake;
  };
  const [together, alone] = partition([...intents.keys()], isTogether);
  return [...chunk(together, bulkMaxItems), ...chunk(alone, 1)];
}

export const plansource = defineService({
  name: "plansource",
  face: plansourceFace,
  variables: {
    PLANSOURCE_API_URL: rootAddress
      .optional()
      .describe("Root of a stand-in for PlanSource with /admin/v2 and /oauth/v2/token; unset: the chosen environment."),
  },
  create: (variables, context) => createPlanSourceService({ ...context, apiUrl: variables.PLANSOURCE_API_URL }),
});
