/** Measures each notification from its head to the last byte of its answer; it comes before all that may fail. */
import type { RequestHandler } from "express";
import type { Metrics } from "../metrics";

export function measured(metrics: Pick<Metrics, "notification">, service: string): RequestHandler {
  return (request, response, next) => {
    const startedAtMs = performance.now();
    response.once("close", () => {
      const body: unknown = request.body;
      metrics.notification(service, {
        channel: typeof body === "object" && body !== null && "channel" in body ? body.channel : undefined,
        status: response.writableFinished ? response.statusCode : undefined,
        durationMs: performance.now() - startedAtMs,
      });
    });
    next();
  };
}
