/**
 * Whether PlanningPME accepts what the settings say: key, token, templates and their properties. One call and perhaps one
 * for a token, in the class of interactive requests. Trouble on the way is a finding like any other.
 */
import { RemoteError } from "../../../http/errors";
import { listed } from "../../../outcome/listed";
import type { Finding } from "../../connection";
import { clause, error, hint, unanswered, warning } from "../../findings";
import { attempt, isFailed, type Failed } from "../../failure";
import type { Template } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Rest } from "../api/rest";
import { ROLES, type Role } from "../objects";
import { TITLES } from "../settings/status";
import type { PlanningPmeSettings } from "../settings/settings";

export interface Inspection {
  readonly rest: Rest;
  /** Templates whose last report named no row. */
  readonly silent: ReadonlySet<string>;
}

export async function inspect(
  settings: PlanningPmeSettings,
  { rest, silent }: Inspection,
): Promise<readonly Finding[]> {
  const templates = await attempt(() => rest.templates());
  if (isFailed(templates)) return [explain(templates, settings)];
  return [
    ...ROLES.flatMap((role) => importFindings(role, settings, templates)),
    ...settings.exports.flatMap(({ template }) => exportFindings(template, templates)),
    ...silence(settings, silent),
  ];
}

const CONSEQUENCE = "so nothing is sent or fetched until it is right";

function explain(failed: Failed, { brand, tokenExchange, authorizationScheme }: PlanningPmeSettings): Finding {
  const message = clause(failed.message);
  if (failed instanceof RemoteError && failed.kind === "auth") {
    const scheme = authorizationScheme === "" ? "without a scheme" : `as ${authorizationScheme}`;
    const way = tokenExchange ? "exchanged for an access token" : `sent ${scheme} as it is`;
    return error(
      `PlanningPME refuses ${TITLES.app_key} or ${TITLES.auth_token}, ${CONSEQUENCE}. The token is ${way}; PlanningPME may want it otherwise, or it was withdrawn: let the user issue a new one, and enter it.`,
    );
  }
  if (!(failed instanceof RemoteError) || problemOf(failed).kind === "transient")
    return unanswered("PlanningPME", failed);
  return error(
    `PlanningPME does not answer as it should: ${message}. Check host and brand, which is ${brand ?? "empty"}.`,
  );
}

/** They come with this build of PlanningPME. */
const STOCK = ["client-import", "project-import"];
const SINCE_VERSION = "4.1.1.116";
const MOST = 20;

function importFindings(
  role: Role,
  { imports }: PlanningPmeSettings,
  templates: readonly Template[],
): readonly Finding[] {
  const { entity, template: name, keyProperty, rows, defaults } = imports[role];
  if (entity === undefined) return [];
  const found = named(name, templates);
  if (found === undefined) {
    const stock = STOCK.includes(name) ? ` It comes with version ${SINCE_VERSION} of PlanningPME.` : "";
    return [
      error(
        `PlanningPME has no template "${name}", ${CONSEQUENCE}. Choose one of ${namesOf(templates, "in")}.${stock}`,
      ),
    ];
  }
  if (found.direction === "out") {
    return [
      error(
        `The template "${name}" exports, and does not import, ${CONSEQUENCE}. Choose one of ${namesOf(templates, "in")}.`,
      ),
    ];
  }
  const told = found.description === undefined ? [] : [hint(`The template "${name}": ${clause(found.description)}.`)];
  const { properties } = found;
  if (properties === undefined || properties.length === 0) return told;
  const used = [
    ...new Set([
      ...(keyProperty === undefined ? [] : [keyProperty]),
      ...rows.map(({ field }) => field),
      ...Object.keys(defaults),
    ]),
  ];
  const lacking = used.filter((property) => !properties.includes(property));
  if (lacking.length === 0) return told;
  const text = `The template "${name}" has no property ${quoted(lacking)}, so PlanningPME may pass over these values or refuse the rows. Names are taken literally. It has ${quoted(properties)}.`;
  return [...told, keyProperty !== undefined && lacking.includes(keyProperty) ? error(text) : warning(text)];
}

function exportFindings(name: string, templates: readonly Template[]): readonly Finding[] {
  const found = named(name, templates);
  if (found === undefined)
    return [
      error(`PlanningPME has no template "${name}", so it is not fetched. Choose one of ${namesOf(templates, "out")}.`),
    ];
  if (found.direction === "in")
    return [
      error(
        `The template "${name}" imports, and does not export, so it is not fetched. Choose one of ${namesOf(templates, "out")}.`,
      ),
    ];
  return [];
}

function silence({ stopOnError, imports }: PlanningPmeSettings, silent: ReadonlySet<string>): readonly Finding[] {
  const names = ROLES.filter((role) => imports[role].entity !== undefined)
    .map((role) => imports[role].template)
    .filter((name) => silent.has(name));
  if (!stopOnError || names.length === 0) return [];
  return [
    warning(
      `"${TITLES.stop_on_error}" is on, and the reports of ${quoted(names)} name no rows: what PlanningPME refused, and what it did not come to, cannot be told from the rest. Switch it off.`,
    ),
  ];
}

const named = (name: string, templates: readonly Template[]): Template | undefined =>
  templates.find((each) => each.name === name);

function namesOf(templates: readonly Template[], direction: "in" | "out"): string {
  const names = templates
    .filter((each) => each.direction !== (direction === "in" ? "out" : "in"))
    .map(({ name }) => name);
  return names.length === 0 ? "those that PlanningPME installs for you; there are none yet" : quoted(names);
}

const quoted = (names: readonly string[]): string =>
  listed(
    names.map((name) => JSON.stringify(name)),
    MOST,
  );
