/**
 * The endpoint of a raw request: a path below `/admin/v2`, whatever is tried. It is taken apart and put together again,
 * so nothing of it reaches the address as it was written.
 */
import type { RouteParams } from "../../../http/route";
import type { Touched } from "../../operations";
import { ALL, touchedBy } from "./touched";

export const NOT_AN_ENDPOINT =
  "must be a path below /admin/v2 such as /beneficiaries: names and ids, with a slash between them";

const MAX_LENGTH = 500;
/** What a path may consist of (RFC 3986 §3.3), less `;`, which some servers cut off with what follows. */
const PATH = /^\/?[\w.~!$&'()*+,=:@%-]+(?:\/[\w.~!$&'()*+,=:@%-]+)*$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** Decoded: printable, and nothing that a server behind ours may read as another path. */
const PART = /^[\x20-\x7e]+$/;
const FORBIDDEN = /[/\\%?#;]/;
const ONLY_DOTS = /^[\s.]+$/;

/** The decoded parts of an endpoint; undefined when it is none. */
export function partsOf(endpoint: string): readonly string[] | undefined {
  if (endpoint.length > MAX_LENGTH || SCHEME.test(endpoint) || !PATH.test(endpoint)) return undefined;
  try {
    const parts = endpoint.replace(/^\//, "").split("/").map(decodeURIComponent);
    return parts.every((part) => PART.test(part) && !FORBIDDEN.test(part) && !ONLY_DOTS.test(part)) ? parts : undefined;
  } catch {
    return undefined; // not UTF-8
  }
}

/** Parts that are no ids, as far as they are known. */
const NAMES = new Set(
  `subscriber subscribers meta terminate rehire organizations beneficiaries
  dependent dependents deactivate reactivate coverage coverages
  payroll_coverages_subscriber payroll_coverages_subscribers`.split(/\s+/),
);
const NAME = /^[a-z][a-z_]{0,39}$/;

/** For the audit line: `/subscriber/{id}/terminate`. A path begins with a name, known or not. */
export function templateOf(parts: readonly string[]): string {
  return parts.map((part, at) => (NAMES.has(part) || (at === 0 && NAME.test(part)) ? `/${part}` : "/{id}")).join("");
}

/** For the HTTP client. Whatever the caller invents is a parameter, since routes are counted. */
export function routeOf(parts: readonly string[]): { readonly route: string; readonly params: RouteParams } {
  const params: Record<string, string> = {};
  let route = "";
  for (const part of parts) {
    if (NAMES.has(part)) {
      route += `/${part}`;
      continue;
    }
    const count = Object.keys(params).length + 1;
    const name = count === 1 ? "id" : `id${count}`;
    params[name] = part;
    route += `/:${name}`;
  }
  return { route, params };
}

/**
 * The subscriber that a path names; all of them when it names none.
 *
 * @param isCustomId the query parameter as it is sent
 */
export function touchedAt(parts: readonly string[], isCustomId: string | readonly string[] = "false"): Touched {
  const [collection, ref] = parts;
  const certain = isCustomId === "true" || isCustomId === "false";
  if (collection !== "subscriber" || ref === undefined || NAMES.has(ref) || !certain) return ALL;
  return touchedBy(ref, isCustomId === "true");
}
