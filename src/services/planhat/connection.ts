/** One tenant's way to Planhat: the HTTP client with its budget, and the functions of the seam on top. */
import memoize from "lodash/memoize";
import type { BudgetClass } from "../../http/limits/budget";
import { createHttpClient } from "../../http/client";
import { createRedactor } from "../../http/guards/redact";
import { systemClock } from "../../http/time";
import type { Desired } from "../../record";
import type { Applied, Connection, FieldChoice, FieldUse, Prepared, Problem } from "../connection";
import type { ConnectionOptions } from "../definition";
import type { Target } from "../target";
import { trackActivities } from "./write/analytics";
import { createPlanhatClient } from "./api/client";
import type { CustomFields } from "./api/custom-fields";
import { customNames } from "./settings/custom-mapping";
import { MAX_MESSAGE } from "./api/envelope";
import { attempt, isFailed } from "./api/failure";
import { createReader, incomingFields } from "./incoming/incoming";
import { inspect } from "./lookup/inspect";
import { listed, listPage } from "./incoming/listing";
import { findCompanies } from "./lookup/companies";
import { findChildren } from "./lookup/children";
import { ACTIVITIES, COMPANIES } from "./object-types";
import { createOwners } from "./api/owners";
import { prepareRecords } from "./write/prepare";
import { readRecords } from "./lookup/read";
import { createRest } from "./api/rest";
import { optionsOf } from "./settings/schema";
import { mappingOf } from "./settings/settings";
import type { PlanhatSettings } from "./settings/settings";
import { spelled } from "./write/spelling";
import type { Mutex } from "./write/mutex";
import { applyInParts } from "./write/in-parts";

export interface PlanhatConnectionOptions extends ConnectionOptions {
  /** Host of tracked events; it has no quota. */
  readonly analyticsUrl?: string | undefined;
  /** How often Planhat's users were written with the token of this quota key; see `users.ts`. */
  readonly usersVersion?: ((quotaKey: string) => number) | undefined;
}

const ANALYTICS_URL = "https://analytics.planhat.com";

/** What all connections share: a mutex, so that a tenant's bulk writes never overlap, and the cached custom fields. */
export interface Shared {
  readonly mutex: Mutex;
  readonly customFields: CustomFields;
}

/** All of a connection but what Planhat does not need: no check before the look-up, nothing known to `prepare`. */
export interface PlanhatConnection extends Required<Omit<Connection, "check" | "foretell" | "prepare">> {
  prepare(type: string, records: readonly Desired[]): Promise<readonly Prepared[]>;
}

export function createConnection(
  settings: PlanhatSettings,
  target: Target,
  { mutex, customFields }: Shared,
  options: PlanhatConnectionOptions,
): PlanhatConnection {
  const token = settings.token ?? "";
  const clock = options.http?.clock ?? systemClock;
  const client = createPlanhatClient(settings, target, options);
  const inClass = (priority: BudgetClass) => {
    const plain = createRest(client, options.http?.timeoutMs, priority);
    const definitions = () => customFields.known(target.fingerprint, plain);
    return { rest: spelled(plain, settings, definitions), definitions };
  };
  customFields.mapped(target.fingerprint, customNames(settings));
  const { rest, definitions } = inClass("delivery");
  const { rest: fetching } = inClass("fetch");
  const asked = createRest(client, options.http?.timeoutMs, "interactive");
  const ownFields = () => customFields.list(target.fingerprint, asked);
  const analytics = createHttpClient({
    ...options.http,
    system: "planhat-analytics",
    baseUrl: options.analyticsUrl ?? ANALYTICS_URL,
    // The tenant in the path is what counts; some sources send the token too, so we send both.
    auth: { headers: () => ({ authorization: `Bearer ${token}` }) },
    secrets: [token, ...(options.http?.secrets ?? [])],
  });
  // Planhat's own words go into logs and dead letters; they must not contain the token that Planhat may repeat.
  const redactor = createRedactor([token]);
  const safe = (words: string): string => redactor.opening(words, MAX_MESSAGE);
  const told = ({ problem }: { readonly problem?: Problem }) =>
    problem === undefined ? {} : { problem: { ...problem, message: safe(problem.message) } };
  const clean = (applied: Applied): Applied => {
    // One refusal of a whole payload is the reason of thousands of records.
    const once = memoize(safe);
    return {
      results: applied.results.map((each) => ("message" in each ? { ...each, message: once(each.message) } : each)),
      ...told(applied),
    };
  };
  // One directory for both directions, in the budget class of the delivery: a record that waits for it must not wait
  // for a fetch. It is one call in ten minutes.
  const owners = createOwners(rest, clock, () => options.usersVersion?.(target.quotaKey) ?? 0);
  return {
    prepare: (type, records) =>
      prepareRecords(type, records, { owners, customFields: definitions, rows: mappingOf(type, settings) }),
    find: (type, wanted, knowledge) =>
      type === COMPANIES.name
        ? findCompanies(rest, wanted, knowledge, clock)
        : findChildren(type, rest, wanted, knowledge, clock),
    read: (type, known, fields) => readRecords(rest, type, known, fields),
    list: async (type, fields, from, shown = []) => {
      const asked = [...fields, ...incomingFields(type, settings)];
      const page = await listPage(fetching, type, asked, from, async () => {
        const named = type === COMPANIES.name && settings.incoming.resolveOwners;
        const members = named ? await attempt(() => owners.directory()) : undefined;
        // If team members cannot be read, a company is told anyway, without the names of its owners.
        const known = isFailed(members) ? undefined : members;
        return createReader(type, fields, settings, known, listed(type, asked, shown));
      });
      return { ...page, ...told(page) };
    },
    apply: async (type, chunk) =>
      clean(
        type === ACTIVITIES.name
          ? await trackActivities(analytics, settings.tenantId ?? "", chunk)
          : await mutex.next(target.quotaKey, () => applyInParts(rest, type, chunk)),
      ),
    inspect: async () => {
      const findings = await inspect(settings, { rest: asked, customFields: ownFields });
      return findings.map(({ level, text }) => ({ level, text: redactor.text(text) }));
    },
    fieldOptions: async (table: string, use: FieldUse): Promise<FieldChoice | undefined> => {
      const standard = optionsOf(table, use, []);
      if (standard === undefined) return undefined;
      const own = await attempt(ownFields);
      return isFailed(own)
        ? { options: standard, problem: redactor.text(own.message) }
        : { options: optionsOf(table, use, own) ?? standard };
    },
  };
}
