/** The routes below `/admin/v2` (sheet 5, 8). */
import type { PlanSourceSwitches } from "./switches";

type Kind =
  | { readonly is: "organizations" | "meta" | "list" | "create" | "read" | "update" | "terminate" | "rehire" }
  | { readonly is: "beneficiaries" | "end-beneficiaries" }
  | { readonly is: "bulk"; readonly kind: "update" | "terminate" | "rehire" };

/** A call that has a route. */
export type Route = Kind & {
  /** Without the prefix, such as `/subscriber/:id`. */
  readonly template: string;
  /** The id in the path, decoded; empty where it has none. */
  readonly id: string;
};

/** In this order: `meta` is no id. */
const table: readonly (readonly [method: string, template: string, kind: Kind])[] = [
  ["GET", "/organizations", { is: "organizations" }],
  ["POST", "/subscriber", { is: "create" }],
  ["GET", "/subscriber/meta", { is: "meta" }],
  ["GET", "/subscriber/:id", { is: "read" }],
  ["PUT", "/subscriber/:id", { is: "update" }],
  ["PUT", "/subscriber/:id/terminate", { is: "terminate" }],
  ["PUT", "/subscriber/:id/rehire", { is: "rehire" }],
  ["GET", "/subscribers", { is: "list" }],
  ["POST", "/subscribers", { is: "create" }],
  ["PUT", "/subscribers", { is: "bulk", kind: "update" }],
  ["PUT", "/subscribers/terminate", { is: "bulk", kind: "terminate" }],
  ["PUT", "/subscribers/rehire", { is: "bulk", kind: "rehire" }],
  ["GET", "/beneficiaries", { is: "beneficiaries" }],
  ["GET", "/subscriber/:id/beneficiaries", { is: "beneficiaries" }],
  ["DELETE", "/coverage/:id/beneficiaries", { is: "end-beneficiaries" }],
];

const PREFIX = "/admin/v2";

const patterns = table.map(([method, template, kind]) => ({
  method,
  template,
  kind,
  pattern: new RegExp(`^${PREFIX}${template.replace(":id", "([^/]+)")}$`),
}));

/** The route of a call; undefined when there is none. */
export function matchRoute(
  method: string,
  path: string,
  { pluralCreate }: Readonly<PlanSourceSwitches>,
): Route | undefined {
  for (const { template, kind, pattern, ...route } of patterns) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match === null) continue;
    if (kind.is === "create" && template === "/subscribers" && pluralCreate === "unknown") return undefined;
    const id = decoded(match[1] ?? "");
    return id === undefined ? undefined : { ...kind, template, id };
  }
  return undefined;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
