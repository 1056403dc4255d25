/**
 * `/admin`: all connectors and their dead letters, for whoever runs the server. Who may ask is not decided here: on the
 * network there is a gate in front (gate.ts), on the machine the rights of a socket file (machine.ts).
 */
import { Router, type Request, type RequestHandler } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import type { Site } from "../console/links";
import { show } from "../console/page";
import { refuse } from "../http-error";
import { otherMethods } from "../middleware/errors";
import { requestContext } from "../middleware/request-id";
import { parameter } from "../../src/input";
import { definitionOf, tenantNamed } from "../../src/services";
import type { ServiceDefinition } from "../../src/services/definition";
import { readInput } from "../middleware/input";
import { DEAD_LETTER_WORDS, deadLetterRouter } from "../routes/dead-letters/route";
import { showAnyDeadLetter, showAnyDeadLetterDetail, showConnector } from "./answer";
import type { Connectors } from "./connectors";
import type { DeadLetters } from "./dead-letters";
import { connectorsPage, type ConnectorsPageOptions } from "./page";

export interface AdminRouteOptions extends Pick<ConnectorsPageOptions, "queues" | "web"> {
  readonly services: readonly ServiceDefinition[];
  /** Where a style sheet is; by default at the root. */
  readonly site?: Site;
  readonly deadLetters: DeadLetters;
  readonly connectors: Connectors;
  /** All that share the store, this one too; undefined: it has the store alone. */
  readonly processes?: (() => Promise<ConnectorsPageOptions["processes"]>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Gets a line for each call that changes something. */
  readonly logger: Logger;
}

export const ADMIN = "/admin";
const MAX_TENANT_LENGTH = 500;

const WORDS = {
  ...DEAD_LETTER_WORDS,
  remedies: {
    ...DEAD_LETTER_WORDS.remedies,
    type: "Name an object type as the list shows it, or leave it out.",
    tenant: "Name a connector as the list of tenants does, or leave it out.",
  },
};

/** Printable, as the ids that it is made of. */
const tenantName = parameter
  .max(MAX_TENANT_LENGTH, "is too long")
  .regex(/^[\x21-\x7e]+$/, "is not the name of a tenant");

export const chosenTenant = z.object({
  tenant: tenantName.optional().meta({ description: "Only dead letters of this connector.", pattern: undefined }),
});

export function adminRoutes({
  services,
  site = { mount: "" },
  deadLetters,
  connectors,
  queues,
  processes,
  web,
  now,
  logger,
}: AdminRouteOptions): Router {
  const router = Router();
  router.use(ADMIN, audited(logger), (_request, response, next) => {
    response.set("cache-control", "no-store");
    next();
  });

  router.get(ADMIN, async (_request, response) => {
    const options = { home: ADMIN, site, queues, processes: await processes?.(), web };
    show(response, 200, connectorsPage(await connectors.list(), now(), options));
  });

  router.use(
    deadLetterRouter(`${ADMIN}/dead-letters`, deadLetters, {
      words: WORDS,
      tenantOf: (request) => {
        const { tenant } = readInput(chosenTenant, request.query, WORDS);
        return Promise.resolve(tenant && tenantNamed(tenant, services));
      },
      show: showAnyDeadLetter,
      showDetail: (deadLetter) =>
        showAnyDeadLetterDetail(deadLetter, definitionOf(deadLetter.tenant, services)?.face.remedies ?? {}),
    }),
  );

  router.get(`${ADMIN}/tenants`, async (_request, response) => {
    response.json({ tenants: (await connectors.list()).map(showConnector) });
  });

  router.delete(`${ADMIN}/tenants/:tenant`, async (request: Request<{ tenant: string }>, response) => {
    const tenant = tenantNamed(request.params.tenant, services);
    const rows = tenantName.safeParse(tenant).success ? await connectors.forget(tenant) : 0;
    if (rows === 0) throw refuse(404, "tenant_not_found", "There is no such connector; it may have been erased.");
    response.json({ tenant, rows });
  });

  router.all([ADMIN, `${ADMIN}/tenants`], otherMethods("GET, HEAD"));
  router.all(`${ADMIN}/tenants/:tenant`, otherMethods("DELETE"));
  return router;
}

/** Whoever changes something leaves a line, even if the answer does not reach them. */
function audited(logger: Logger): RequestHandler {
  return (request, response, next) => {
    response.once("close", () => {
      const { method } = request;
      const route: unknown = request.route;
      const status = response.writableFinished ? response.statusCode : "aborted";
      // A refusal changed nothing, and has a line of its own.
      const refused = typeof status === "number" && status >= 400 && status < 500;
      if (["GET", "HEAD", "OPTIONS"].includes(method) || refused) return;
      logger.info(
        { context: requestContext(response), data: { method, path: templateOf(route), status } },
        "connector.admin",
      );
    });
    next();
  };
}

/** The path as it is declared, without what was asked for. */
function templateOf(route: unknown): string {
  const path = typeof route === "object" && route !== null && "path" in route ? route.path : undefined;
  return typeof path === "string" ? path : ADMIN;
}
