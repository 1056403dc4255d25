/** `GET /api/integration/templates`: "the installed templates with detailed description", whose form is a guess. */
import { xmlOf, type Template } from "./template";
import type { PlanningPmeSwitches } from "./switches";

/** The answer to a list of templates. */
export function describeTemplates(templates: readonly Template[], switches: Readonly<PlanningPmeSwitches>): unknown {
  const described = (chosen: readonly Template[]) => chosen.map((template) => describe(template, switches));
  const going = (way: Template["direction"]) => described(templates.filter(({ direction }) => direction === way));
  switch (switches.templateList) {
    case "array":
      return described(templates);
    case "items":
      return { items: described(templates) };
    case "grouped":
      return { in: going("in"), out: going("out") };
  }
}

function describe(template: Template, switches: Readonly<PlanningPmeSwitches>): Record<string, unknown> {
  const { name, description } = template;
  return { name, ...markOf(template, switches), description, ...contentsOf(template, switches) };
}

function markOf({ direction }: Template, { templateMark }: Readonly<PlanningPmeSwitches>): Record<string, string> {
  switch (templateMark) {
    case "type":
      return { type: direction };
    case "type-capital":
      return { type: direction === "in" ? "In" : "Out" };
    case "direction":
      return { direction };
  }
}

function contentsOf(
  template: Template,
  { templateDescription }: Readonly<PlanningPmeSwitches>,
): Record<string, unknown> {
  switch (templateDescription) {
    case "properties":
      return { properties: template.types.flatMap(({ properties }) => properties.map(({ name }) => ({ name }))) };
    case "types":
      return {
        types: template.types.map(({ name, shouldInsert, shouldUpdate, defaults = [], properties }) => ({
          name,
          shouldInsert,
          shouldUpdate,
          defaults,
          properties,
        })),
      };
    case "xml":
      return { template: xmlOf(template) };
    case "none":
      return {};
  }
}
