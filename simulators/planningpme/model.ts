/** The body of an import: its options, and the rows of its model (sheet 1, 9). */
import { isObject } from "../loopback/call";
import type { PlanningPmeSwitches } from "./switches";
import { listNameOf, type Template } from "./template";

export interface ImportOptions {
  readonly simulate: boolean;
  readonly verbose: boolean;
  readonly stopOnError: boolean;
}

export interface ImportBody extends ImportOptions {
  readonly rows: readonly unknown[];
}

/** Reads a body; a text says why it is refused. */
export function readImport(
  body: unknown,
  template: Template,
  switches: Readonly<PlanningPmeSwitches>,
): ImportBody | string {
  if (!isObject(body)) return "The body is no JSON object.";
  const { simulate = false, verbose = false, stopOnError = false } = body;
  if (typeof simulate !== "boolean" || typeof verbose !== "boolean" || typeof stopOnError !== "boolean") {
    return "simulate, verbose and stopOnError are true or false.";
  }
  const rows = rowsOf(body["model"], template, switches);
  if (rows === undefined && switches.wrongLayout === "refused") {
    return `The model is not laid out as ${template.name} defines.`;
  }
  return { simulate, verbose, stopOnError, rows: rows ?? [] };
}

function rowsOf(
  model: unknown,
  template: Template,
  { modelLayout }: Readonly<PlanningPmeSwitches>,
): readonly unknown[] | undefined {
  const part = (name: string): unknown => (isObject(model) ? model[name] : undefined);
  const list = (): unknown => {
    switch (template.layout ?? modelLayout) {
      case "list":
        return model;
      case "items":
        return part("items");
      case "property":
        return part(listNameOf(template));
      case "single":
        return isObject(model) ? [model] : undefined;
    }
  };
  const rows = list();
  return Array.isArray(rows) ? rows : undefined;
}
