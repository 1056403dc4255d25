/**
 * Which pages of other sites may use the internal API: none except the origins in CORS_ORIGINS. Credentials mode is
 * never allowed, so no page reads an answer to a log-in that the browser remembers. Pages of the named origins are
 * trusted: their forms may change things with that log-in (own-site.ts).
 */
import type { RequestHandler } from "express";

const METHODS = ["GET", "HEAD", "POST", "PUT"];
const HEADERS = "authorization, content-type, idempotency-key, x-request-id";
const READABLE = "allow, idempotent-replayed, ratelimit, ratelimit-policy, retry-after, x-request-id";
const PREFLIGHT_SECONDS = "600";

/**
 * @param origins exactly as browsers send them: scheme, host and port
 * @param further methods that a service's operations have
 */
export function cors(origins: readonly string[], further: readonly string[] = []): RequestHandler {
  const known = new Set(origins);
  const methods = [...new Set([...METHODS, ...further])].join(", ");
  return (request, response, next) => {
    if (known.size > 0) response.vary("origin");
    const origin = request.get("origin");
    if (origin === undefined || !known.has(origin)) {
      next();
      return;
    }
    response.set("access-control-allow-origin", origin);
    if (request.method !== "OPTIONS" || request.get("access-control-request-method") === undefined) {
      response.set("access-control-expose-headers", READABLE);
      next();
      return;
    }
    response
      .set("access-control-allow-methods", methods)
      .set("access-control-allow-headers", HEADERS)
      .set("access-control-max-age", PREFLIGHT_SECONDS)
      .status(204)
      .end();
  };
}
