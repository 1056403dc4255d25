/** What the description says about refusals: which statuses an operation has, with which codes. */
import { describeApi } from "../../server/openapi/document";
import type { Piece } from "../../server/openapi/part";

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Piece>> }>>>
  >;
  readonly components: { readonly responses: Readonly<Record<string, Piece>> };
}

const { paths, components } = describeApi() as unknown as Described;

/** Of one operation, each as `413 too_large`. @param method in lower case @param path as it is described */
export function describedRefusals(method: string, path: string): readonly string[] {
  return Object.entries(paths[path]?.[method]?.responses ?? {}).flatMap(([status, response]) =>
    codesOf(response).map((code) => `${status} ${code}`),
  );
}

/** The codes stand where the schema of errors is narrowed. */
function codesOf(response: Piece): readonly string[] {
  const target = response["$ref"];
  const shared = typeof target === "string" ? components.responses[target.split("/").at(-1) ?? ""] : response;
  const [, list = ""] = /"code":\{"enum":\[([^\]]*)\]/.exec(JSON.stringify(shared)) ?? [];
  return [...list.matchAll(/"(\w+)"/g)].flatMap(([, code]) => code ?? []);
}
