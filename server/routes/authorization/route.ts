/**
 * `/authorize`: where a person grants the connector access to the service, in a browser. `src/engine/authorization/flow.ts`
 * says what makes it safe; here are the addresses, the cookie and the pages.
 */
import { Router, type CookieOptions, type Request, type Response } from "express";
import type { Logger } from "pino";
import { LIFE_MS, type Authorizations, type Finished } from "../../../src/engine/authorization/flow";
import type { Tenant } from "../../../src/engine/tenants";
import type { Disk } from "../../../src/storage/port/disk";
import { errorPage } from "../../console/sections/front";
import { formReader } from "../../console/form";
import type { Site } from "../../console/links";
import { HEADERS } from "../../console/page";
import { refuse } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { errorAnswers, otherMethods, showJson } from "../../middleware/errors";
import { requestContext } from "../../middleware/request-id";
import { confirmPage, finishedPage, REFUSED } from "./pages";

export interface AuthorizationRouteOptions<S> {
  readonly authorizations: Authorizations<S>;
  readonly disk: Pick<Disk, "assertWritable">;
  readonly site: Required<Site>;
  /** What a person can do while the settings lack what the service's page needs: a sentence. */
  readonly missing: string;
  /** PUBLIC_URL: this server as browsers see it; undefined: as the request says. */
  readonly publicUrl: string | undefined;
  readonly byQuery: Authenticate<S>;
  readonly byLogin: Authenticate<S>;
  readonly logger: Logger;
}

const PATH = "/authorize";
const CALLBACK = `${PATH}/callback`;
const COOKIE = "authorize";
/** The address of the callback holds a code, which no other site needs to see. */
const PRIVATE = { ...HEADERS, "referrer-policy": "no-referrer" };

export function authorizationRoutes<S>(options: AuthorizationRouteOptions<S>): Router {
  const { authorizations, site, logger } = options;
  const readForm = formReader();
  const router = Router();

  const show = (response: Response, status: number, document: string): void => {
    response.status(status).set(PRIVATE).type("html").send(document);
  };
  const log = (response: Response, tenant: Tenant<S>, done: string, data: object = {}): void => {
    const { organization, id } = tenant.credentials;
    logger.info(
      { context: { organization, id, ...requestContext(response) }, data: { done, ...data } },
      "connector.authorization",
    );
  };

  /** With the credentials that Hull's links carry, or with the log-in of the console. */
  const authenticate: Authenticate<S> = (request) => {
    const { secret, token, hullToken } = request.query;
    return (secret ?? token ?? hullToken) ? options.byQuery(request) : options.byLogin(request);
  };

  router.get(PATH, async (request, response) => {
    response.set(PRIVATE);
    const tenant = await authenticate(request);
    // Nobody is sent to a page whose answer could not be kept.
    options.disk.assertWritable();
    const base = options.publicUrl ?? `${request.protocol}://${request.host}`;
    const begun = authorizations.begin(tenant, `${base}${site.mount}${CALLBACK}`);
    if (begun === undefined) throw refuse(409, "missing_token", options.missing);
    response.cookie(COOKIE, begun.cookie, { ...cookieOf(site, base), maxAge: LIFE_MS });
    log(response, tenant, "begun");
    response.redirect(302, begun.address);
  });

  router.delete(PATH, async (request, response) => {
    response.set("cache-control", "no-store");
    const tenant = await authenticate(request);
    const revoked = await authorizations.revoke(tenant);
    log(response, tenant, "revoked", { revoked });
    response.json({ revoked });
  });

  router.all(PATH, otherMethods("GET, HEAD, DELETE"));

  // Whoever only looks whether the address is there must not use the code up.
  router.head(CALLBACK, otherMethods("GET, POST"));
  router.get(CALLBACK, async (request, response) => {
    // The code serves once: it is not used up for nothing.
    options.disk.assertWritable();
    const { state, code, error } = request.query;
    answer(response, await authorizations.finish({ state, code, error, cookie: cookieIn(request) }));
  });
  router.post(CALLBACK, async (request, response) => {
    const form = (await readForm(request, response)) as { state?: unknown } | undefined;
    answer(response, await authorizations.confirm({ state: form?.state, cookie: cookieIn(request) }));
  });
  router.all(CALLBACK, otherMethods("GET, POST"));

  router.use(
    errorAnswers(logger, (response, error) => {
      if (response.req.method === "DELETE") showJson(response, error);
      else show(response, error.status, errorPage(error, site));
    }),
  );
  return router;

  function answer(response: Response, finished: Finished<S>): void {
    if (finished.kind === "refused") throw refuse(...REFUSED[finished.reason]);
    const { tenant, kind } = finished;
    log(response, tenant, kind, "account" in finished ? { account: finished.account?.id } : {});
    if (kind === "proposed") {
      show(response, 200, confirmPage(finished, site, `${site.mount}${CALLBACK}`));
      return;
    }
    // The cookie stays until it ends: whoever loads the page again is told that it has served, not that it is a stranger's.
    show(response, kind === "failed" ? 502 : 200, finishedPage(finished, site));
  }
}

/** @param base where browsers reach us */
const cookieOf = ({ mount }: Site, base: string): CookieOptions => ({
  path: mount + PATH,
  httpOnly: true,
  sameSite: "lax",
  secure: base.startsWith("https"),
});

/** The value that we gave this browser. */
function cookieIn(request: Request): string | undefined {
  const pairs = (request.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${COOKIE}=`));
  return found?.slice(COOKIE.length + 1);
}
