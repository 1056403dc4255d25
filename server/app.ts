/** The HTTP edge, made from its parts; no I/O at import. */
import express, { type Express } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import { jsonBody } from "./middleware/body";
import { errorAnswers, notFound } from "./middleware/errors";
import { measured } from "./middleware/measure";
import { manifestRoutes } from "./routes/manifest";
import { metricRoutes, type MetricRouteOptions } from "./routes/metrics";
import { notificationRoutes, type NotificationRouteOptions } from "./routes/notifications";
import { operationRoutes, type OperationRouteOptions } from "./routes/operations";

export interface AppOptions<S> extends NotificationRouteOptions<S>, OperationRouteOptions, MetricRouteOptions {
  readonly logger: Logger;
  readonly trustProxy: number | string | boolean;
}

export function createApp<S>(options: AppOptions<S>): Express {
  const app = express();
  app.set("trust proxy", options.trustProxy);
  // A notification is nothing to cache, and hashing its answer nothing to spend time on.
  app.set("etag", false);
  app.use(helmet());
  app.use((_request, response, next) => {
    // Whoever keeps a connection open must not keep the process from ending.
    if (!options.accepting()) response.set("Connection", "close");
    next();
  });
  app.use(operationRoutes(options));
  app.use(metricRoutes(options));
  app.use(manifestRoutes());
  app.use("/smart-notifier", measured(options.metrics), jsonBody());
  app.use(notificationRoutes(options));
  app.use(notFound());
  app.use(errorAnswers(options.logger));
  return app;
}
