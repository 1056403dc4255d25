/** `/health`, `/ready` and `/metrics` described. */
import { z } from "zod";
import { FOR_ALL } from "../../openapi/common";
import { answer, type Part } from "../../openapi/part";

const status = z.object({
  status: z.enum(["ok", "closing", "error"]),
  message: z.string().optional(),
  warnings: z
    .array(z.string())
    .optional()
    .meta({ description: "What could be lost because of how Redis is set up, or was lost within a week." }),
});
const OK = { status: "ok" };

export const healthPart: Part = {
  tag: { name: "Operation", description: "For those who run the server." },
  schemas: {
    Status: status,
    TokenRefused: z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
  },
  paths: {
    "/health": {
      get: {
        operationId: "isUp",
        summary: "Is the process up?",
        security: FOR_ALL,
        responses: { 200: answer("It is.", "Status", OK) },
      },
    },
    "/ready": {
      get: {
        operationId: "isReady",
        summary: "Can it do its work?",
        security: FOR_ALL,
        responses: {
          200: answer("It can.", "Status", OK),
          503: answer("It is closing, the store does not answer, Redis is lost, or the disk is too full.", "Status", {
            status: "closing",
          }),
        },
      },
    },
    "/metrics": {
      get: {
        operationId: "scrapeMetrics",
        summary: "Metrics for Prometheus",
        security: [{ metricsToken: [] }, {}],
        responses: {
          200: {
            description: "The metrics as text.",
            content: { "text/plain": { schema: { type: "string" } } },
          },
          401: answer("METRICS_TOKEN is set, and the token is missing or wrong.", "TokenRefused"),
        },
      },
    },
  },
};
