/** `/api/internal/alerts/test`: whether alerts arrive where the settings of a connector send them. */
import { Router } from "express";
import { z } from "zod";
import type { Tenant } from "../../../src/engine/tenants";
import { RemoteError } from "../../../src/http/errors";
import { refuse } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";

export interface AlertRouteOptions<S> {
  /** Sends a test; undefined: the settings name no receiver that may be used. The promise rejects with a RemoteError. */
  readonly test: (tenant: Tenant<S>) => Promise<void> | undefined;
  readonly authenticate: Authenticate<S>;
}

export const alertTestAnswer = z.object({
  taken: z.literal(true).meta({ description: "The receiver has answered with 2xx." }),
});

export const ALERT_TEST = "/api/internal/alerts/test";

/** `POST /api/internal/alerts/test?org=…`: sends one message of the type `alert.test`, and waits for the answer. */
export function alertRoutes<S>({ test, authenticate }: AlertRouteOptions<S>): Router {
  const router = Router();

  router.post(ALERT_TEST, async (request, response) => {
    const sending = test(await authenticate(request));
    if (sending === undefined) {
      const words =
        "The settings name no receiver of alerts that can be used; save an address and a secret, and look at the connector's status.";
      throw refuse(409, "no_alert_receiver", words);
    }
    try {
      await sending;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      throw refuse(502, "alert_not_taken", `The receiver has not taken the message: ${error.message}.`);
    }
    const answer: z.output<typeof alertTestAnswer> = { taken: true };
    response.set("cache-control", "no-store").json(answer);
  });

  router.all(ALERT_TEST, otherMethods("POST"));
  return router;
}
