// URLs from templates. Ids come from outside: a blank one would turn `/endusers/:id` into the list route, and a dot
// segment would walk up the path, so both are refused instead of sent.

/** A list repeats its name. */
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;
type QueryValue = string | number | boolean;
export type RouteParams = Readonly<Record<string, string | number>>;

export type UrlResult = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly problem: string };

/**
 * @param baseUrl scheme, host and optional path prefix
 * @param route template such as `/endusers/:id`; empty = the base URL exactly as it is
 */
export function buildUrl(baseUrl: string, route: string, params: RouteParams = {}, query: Query = {}): UrlResult {
  try {
    const path = expand(route, params);
    const base = route === "" ? baseUrl : baseUrl.replace(/(?<!\/)\/+$/, "");
    const search = encodeQuery(query);
    return { ok: true, url: `${base}${path}${search && (base.includes("?") ? "&" : "?")}${search}` };
  } catch (error) {
    if (error instanceof RouteProblem) return { ok: false, problem: error.message };
    if (error instanceof URIError) return { ok: false, problem: "a value contains half a character (lone surrogate)" };
    throw error;
  }
}

/** Without the question mark; spaces as %20 and plus signs as %2B, so that no server can confuse the two. */
export function encodeQuery(query: Query): string {
  return Object.entries(query)
    .flatMap(([name, value]) =>
      [value ?? []].flat().map((each) => [name, String(each)].map(encodeURIComponent).join("=")),
    )
    .join("&");
}

class RouteProblem extends Error {}

function expand(route: string, params: RouteParams): string {
  return route
    .split("/")
    .map((segment) => {
      const filled = segment.replaceAll(/:([A-Za-z_]\w*)/g, (_whole, name: string) => {
        const value = params[name];
        if (value === undefined || String(value).trim() === "") throw new RouteProblem(`:${name} is empty`);
        return encodeURIComponent(String(value));
      });
      if (filled === "." || filled === "..") throw new RouteProblem(`"${filled}" is not a usable id`);
      return filled;
    })
    .join("/");
}
