/**
 * What can be said from the settings alone, and from the outcomes of the last day. PlanningPME is not asked, so
 * credentials that look right may still be refused, and templates that are named may not be there.
 */
import type { Finding } from "../../connection";
import { error, hint, lately, setupRequired, warning, when } from "../../findings";
import { ROLES, type Entity, type Role } from "../objects";
import type { ReasonCode } from "../reasons";
import { sharedAttributes, type SharedAttribute } from "./names";
import type { PlanningPmeSettings, RowWarning } from "./settings";

/** The settings that findings name, by their titles in the manifest. */
export const TITLES = {
  brand: "Brand",
  app_key: "App key",
  auth_token: "Token",
  account_synchronized_segments: "Accounts Filter",
  synchronized_segments: "Users Filter",
  customer_entity: "Customers come from",
  customer_key_property: "Customer key property",
  customer_attributes_outbound: "Customer attributes mapping",
  customer_defaults: "Customer constants",
  project_entity: "Projects come from",
  project_key_property: "Project key property",
  project_attributes_outbound: "Project attributes mapping",
  project_defaults: "Project constants",
  model_layout: "Layout of the rows",
  model_property: "Name of the list",
  stop_on_error: "Stop at the first failure?",
  export_templates: "Export templates",
} as const;

/** In the order in which they are best mended. Without credentials there is nothing else to say. */
export function checkSettings(settings: PlanningPmeSettings): readonly Finding[] {
  const missing = credentials(settings);
  if (missing.length > 0) return missing;
  const rows = settings.rowWarnings.flatMap(unusedRow);
  const shared = sharedAttributes(settings.imports).map(sharedAttribute);
  const isError = ({ level }: Finding): boolean => level === "error";
  return [
    ...ROLES.flatMap((role) => key(role, settings)),
    ...layout(settings),
    ...[...rows, ...shared].filter(isError),
    ...[...rows, ...shared].filter((each) => !isError(each)),
    ...ROLES.flatMap((role) => mapping(role, settings)),
    ...feeding(settings),
    ...filters(settings),
    ...single(settings),
  ];
}

function credentials({ brand, appKey, authToken }: PlanningPmeSettings): readonly Finding[] {
  const then = "so nothing can be sent or fetched.";
  const noBrand = `${TITLES.brand} is empty, ${then} Enter your company's name as it stands in the address of your PlanningPME.`;
  const noKey = `${TITLES.app_key} is empty, ${then} Ask PlanningPME for a key for this connector; each application has its own.`;
  const noToken = `${TITLES.auth_token} is empty, ${then} Enter the token that PlanningPME issued to the user in whose name the connector works.`;
  return [
    ...when(brand === undefined, setupRequired(noBrand)),
    ...when(appKey === undefined, setupRequired(noKey)),
    ...when(authToken === undefined, setupRequired(noToken)),
  ];
}

function key(role: Role, { imports }: PlanningPmeSettings): readonly Finding[] {
  const { entity, keyProperty, template } = imports[role];
  const text = `${TITLES[`${role}_key_property`]} is empty, so no ${role} is imported. Enter the property by which the template ${template} finds a ${role} that it knows; whoever made the template can tell.`;
  return when(entity !== undefined && keyProperty === undefined, error(text));
}

function layout({ layout: chosen, modelProperty }: PlanningPmeSettings): readonly Finding[] {
  const text = `${TITLES.model_layout} is a list with a name, and ${TITLES.model_property} is empty, so the list goes under the name items, which the template hardly expects. Enter its name, or choose another layout.`;
  return when(chosen === "property" && modelProperty === undefined, error(text));
}

function unusedRow({ code, name, role = "customer" }: RowWarning): readonly Finding[] {
  const exports = TITLES.export_templates;
  const mapped = TITLES[`${role}_attributes_outbound`];
  const constants = TITLES[`${role}_defaults`];
  const several = "has several rows, and only the last one counts. Remove the others.";
  switch (code) {
    case "duplicate_field":
      return [warning(`${mapped}: "${name}" ${several}`)];
    case "duplicate_constant":
      return [warning(`${constants}: "${name}" ${several}`)];
    case "constant_key":
      return [
        error(
          `${constants}: "${name}" is the key property. With a constant in it all ${role}s would be one, so its row is left out. Remove it.`,
        ),
      ];
    case "incomplete_export":
      return [
        error(
          `${exports}: "${name}" is not fetched, because a cell of its row is empty. Fill in the template, the entity, the key property and the key attribute.`,
        ),
      ];
    case "unfit_claim":
      return [
        error(
          `${exports}: "${name}" is not fetched, because Hull knows accounts by external_id or domain, and users by external_id or email. Choose another key attribute, or the other entity.`,
        ),
      ];
    case "duplicate_export":
      return [
        warning(
          `${exports}: "${name}" has several rows for one entity, and only the last one counts. Remove the others.`,
        ),
      ];
    // These are found again, with what is needed to mend them.
    case "missing_key_property":
    case "attribute_twice":
      return [];
  }
}

function sharedAttribute({ entity, attribute, properties }: SharedAttribute): Finding {
  const names = properties.map((property) => `"${property}"`).join(" and ");
  return properties.length > 1
    ? error(
        `${names} would come back to Hull as ${attribute} of the ${entity}, which can hold only one of them. Remove all of these rows but one, or have a property renamed in its template.`,
      )
    : warning(
        `${names} is imported with customers and with projects, from different attributes or constants. Hull has one attribute for it, ${attribute} of the ${entity}, which holds what was imported last.`,
      );
}

function mapping(role: Role, { imports }: PlanningPmeSettings): readonly Finding[] {
  const { entity, keyProperty, rows, defaults } = imports[role];
  const title = TITLES[`${role}_attributes_outbound`];
  const properties = [...rows.map(({ field }) => field), ...Object.keys(defaults)];
  const others = properties.filter((property) => property !== keyProperty);
  const bare = `${title} is empty, so a ${role} has nothing but its key. Add rows for what PlanningPME should know about it.`;
  const idle = `${title} has rows, and "${TITLES[`${role}_entity`]}" names neither accounts nor users, so no ${role} is imported. Choose accounts or users, or remove the rows.`;
  return [
    ...when(entity !== undefined && keyProperty !== undefined && others.length === 0, warning(bare)),
    ...when(entity === undefined && others.length > 0, warning(idle)),
  ];
}

function feeding({ imports }: PlanningPmeSettings): readonly Finding[] {
  const text = `"${TITLES.customer_entity}" and "${TITLES.project_entity}" name neither accounts nor users, so nothing is imported. Choose one for customers or for projects to begin.`;
  return when(
    ROLES.every((role) => imports[role].entity === undefined),
    hint(text),
  );
}

function filters({ imports, accountSegments, userSegments }: PlanningPmeSettings): readonly Finding[] {
  const feeds = (entity: Entity): boolean => ROLES.some((role) => imports[role].entity === entity);
  const empty = (title: string, entities: string): Finding =>
    hint(`${title} is empty, so only ${entities} that you send by hand are imported. Choose segments to begin.`);
  return [
    ...when(feeds("account") && accountSegments.length === 0, empty(TITLES.account_synchronized_segments, "accounts")),
    ...when(feeds("user") && userSegments.length === 0, empty(TITLES.synchronized_segments, "users")),
  ];
}

function single({ layout: chosen }: PlanningPmeSettings): readonly Finding[] {
  const text = `${TITLES.model_layout} is one object, so every record costs a call. Choose a layout with a list if the template has one.`;
  return when(chosen === "single", hint(text));
}

/** Values are only in Hull, and reports only in answers: both show when something is imported. */
const LATELY: readonly (readonly [ReasonCode, Finding["level"], string])[] = [
  [
    "missing_key",
    "warning",
    "a record was skipped, because it has nothing for the key property, by which PlanningPME finds it. Fill the attribute that is mapped to the key property, usually external_id.",
  ],
  [
    "accepted",
    "ok",
    `PlanningPME took a record, and its report did not say what became of it. Look at the report with a dry run. If "${TITLES.stop_on_error}" is on, switch it off: without such a report, records behind a failure are taken for imported ones.`,
  ],
];

/** @param outcomes of the last day: `type/outcome/code` → count */
export function checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[] {
  return LATELY.flatMap(([code, level, what]) => lately(outcomes, (name) => name.endsWith(`/${code}`), what, level));
}
