/** `/status`: the health of a connector, for Hull's dashboard. Each answer is also sent to Hull. */
import { Router, type RequestHandler } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import type { HealthOf } from "../../../src/engine/status/health";
import type { Credentials } from "../../../src/engine/tenants";
import type { HullStatus } from "../../../src/hull/client";
import { FINDING_LEVELS } from "../../../src/services/connection";
import { DiskError } from "../../../src/storage/port/disk";
import { HttpError } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { requestContext } from "../../middleware/request-id";

export interface StatusRouteOptions<S> {
  readonly health: HealthOf<S>;
  /** Shows the status in Hull's dashboard. @throws when Hull does not take it */
  readonly report: (credentials: Credentials, status: HullStatus) => Promise<void>;
  readonly authenticate: Authenticate<S>;
  readonly logger: Logger;
}

export const statusAnswer = z.object({
  status: z.enum(FINDING_LEVELS).meta({ description: "The level of the worst message." }),
  messages: z.array(z.string()).meta({ description: "What a person should know, and what to do; the worst first." }),
});

const FAILED: z.output<typeof statusAnswer> = {
  status: "error",
  messages: [
    "The status could not be found out: something went wrong on our side. Ask those who run this server; their log says what.",
  ],
};

/**
 * GET and POST. 200 `{status, messages}`, the worst message first; `status` is `ok`, `warning`, `error` or
 * `setupRequired`. 500 of the same shape when it could not be found out.
 */
export function statusRoutes<S>({ health, report, authenticate, logger }: StatusRouteOptions<S>): Router {
  const answer: RequestHandler = async (request, response) => {
    response.set("cache-control", "no-store");
    try {
      const tenant = await authenticate(request);
      const { status, messages } = await health(tenant);
      const body: z.output<typeof statusAnswer> = { status, messages: messages.map(({ text }) => text) };
      await report(tenant.credentials, body).catch((error: unknown) => {
        const { organization, id } = tenant.credentials;
        logger.warn(
          { context: { organization, id, ...requestContext(response) }, err: error },
          "connector.status.unreported",
        );
      });
      response.json(body);
    } catch (error) {
      // A wrong request and a full disk get the same errors as everywhere else.
      if (error instanceof HttpError || error instanceof DiskError) throw error;
      logger.error({ context: requestContext(response), err: error }, "connector.status.error");
      response.status(500).json(FAILED);
    }
  };
  const router = Router();
  router.get("/status", answer);
  router.post("/status", answer);
  router.all("/status", otherMethods("GET, HEAD, POST"));
  return router;
}
