/** The routes below `{root}`, which is the brand (sheet 1, 2, 3). */

export interface Route {
  readonly is: "token" | "config" | "templates" | "import" | "export" | "unknown";
  /** In lower case: brands are the same in any. */
  readonly brand: string;
  /** Method and path without the brand, such as `POST /api/integration/:template`. */
  readonly name: string;
  /** Name of a template in the path, decoded; empty where it has none. */
  readonly template: string;
}

const INTEGRATION = /^\/api\/integration\/([^/]+)$/;

/** What a call is, by method and path. */
export function routeOf(method: string, path: string): Route {
  const [, brand = "", rest = ""] = /^\/([^/]+)(\/.*)$/.exec(path) ?? [];
  const to = (is: Route["is"], template = "", place = rest): Route => ({
    is,
    template,
    brand: decoded(brand).toLowerCase(),
    name: `${method} ${place}`,
  });
  if (rest === "/token") return to("token");
  if (rest === "/api/config" && method === "GET") return to("config");
  if (rest === "/api/integration/templates" && method === "GET") return to("templates");
  const [, template] = INTEGRATION.exec(rest) ?? [];
  if (template !== undefined && (method === "GET" || method === "POST")) {
    return to(method === "GET" ? "export" : "import", decoded(template), "/api/integration/:template");
  }
  return to("unknown");
}

/** The segment as it is when it cannot be decoded: nothing has such a name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
