/** The HTTP edge, assembled from its parts; no I/O at import. */
import express, { Router, type Express, type RequestHandler } from "express";
import helmet from "helmet";
import type { Logger } from "pino";
import type { Runs } from "../src/engine/runs/orders";
import { DiskError, REDIS_LOST } from "../src/storage/port/disk";
import type { HostAllowList } from "../src/http/guards/hosts";
import { mountOf } from "../src/services";
import type { Service } from "../src/services/service";
import type { DescribedService } from "./openapi/document";
import type { Metrics } from "./metrics";
import { createBasicAuth } from "./middleware/basic-auth";
import { cors } from "./middleware/cors";
import { createAuthenticator, type AuthenticatorOptions } from "./middleware/authentication";
import { errorAnswers, notFound, showForHull } from "./middleware/errors";
import { measured } from "./middleware/measure";
import { traced } from "./middleware/trace";
import { requestIds } from "./middleware/request-id";
import { createQueryCredentials, type QueryCredentialOptions } from "./middleware/query-credentials";
import type { DeadLetters } from "./admin/dead-letters";
import { alertRoutes, type AlertRouteOptions } from "./routes/alerts/route";
import { authorizationRoutes, type AuthorizationRouteOptions } from "./routes/authorization/route";
import { batchRoutes } from "./routes/batches/route";
import { consoleRoutes, type ConsoleRouteOptions } from "./console/route";
import { explainRoutes, type ExplainRouteOptions } from "./routes/explain/route";
import { deadLetterRoutes } from "./routes/dead-letters/route";
import { docsRoutes } from "./routes/public/docs";
import { serverHome, serviceHome, type Presented } from "./routes/public/home";
import { fetchRoutes } from "./routes/fetches/route";
import { manifestRoutes } from "./routes/public/manifest";
import { metricRoutes, type MetricRouteOptions } from "./routes/health/metrics";
import { notificationRoutes, type NotificationRouteOptions } from "./routes/notifications/route";
import { healthRoutes, type HealthRouteOptions } from "./routes/health/route";
import { createOnce, type IdempotencyOptions } from "./routes/operations/idempotency";
import { operationRoutes, type OperationRouteOptions } from "./routes/operations/route";
import { outcomeRoutes } from "./routes/outcomes/route";
import { runRoutes } from "./routes/runs/route";
import { schemaRoutes, type SchemaRouteOptions } from "./routes/schema/route";
import { statusRoutes, type StatusRouteOptions } from "./routes/status/route";

/** What fetches and batches need, and what every log-in needs. */
export interface OnDemandOptions<S>
  extends Pick<QueryCredentialOptions<S>, "tokenKey" | "now">, Pick<AuthenticatorOptions<S>, "logins"> {
  readonly runs: Pick<Runs<S>, "fetch" | "batch" | "replay" | "stop">;
  /** Where extracts may be downloaded from: HULL_ALLOWED_EXTRACT_HOSTS. */
  readonly extractHosts: HostAllowList;
}

/** Of a process that may not use the store. */
export interface WaitingOptions extends Pick<HealthRouteOptions, "accepting"> {
  /** Why not, a sentence. */
  readonly why: () => string | undefined;
  readonly logger: Logger;
}

/** Answers as if the store were lost, but says why on `/ready`. */
export function createWaitingApp({ why, accepting, logger }: WaitingOptions): Express {
  const lost = () => new DiskError(why() ?? "The store is not open.", REDIS_LOST);
  const app = express();
  app.use(requestIds(), helmet());
  app.use(
    healthRoutes({
      store: { ping: () => Promise.reject(lost()) },
      disk: { trouble: () => lost().message },
      warnings: () => Promise.resolve([]),
      accepting,
    }),
  );
  app.use(() => {
    throw lost();
  });
  app.use(errorAnswers(logger, showForHull));
  return app;
}

/** What is the same for all services. */
export interface AppOptions extends HealthRouteOptions, MetricRouteOptions {
  readonly logger: Logger;
  readonly trustProxy: number | string | boolean;
  /** `/admin` behind its gate; absent without ADMIN_TOKEN. */
  readonly admin?: RequestHandler | undefined;
}

export interface ServiceRouteOptions<S>
  extends
    Omit<NotificationRouteOptions<S>, "authenticator" | "credentials" | "tenants">,
    Omit<AuthenticatorOptions<S>, "logins" | "now" | "source">,
    Pick<OperationRouteOptions<S>, "remember" | "authOf">,
    Pick<IdempotencyOptions, "seal">,
    Pick<AuthorizationRouteOptions<S>, "authorizations" | "publicUrl"> {
  readonly service: DescribedService<S> & Pick<Service<S>, "name" | "outcomes" | "recordLink" | "fetchPolicy">;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onDemand: OnDemandOptions<S>;
  readonly explaining: Pick<ExplainRouteOptions<S>, "explain">;
  readonly answerWithinMs: number;
  /** Whose pages may use the internal API: CORS_ORIGINS. */
  readonly corsOrigins: readonly string[];
  /** Health of a connector. */
  readonly health: StatusRouteOptions<S>["health"];
  readonly reportStatus: StatusRouteOptions<S>["report"];
  /** Fields to choose from in the settings. */
  readonly fields: SchemaRouteOptions<S>["fields"];
  readonly deadLetters: DeadLetters;
  readonly testAlert: AlertRouteOptions<S>["test"];
  readonly console: Pick<ConsoleRouteOptions<S>, "budget" | "formKey" | "partWithinMs">;
}

/** Everything that one service offers, wherever it is mounted. */
export function serviceRoutes<S>(options: ServiceRouteOptions<S>): Router {
  const { store, service, bodies, onDemand, health, fields, logger, answerWithinMs } = options;
  const { face } = service;
  const { now } = onDemand;
  const authenticator = createAuthenticator({ ...options, ...onDemand, source: face.manifest.source });
  const byQuery = createQueryCredentials({ ...onDemand, authenticator });
  const byLogin = createBasicAuth(authenticator, options.corsOrigins);
  const shown = {
    mount: mountOf(service.name),
    ...options.explaining,
    service,
    serviceTitle: face.title,
    face,
    now,
    authenticate: byLogin,
  };
  const router = Router();
  router.use(serviceHome(service));
  router.use(manifestRoutes(face, mountOf(service.name)));
  router.use(docsRoutes(service));
  router.use(
    Router()
      .use("/smart-notifier", measured(options.metrics, service.name))
      .use(notificationRoutes({ ...options, authenticator }))
      .use(fetchRoutes({ ...onDemand, service, authenticate: byQuery }))
      .use(batchRoutes({ ...onDemand, bodies, authenticate: byQuery }))
      .use(statusRoutes({ health, report: options.reportStatus, authenticate: byQuery, logger }))
      .use(schemaRoutes({ fieldLists: face.fieldLists, fields, authenticate: byQuery, logger }))
      // Hull's own routes: whatever it says that it reads.
      .use(errorAnswers(logger, showForHull)),
  );
  router.use(
    "/api/internal",
    cors(
      options.corsOrigins,
      service.operations.map(({ method }) => method),
    ),
  );
  router.use(runRoutes({ store, runs: onDemand.runs, authenticate: byLogin }));
  router.use(outcomeRoutes({ store, service, authenticate: byLogin }));
  router.use(explainRoutes({ ...shown, bodies, answerWithinMs }));
  const once = createOnce({ store, seal: options.seal, now, logger });
  router.use(operationRoutes({ ...options, once, budget: options.console.budget, authenticate: byLogin }));
  if (service.authorization !== undefined) {
    const site = { mount: mountOf(service.name), title: face.title };
    router.use(authorizationRoutes({ ...options, site, missing: face.missingToken, byQuery, byLogin }));
  }
  router.use(alertRoutes({ test: options.testAlert, authenticate: byLogin }));
  router.use(deadLetterRoutes({ service, deadLetters: options.deadLetters, authenticate: byLogin }));
  router.use(consoleRoutes({ ...options, ...shown, ...options.console, runs: onDemand.runs }));
  return router;
}

/** @param services each under its path, and that of the root at the root as well; empty in a worker */
export function createApp(
  options: AppOptions,
  services: readonly (Presented & { readonly routes: Router })[],
): Express {
  const app = express();
  app.set("trust proxy", options.trustProxy);
  // An answer to a notification is not cached, so hashing it for an ETag would be wasted.
  app.set("etag", false);
  app.use(requestIds());
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
  app.use(traced(services.map(({ name }) => name)));
  if (options.admin !== undefined) app.use(options.admin);
  for (const { name, routes } of services) app.use(`/${name}`, routes);
  if (services.length > 0) app.use(serverHome(services));
  for (const { name, routes } of services) if (mountOf(name) === "") app.use(routes);
  app.use(notFound());
  app.use(errorAnswers(options.logger));
  return app;
}
