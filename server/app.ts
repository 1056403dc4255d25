/** The HTTP edge, made from its parts; no I/O at import. */
import express, { type Express } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import { jsonBody } from "./middleware/body";
import { errorAnswers, notFound } from "./middleware/errors";
import { manifestRoutes } from "./routes/manifest";
import { notificationRoutes, type NotificationRouteOptions } from "./routes/notifications";
import { operationRoutes, type OperationRouteOptions } from "./routes/operations";

export interface AppOptions<S> extends NotificationRouteOptions<S>, OperationRouteOptions {
  readonly logger: Logger;
  readonly trustProxy: number | string | boolean;
}

export function createApp<S>(options: AppOptions<S>): Express {
  const app = express();
  app.set("trust proxy", options.trustProxy);
  // A notification is nothing to cache, and hashing its answer nothing to spend time on.
  app.set("etag", false);
  app.use(helmet());
  app.use(operationRoutes(options));
  app.use(manifestRoutes());
  app.use("/smart-notifier", jsonBody());
  app.use(notificationRoutes(options));
  app.use(notFound());
  app.use(errorAnswers(options.logger));
  return app;
}
