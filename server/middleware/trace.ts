/** A span for each request; it comes behind the routes that load balancers and Prometheus ask all the time. */
import type { Request, RequestHandler } from "express";
import { traceRequest } from "../../src/tracing";

/** @param services each with a path of its own */
export function traced(services: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const span = traceRequest(request.method, request.headers["traceparent"]);
    if (span.isRecorded) {
      response.once("close", () => {
        const route = routeOf(request, services);
        if (response.writableFinished) span.end({ route, status: response.statusCode });
        else span.end({ route, error: "aborted" });
      });
    }
    span.within(next);
  };
}

/** The whole template of the route that was found, such as `/<service>/api/internal/runs/:id`. */
function routeOf({ baseUrl, originalUrl, route }: Request, services: readonly string[]): string | undefined {
  const { path: found } = (route ?? {}) as { readonly path?: unknown };
  const [asked = ""] = originalUrl.toLowerCase().split("?");
  // Express forgets where a route is mounted once an error has left it.
  const mount =
    baseUrl === "" ? services.map((name) => `/${name}`).find((each) => asked.startsWith(`${each}/`)) : baseUrl;
  const prefix = mount?.toLowerCase() ?? "";
  const paths: readonly unknown[] = Array.isArray(found) ? found : [found];
  const path = paths.length === 1 ? paths[0] : paths.find((each) => `${prefix}${String(each)}` === asked);
  return typeof path === "string" ? `${prefix}${path === "/" && prefix !== "" ? "" : path}` : undefined;
}
