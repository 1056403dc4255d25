/** The HTTP edge, assembled from its parts; no I/O at import. */
import express, { type Express } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import type { Runs } from "../src/engine/runs/orders";
import type { HostAllowList } from "../src/http/guards/hosts";
import type { DescribedService } from "./openapi/document";
import { createBodies } from "./bodies";
import { createBasicAuth } from "./middleware/basic-auth";
import { cors } from "./middleware/cors";
import { createAuthenticator, type AuthenticatorOptions } from "./middleware/authentication";
import { errorAnswers, notFound } from "./middleware/errors";
import { measured } from "./middleware/measure";
import { createQueryCredentials, type QueryCredentialOptions } from "./middleware/query-credentials";
import type { DeadLetters } from "./admin/dead-letters";
import { batchRoutes } from "./routes/batches/route";
import { consoleRoutes, type ConsoleRouteOptions } from "./console/route";
import { explainRoutes, type ExplainRouteOptions } from "./routes/explain/route";
import { deadLetterRoutes } from "./routes/dead-letters/route";
import { docsRoutes } from "./routes/public/docs";
import { fetchRoutes } from "./routes/fetches/route";
import { manifestRoutes } from "./routes/public/manifest";
import { metricRoutes, type MetricRouteOptions } from "./routes/health/metrics";
import { notificationRoutes, type NotificationRouteOptions } from "./routes/notifications/route";
import { healthRoutes, type HealthRouteOptions } from "./routes/health/route";
import { operationRoutes, type OperationRouteOptions } from "./routes/operations/route";
import { runRoutes } from "./routes/runs/route";
import { schemaRoutes, type SchemaRouteOptions } from "./routes/schema/route";
import { statusRoutes, type StatusRouteOptions } from "./routes/status/route";

/** What fetches, batches and their runs need beyond what notifications need. */
export interface OnDemandOptions<S>
  extends Pick<QueryCredentialOptions<S>, "tokenKey" | "now">, Pick<AuthenticatorOptions<S>, "loginLimits"> {
  readonly runs: Pick<Runs<S>, "fetch" | "batch">;
  /** Where extracts may be downloaded from: HULL_ALLOWED_EXTRACT_HOSTS. */
  readonly extractHosts: HostAllowList;
}

export interface AppOptions<S>
  extends
    Omit<NotificationRouteOptions<S>, "authenticator" | "bodies" | "credentials">,
    Omit<AuthenticatorOptions<S>, "loginLimits" | "now" | "source">,
    Pick<OperationRouteOptions<S>, "remember">,
    HealthRouteOptions,
    MetricRouteOptions {
  readonly service: DescribedService<S>;
  readonly logger: Logger;
  readonly trustProxy: number | string | boolean;
  readonly onDemand: OnDemandOptions<S>;
  readonly explaining: Pick<ExplainRouteOptions<S>, "explain">;
  /** Whose pages may use the internal API: CORS_ORIGINS. */
  readonly corsOrigins: readonly string[];
  /** Health of a connector. */
  readonly health: StatusRouteOptions<S>["health"];
  readonly reportStatus: StatusRouteOptions<S>["report"];
  /** Fields to choose from in the settings. */
  readonly fields: SchemaRouteOptions<S>["fields"];
  readonly deadLetters: DeadLetters;
  readonly console: Pick<ConsoleRouteOptions<S>, "budget" | "formKey" | "partWithinMs">;
}

export function createApp<S>(options: AppOptions<S>): Express {
  const { store, service, onDemand, health, fields, logger } = options;
  const { face } = service;
  const authenticator = createAuthenticator({ ...options, ...onDemand, source: face.manifest.source });
  const bodies = createBodies();
  const app = express();
  app.set("trust proxy", options.trustProxy);
  // An answer to a notification is not cached, so hashing it for an ETag would be wasted.
  app.set("etag", false);
  const secured = helmet();
  // Over plain HTTP browsers ignore it, and on a tunnel to localhost it would force https for that whole host name.
  const plain = helmet({ strictTransportSecurity: false });
  app.use((request, response, next) => (request.secure ? secured : plain)(request, response, next));
  app.use((_request, response, next) => {
    // An open connection must not keep the process from ending.
    if (!options.accepting()) response.set("Connection", "close");
    next();
  });
  app.use(healthRoutes(options));
  app.use(metricRoutes(options));
  app.use(manifestRoutes(face));
  app.use(docsRoutes(service));
  app.use("/smart-notifier", measured(options.metrics));
  app.use(notificationRoutes({ ...options, authenticator, bodies }));
  const byQuery = createQueryCredentials({ ...onDemand, authenticator });
  const byLogin = createBasicAuth(authenticator, options.corsOrigins);
  app.use(fetchRoutes({ ...onDemand, service, authenticate: byQuery }));
  app.use(batchRoutes({ ...onDemand, bodies, authenticate: byQuery }));
  app.use("/api/internal", cors(options.corsOrigins));
  app.use(runRoutes({ store, authenticate: byLogin }));
  const { answerWithinMs } = options;
  app.use(
    explainRoutes({ ...options.explaining, serviceTitle: face.title, bodies, answerWithinMs, authenticate: byLogin }),
  );
  app.use(operationRoutes({ ...options, bodies, authenticate: byLogin }));
  app.use(statusRoutes({ health, report: options.reportStatus, authenticate: byQuery, logger }));
  app.use(schemaRoutes({ fieldLists: face.fieldLists, fields, authenticate: byQuery, logger }));
  app.use(deadLetterRoutes({ service, deadLetters: options.deadLetters, authenticate: byLogin }));
  const { now } = onDemand;
  app.use(consoleRoutes({ ...options, ...options.explaining, ...options.console, face, now, authenticate: byLogin }));
  app.use(notFound());
  app.use(errorAnswers(logger));
  return app;
}
