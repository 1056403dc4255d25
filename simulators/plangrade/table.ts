/** Which route a call has: of the authorization at its two pairs of addresses, and of the API below `/api/v1`. */
import type { ApiRoute } from "./records/routes";
import type { PlangradeSwitches } from "./switches";

type Paths = Exclude<PlangradeSwitches["paths"], "both">;

/** The two pairs of addresses (sheet 2). */
export const AUTHORIZATION_PATHS: Readonly<Record<Paths, { readonly authorize: string; readonly token: string }>> = {
  documents: { authorize: "/api/v1/authenticate", token: "/oauth/v1/token" },
  clients: { authorize: "/oauth/authorize", token: "/oauth/token" },
};

export const API_ROOT = "/api/v1";

export type Found =
  | { readonly is: "authorize" | "token"; readonly name: string }
  | { readonly is: "api"; readonly name: string; readonly route: ApiRoute; readonly id: number }
  /** 404, or 405 where other methods have a route. */
  | { readonly is: "none"; readonly name: string; readonly status: 404 | 405 };

/** Creates the look-up of routes. Of several that fit, the first one is taken. */
export function createRouteTable(
  routes: readonly ApiRoute[],
  { paths }: { readonly paths: () => PlangradeSwitches["paths"] },
) {
  const patterns = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${API_ROOT}${route.template.replaceAll(".", "\\.").replace(":id", "([^/]+)")}$`),
  }));

  return (method: string, path: string): Found => {
    const live = Object.entries(AUTHORIZATION_PATHS).filter(([pair]) => paths() === "both" || paths() === pair);
    for (const [, { authorize, token }] of live) {
      const is = path === authorize ? "authorize" : path === token ? "token" : undefined;
      if (is === undefined) continue;
      const isAllowed = method === "POST" || (method === "GET" && is === "authorize");
      const name = `${method} ${path}`;
      return isAllowed ? { is, name } : { is: "none", name, status: 405 };
    }
    const fitting = patterns.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ route, id: Number(match[1] ?? Number.NaN) }];
    });
    const found = fitting.find(({ route }) => route.method === method);
    const name = `${method} ${(found ?? fitting[0])?.route.template ?? path}`;
    if (found !== undefined) return { is: "api", name, ...found };
    return { is: "none", name, status: fitting.length > 0 ? 405 : 404 };
  };
}
