/** What the description says about refusals: which statuses an operation has, with which codes. */
import { describeApi } from "../../server/openapi/document";
import { createPlanhatService } from "../../src/services/planhat";
import type { Piece } from "../../server/openapi/part";

export interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Piece>> }>>>
  >;
  readonly components: { readonly responses: Readonly<Record<string, Piece>> };
}

export const SERVICE = createPlanhatService({ fingerprintKey: "described" });
const PLANHAT = describeApi(SERVICE) as unknown as Described;

/** Of one operation, each as `413 too_large`. @param method in lower case @param path as it is described */
export function describedRefusals(method: string, path: string, document = PLANHAT): readonly string[] {
  return Object.entries(document.paths[path]?.[method]?.responses ?? {}).flatMap(([status, response]) =>
    codesOf(response, document).map((code) => `${status} ${code}`),
  );
}

/** The codes stand where the schema of errors is narrowed. */
function codesOf(response: Piece, { components }: Described): readonly string[] {
  const target = response["$ref"];
  const shared = typeof target === "string" ? components.responses[target.split("/").at(-1) ?? ""] : response;
  const [, list = ""] = /"code":\{"enum":\[([^\]]*)\]/.exec(JSON.stringify(shared)) ?? [];
  return [...list.matchAll(/"(\w+)"/g)].flatMap(([, code]) => code ?? []);
}
