/**
 * Keeps pages of other sites from changing anything in the name of whoever is logged in. A browser sends a remembered
 * log-in with every form that any page posts here. It also says where the request comes from; tools do not.
 */
import type { Request } from "express";
import { refuse } from "../http-error";
import { readUrl } from "../../src/web-address";

/**
 * @param origins of other sites whose pages may: CORS_ORIGINS
 * @throws HttpError 403 when a browser sends the request for a page that is not ours
 */
export function assertOwnSite(request: Request, origins: ReadonlySet<string>): void {
  if (origins.has(request.get("origin") ?? "")) return;
  const site = request.get("sec-fetch-site");
  // Omitted over plain HTTP, where only the origin is sent.
  const own = site === undefined ? isOwnOrigin(request) : site === "same-origin" || site === "none";
  if (!own) throw refuse(403, "other_site", "A page of another site may not change anything here.");
}

function isOwnOrigin(request: Request): boolean {
  const origin = request.get("origin");
  if (origin === undefined) return true;
  const host = request.host as string | undefined;
  return host !== undefined && readUrl(origin)?.host === host.toLowerCase();
}
