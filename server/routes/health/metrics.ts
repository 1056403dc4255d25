/** `GET /metrics` for Prometheus; with a token where one is configured. */
import { createHash, timingSafeEqual } from "node:crypto";
import { Router } from "express";
import type { Metrics } from "../../metrics";

export interface MetricRouteOptions {
  readonly metrics: Metrics;
  /** Expected as `Authorization: Bearer …`; without it the metrics are public. */
  readonly metricsToken: string | undefined;
}

export function metricRoutes({ metrics, metricsToken }: MetricRouteOptions): Router {
  const router = Router();
  router.get("/metrics", async (request, response) => {
    if (metricsToken !== undefined && !isBearer(request.get("authorization"), metricsToken)) {
      const message = "Send METRICS_TOKEN as Authorization: Bearer <token>.";
      response.status(401).set("www-authenticate", "Bearer");
      response.json({ error: { code: "unauthorised", message } });
      return;
    }
    const { contentType, text } = await metrics.scrape();
    response.set("content-type", contentType).send(text);
  });
  return router;
}

/** Takes the same time for every wrong token: hashes are compared, so that not even the length shows. */
function isBearer(header: string | undefined, token: string): boolean {
  const [, given] = /^bearer +(\S+)$/i.exec(header ?? "") ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
