/** `GET /metrics` for Prometheus; with a token where one is configured. */
import { Router } from "express";
import type { Metrics } from "../../metrics";
import { bearerOf, isToken } from "../../middleware/authorization";

export interface MetricRouteOptions {
  readonly metrics: Metrics;
  /** Expected as `Authorization: Bearer …`; without it the metrics are public. */
  readonly metricsToken: string | undefined;
}

export function metricRoutes({ metrics, metricsToken }: MetricRouteOptions): Router {
  const router = Router();
  router.get("/metrics", async (request, response) => {
    const given = bearerOf(request.get("authorization"));
    if (metricsToken !== undefined && (given === undefined || !isToken(given, metricsToken))) {
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
