/** PlanningPME behind the seam of `services/service.ts`. */
import chunk from "lodash/chunk";
import { closeAgents, createAgents } from "../../http/agents";
import { createGuardedLookup } from "../../http/guards/addresses";
import { defineService, rootAddress, type ServiceContext } from "../definition";
import { sourcesOf } from "../mapping/fields";
import type { Service } from "../service";
import { ROWS_TIMES_LONGER } from "./api/rest";
import { createConnection, createShared } from "./connection";
import { fieldOptions, planningpmeFace } from "./face";
import { exportType, fieldSpec, OBJECT_TYPES } from "./objects";
import { planningpmeOperations } from "./operations";
import { checks, fingerprintOf, plan } from "./plan";
import { OUTCOMES } from "./reasons";
import { hullAttribute } from "./settings/names";
import { importFor, mappedFields, readSettings, type PlanningPmeSettings } from "./settings/settings";
import { checkOutcomes, checkSettings } from "./settings/status";
import { targetOf } from "./settings/target";

export interface PlanningPmeServiceOptions extends ServiceContext {
  /** Root of a stand-in for PlanningPME; `{brand}` is replaced. Undefined: the host that the settings name. */
  readonly apiUrlTemplate?: string | undefined;
}

export function createPlanningPmeService(options: PlanningPmeServiceOptions): Service<PlanningPmeSettings> {
  // The host is the customer's choice: names of private addresses lead nowhere. A stand-in is our own choice.
  const guarded = createAgents({ lookup: createGuardedLookup(() => false) });
  const agents = options.apiUrlTemplate === undefined ? guarded : (options.http?.agents ?? guarded);
  const http = { ...options.http, agents };
  const shared = createShared();
  return {
    name: "planningpme",
    face: planningpmeFace,
    types: OBJECT_TYPES,
    outcomes: OUTCOMES,
    unreachable: "Brand, app key or token is missing",
    readSettings,
    checkSettings,
    checkOutcomes,
    fieldOptions,
    target: (settings) => targetOf(settings, options.apiUrlTemplate, options.fingerprintKey),
    plan,
    checks,
    fingerprint: fingerprintOf,
    field: fieldSpec,
    mappedFields,
    fieldSources: (type, settings) => sourcesOf(importFor(type, settings)?.rows ?? []),
    hullAttribute: (_type, field) => hullAttribute(field),
    fetchPolicy: ({ exports, fetchInterval }) => ({
      types: (["account", "user"] as const)
        .filter((entity) => exports.some((each) => each.entity === entity))
        .map((entity) => ({ type: exportType(entity), intervalMinutes: fetchInterval })),
      linkToParent: false,
      deletedAttribute: "planningpme/deleted_at",
      // An export shows what changed: nothing is concluded from absence.
      marksDeleted: false,
    }),
    writePolicy: (type, settings) => importFor(type, settings)?.policy,
    chunks: (_type, intents, { layout, bulkMaxItems }) =>
      chunk([...intents.keys()], layout === "single" ? 1 : bulkMaxItems),
    connect: (settings, target) => createConnection(settings, target, shared, { ...options, http }),
    operations: planningpmeOperations({ ...options, http, tokens: shared.tokens }),
    forget: () => shared.tokens.clear(),
    close() {
      closeAgents(guarded);
    },
  };
}

export const planningpme = defineService({
  name: "planningpme",
  face: planningpmeFace,
  longestCall: ROWS_TIMES_LONGER,
  variables: {
    PLANNINGPME_API_URL: rootAddress
      .optional()
      .describe("Root of a stand-in for PlanningPME; {brand} is replaced. Unset: the host that the settings name."),
  },
  create: (variables, context) =>
    createPlanningPmeService({ ...context, apiUrlTemplate: variables.PLANNINGPME_API_URL }),
});
