/**
 * Lets whoever has ADMIN_TOKEN in from the network: `Authorization: Bearer <token>`, or Basic with any user name and
 * the token as password, which browsers ask for. Failed log-ins are slowed down as those of connectors are.
 */
import { hash } from "node:crypto";
import { Router, type RequestHandler } from "express";
import type { Logger } from "pino";
import { show } from "../console/page";
import { errorPage } from "../console/sections/front";
import { PROBLEM, refuse } from "../http-error";
import { basicOf, bearerOf, isToken } from "../middleware/authorization";
import { errorAnswers, showJson, type ShowError } from "../middleware/errors";
import { assertOwnSite } from "../middleware/own-site";
import { setRateLimit } from "../middleware/rate-limits";
import { createThrottle, type ThrottleLimits } from "../middleware/throttle";
import { ADMIN } from "./route";

export interface GateOptions {
  /** ADMIN_TOKEN. */
  readonly token: string;
  readonly logger: Logger;
  /** How many log-ins may fail; see `LOGIN_LIMITS`. */
  readonly loginLimits?: ThrottleLimits | undefined;
}

const CHALLENGE = { "www-authenticate": 'Basic realm="Hull connector, all tenants", charset="UTF-8"' };
/** No page of another site, not even those of CORS_ORIGINS, has any business here. */
const NO_ORIGINS: ReadonlySet<string> = new Set();

/** @param routes what is behind the gate */
export function gated(routes: Router, options: GateOptions): Router {
  const router = Router();
  router.use(ADMIN, gate(options));
  router.use(routes);
  router.use(errorAnswers(options.logger, showForReader));
  return router;
}

function gate({ token, loginLimits }: GateOptions): RequestHandler {
  const throttle = createThrottle<boolean>((isRight) => !isRight, loginLimits);
  return async (request, response, next) => {
    response.set("cache-control", "no-store");
    // A browser sends the remembered log-in for any page; reading changes nothing, and no other page sees it.
    if (!["GET", "HEAD"].includes(request.method)) assertOwnSite(request, NO_ORIGINS);
    const header = request.get("authorization");
    const given = bearerOf(header) ?? basicOf(header)?.password ?? "";
    if (given === "") {
      const words =
        "Log in with any user name and ADMIN_TOKEN as password, or send it as Authorization: Bearer <token>.";
      throw refuse(401, "missing_credentials", words, { headers: CHALLENGE });
    }
    const address = request.ip ?? "0.0.0.0";
    const attempt = { address, connector: ADMIN, credentials: hash("sha256", given) };
    const isRight = await throttle
      .during(attempt, () => Promise.resolve(isToken(given, token)))
      .finally(async () => setRateLimit(response, await throttle.limitOf(address)));
    if (!isRight) {
      throw refuse(401, "wrong_credentials", "This is not the server's ADMIN_TOKEN.", { headers: CHALLENGE });
    }
    next();
  };
}

/** People see a page, programs JSON. */
const showForReader: ShowError = (response, error) => {
  if (response.req.accepts(["json", "html", PROBLEM]) !== "html") showJson(response, error);
  else show(response, error.status, errorPage(error, { mount: "" }, ADMIN));
};
