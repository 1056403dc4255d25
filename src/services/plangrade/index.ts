/** plangrade behind the seam of `services/service.ts`. */
import { z } from "zod";
import { defineService, type ServiceContext } from "../definition";
import { sourcesOf } from "../mapping/fields";
import type { Service } from "../service";
import { withoutSlash } from "../target";
import { plangradeAuthorization } from "./authorization";
import { createConnection, createShared } from "./connection";
import { fieldOptions, plangradeFace } from "./face";
import { fingerprintOf } from "./fingerprint";
import { COMPANIES, COMPANY_EVENTS, fieldSpec, hullAttribute, OBJECT_TYPES, PARTICIPANTS } from "./objects";
import { plangradeOperations } from "./operations";
import { checks, plan } from "./plan";
import { OUTCOMES } from "./reasons";
import { mappedFields, readSettings, rowsOf, type PlangradeSettings } from "./settings/settings";
import { checkOutcomes, checkSettings } from "./settings/status";
import { DEFAULT_URL, isSafeAddress, targetOf } from "./settings/target";
import { nextFor } from "./write/prepare";

export interface PlangradeServiceOptions extends ServiceContext {
  /** Root of plangrade or of a stand-in, above `/api/v1`. */
  readonly address?: string;
  readonly authorizePath?: string;
  readonly tokenPath?: string;
}

const AUTHORIZE_PATH = "/api/v1/authenticate";
const TOKEN_PATH = "/oauth/v1/token";

export function createPlangradeService(options: PlangradeServiceOptions): Service<PlangradeSettings> {
  const { address = DEFAULT_URL, authorizePath = AUTHORIZE_PATH, tokenPath = TOKEN_PATH, fingerprintKey } = options;
  const shared = createShared();
  const target = (settings: PlangradeSettings, account?: string) =>
    targetOf(settings, address, account, fingerprintKey);
  return {
    name: "plangrade",
    face: plangradeFace,
    types: OBJECT_TYPES,
    outcomes: OUTCOMES,
    unreachable: "Application key or application secret is missing",
    readSettings,
    checkSettings,
    checkOutcomes,
    fieldOptions,
    target,
    plan,
    checks,
    fingerprint: (message, settings) => fingerprintOf(message, settings, fingerprintKey),
    next: (_type, desired, known) => nextFor(desired, known),
    field: fieldSpec,
    mappedFields,
    fieldSources: (type, settings) => sourcesOf(rowsOf(type, settings)),
    hullAttribute: (_type, field) => hullAttribute(field),
    fetchPolicy: ({ fetchIntervals, fetchCompanyEvents, claims }) => ({
      types: [
        { type: COMPANIES.name, intervalMinutes: fetchIntervals.companies, isClaimed: claims.companies !== undefined },
        {
          ...{ type: PARTICIPANTS.name, intervalMinutes: fetchIntervals.participants },
          isClaimed: claims.participants !== undefined,
        },
        ...(fetchCompanyEvents ? [{ type: COMPANY_EVENTS.name, intervalMinutes: fetchIntervals.companies }] : []),
      ],
      linkToParent: true,
      deletedAttribute: hullAttribute("deleted_at"),
      // Whether lists show what is archived is not known: nothing is concluded from absence.
      marksDeleted: false,
    }),
    connect: (settings, reached, auth) => createConnection(settings, reached, shared, { ...options, auth }),
    authorization: plangradeAuthorization({ ...options, address, authorizePath, tokenPath, target }),
    operations: plangradeOperations({ ...options, shared }),
    forget: () => shared.lists.clear(),
    close: () => shared.lists.clear(),
  };
}

const path = z
  .string()
  .trim()
  .regex(/^\/[\w./-]+$/, "must be a path that begins with a slash, of letters, digits and any of _ . / -");

export const plangrade = defineService({
  name: "plangrade",
  face: plangradeFace,
  variables: {
    PLANGRADE_URL: z
      .string()
      .trim()
      .refine(isSafeAddress, "must begin with https:// (or http:// on this machine)")
      .default(DEFAULT_URL)
      .describe("Root of plangrade or of a stand-in, above /api/v1; https, or http on loopback."),
    PLANGRADE_AUTHORIZE_PATH: path
      .default(AUTHORIZE_PATH)
      .describe("Path of plangrade's page that asks a person for access; its former clients used /oauth/authorize."),
    PLANGRADE_TOKEN_PATH: path
      .default(TOKEN_PATH)
      .describe("Path of plangrade's token endpoint; its former clients used /oauth/token."),
  },
  create: (variables, context) =>
    createPlangradeService({
      ...context,
      address: withoutSlash(variables.PLANGRADE_URL),
      authorizePath: variables.PLANGRADE_AUTHORIZE_PATH,
      tokenPath: variables.PLANGRADE_TOKEN_PATH,
    }),
});
