/**
 * `/api/internal/…`: what people and programs may call through us, as the service declares it
 * (`src/services/operations.ts`). Each call is made with the stored credentials of the connector that logs in.
 */
import { Router, type Request, type RequestHandler, type Response } from "express";
import groupBy from "lodash/groupBy";
import type { Logger } from "pino";
import type { Tenant } from "../../../src/engine/tenants";
import type { AuthProvider } from "../../../src/http/auth";
import type { Asker, Input, Operation, OperationAnswer, Touched } from "../../../src/services/operations";
import { OperationError } from "../../../src/services/operations";
import type { Service } from "../../../src/services/service";
import type { Disk } from "../../../src/storage/port/disk";
import type { Bodies } from "../../bodies";
import type { BudgetLeft } from "../../console/sections/backlog";
import { HttpError, refuse } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { badInput, readInput } from "../../middleware/input";
import { setRateLimit } from "../../middleware/rate-limits";
import { requestContext } from "../../middleware/request-id";
import { KEY_HEADER, keyIn, takesKey, REPEATED_HEADER, type Once } from "./idempotency";

export interface OperationRouteOptions<S> {
  readonly service: Pick<Service<S>, "operations" | "face">;
  readonly authenticate: Authenticate<S>;
  readonly disk: Pick<Disk, "assertWritable">;
  /** The tokens that a person granted a tenant. */
  readonly authOf?: (tenant: Pick<Tenant<S>, "key" | "account">) => AuthProvider;
  readonly bodies: Bodies;
  readonly once: Once;
  /** What is left of the tenant's request budget; undefined before the first request. */
  readonly budget: (tenant: Tenant<S>) => Promise<BudgetLeft | undefined>;
  readonly logger: Logger;
  /** What is known of these records of the tenant may be out of date. Called before the answer goes out. */
  readonly remember?: (tenant: Tenant<S>, touched: readonly Touched[]) => Promise<void>;
}

type AnyInput = Input<unknown, unknown, unknown>;

const VERBS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;

/** An answer that is sent as the service gave it may be a page; it runs nothing here. */
const NO_PAGE = "default-src 'none'; sandbox";

export function operationRoutes<S>(options: OperationRouteOptions<S>): Router {
  const router = Router();
  for (const [template, operations] of Object.entries(groupBy(options.service.operations, ({ path }) => path))) {
    const path = `/api/internal${template.replaceAll(/\{(\w+)\}/g, ":$1")}`;
    for (const operation of operations) router[VERBS[operation.method]](path, handlerOf(operation, options));
    // Before the next path, which may fit as well: `/users/{userId}` takes no method for `/users/meta`.
    const methods = operations.map(({ method }) => (method === "GET" ? "GET, HEAD" : method));
    router.all(path, otherMethods(methods.join(", ")));
  }
  return router;
}

function handlerOf<S>(operation: Operation<S>, options: OperationRouteOptions<S>): RequestHandler {
  return async (request, response) => {
    const tenant = await options.authenticate(request);
    response.set("cache-control", "no-store");
    const context = requestContext(response);
    const call = { operation: operation.id, method: operation.method as string, path: operation.path };
    /** One line for each call that may change something, however it ends; neither query nor body is in it. */
    const audit = (status: number): void => {
      if (operation.method === "GET") return;
      const { organization, id } = tenant.credentials;
      options.logger.info(
        { context: { organization, id, ...context }, data: { ...call, status } },
        "connector.operation",
      );
    };
    const onRepeated = (): void => {
      Object.assign(call, { repeated: true });
      response.set(REPEATED_HEADER, "true");
    };
    let answer;
    try {
      const asker = askerOf(tenant, options);
      const key = takesKey(operation) ? keyIn(request.get(KEY_HEADER)) : undefined;
      const input = await readRequest(operation, asker, request, options.bodies);
      Object.assign(call, operation.audited?.(input));
      assertConfirmed(operation, input, request);
      // What it changes at the service is noted here.
      if (operation.method !== "GET") options.disk.assertWritable();
      const work = () => run(operation, tenant, asker, input, { ...options, context });
      answer = await (
        key === undefined
          ? work()
          : options.once({ tenant: tenant.key, key, request: [operation.id, input], onRepeated, context }, work)
      ).finally(() => showBudget(tenant, response, options));
    } catch (error) {
      const shown = error instanceof OperationError ? refuse(error.status, error.code, error.message, error) : error;
      audit(shown instanceof HttpError ? shown.status : 503);
      throw shown;
    }
    const status = answer.status ?? operation.answer.status ?? 200;
    audit(status);
    send(response.status(status), answer);
  };
}

/** Says how many calls to the service are left, where that is limited and known. */
async function showBudget<S>(
  tenant: Tenant<S>,
  response: Response,
  { budget, logger }: Pick<OperationRouteOptions<S>, "budget" | "logger">,
): Promise<void> {
  try {
    const { limit, left, per } = (await budget(tenant)) ?? { limit: null };
    if (limit === null) return;
    const windowSeconds = per === "hour" ? 3_600 : 60;
    // Every request leaves the window after its length.
    const resetSeconds = left < limit ? windowSeconds : 0;
    setRateLimit(response, { name: "service-requests", quota: limit, windowSeconds, remaining: left, resetSeconds });
  } catch (error) {
    // The answer is worth more than this.
    logger.debug({ context: requestContext(response), err: error }, "connector.request.error");
  }
}

/** @throws HttpError 409 for a connector that cannot reach the service yet */
function askerOf<S>(
  tenant: Tenant<S>,
  { service, authOf }: Pick<OperationRouteOptions<S>, "service" | "authOf">,
): Asker<S> {
  const { key, settings, target, problems } = tenant;
  if (settings === undefined) {
    const message = `The connector's settings cannot be understood; save them again in Hull. ${problems.join(" ")}`;
    throw refuse(409, "invalid_settings", message.trim());
  }
  if (target === undefined) {
    throw refuse(409, "missing_token", service.face.missingToken);
  }
  return { key, settings, target, auth: authOf?.(tenant) };
}

/** @throws HttpError that names every bad field of the first part that has any */
async function readRequest<S>(
  { parameters, query, body }: Operation<S>,
  { key }: Asker<S>,
  request: Request,
  bodies: Bodies,
): Promise<AnyInput> {
  const inPath = parameters && readInput(parameters.schema, request.params, parameters.words);
  const inQuery =
    query &&
    readInput(query.schema, request.query, {
      code: "invalid_query",
      problem: "The query cannot be read",
      remedies: query.remedies,
    });
  if (body === undefined) return { parameters: inPath, query: inQuery, body: undefined };
  // Forms and plain text are not read, since any page may post them without a preflight.
  if (request.is(["application/json", "application/*+json"]) === false) {
    throw refuse(415, "unsupported_media_type", "Send JSON, with content-type: application/json.");
  }
  const sent = await bodies.read(request, key, body.maxBytes, body.smaller);
  return { parameters: inPath, query: inQuery, body: readInput(body.schema, sent, body.words) };
}

/** @throws HttpError 400 when the call destroys something and does not say that this is meant */
function assertConfirmed<S>({ confirm }: Operation<S>, input: AnyInput, { query }: Request): void {
  const value = confirm?.value(input);
  const given = query["confirm"];
  if (confirm === undefined || value === undefined || given === value) return;
  const message = given === undefined ? "is missing" : `does not repeat ${confirm.repeats}`;
  const remedy = `Send confirm=${encodeURIComponent(value)} if it is meant. ${confirm.falls}`;
  const words = { code: "not_confirmed", problem: "This cannot be undone", remedies: { confirm: remedy } };
  throw badInput(words, [{ path: ["confirm"], message }]);
}

/** Runs the operation, and says which records it may have changed, whatever becomes of its answer. */
async function run<S>(
  operation: Operation<S>,
  tenant: Tenant<S>,
  asker: Asker<S>,
  input: AnyInput,
  { remember, logger, context }: Pick<OperationRouteOptions<S>, "remember" | "logger"> & { readonly context: object },
): Promise<OperationAnswer> {
  const note = async (answer?: OperationAnswer): Promise<void> => {
    try {
      const touched = operation.remembers?.(input, answer, asker) ?? [];
      if (touched.length > 0) await remember?.(tenant, touched);
    } catch (error) {
      // The service has done it, so the caller must not hear that it failed.
      logger.error({ context: { operation: operation.id, ...context }, err: error }, "connector.request.error");
    }
  };
  let answer;
  try {
    answer = await operation.run(asker, input);
  } catch (error) {
    if (!(error instanceof OperationError) || error.mayHaveActed) await note();
    throw error;
  }
  await note(answer);
  return answer;
}

function send(response: Response, { body, headers = {} }: OperationAnswer): void {
  // Express would add a charset that the service did not name.
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.set("cache-control", "no-store");
  if (Buffer.isBuffer(body)) response.set("content-security-policy", NO_PAGE).send(body);
  else if (body === undefined) response.end();
  else response.json(body);
}
