/** The OpenAPI 3.1 document of the whole server, assembled from the part of each group of routes. */
import mapValues from "lodash/mapValues";
import omit from "lodash/omit";
import pickBy from "lodash/pickBy";
import { z } from "zod";
import { adminPart } from "../admin/openapi";
import { alertPart } from "../routes/alerts/openapi";
import { authorizationPart } from "../routes/authorization/openapi";
import { batchPart } from "../routes/batches/openapi";
import { commonSchemas, HEADERS, SECURITY_SCHEMES } from "./common";
import { consolePart } from "../console/openapi";
import { deadLetterPart } from "../routes/dead-letters/openapi";
import { explainPart } from "../routes/explain/openapi";
import { fetchPart } from "../routes/fetches/openapi";
import { notificationPart } from "../routes/notifications/openapi";
import { mountOf } from "../../src/services";
import type { Service } from "../../src/services/service";
import { healthPart } from "../routes/health/openapi";
import { operationParts } from "../routes/operations/openapi";
import { SENT, type Operation, type Part, type PathItem, type Piece } from "./part";
import { publicPart } from "../routes/public/openapi";
import { fill, type SpokenService } from "./words";
import { isForLogins, orProblem, SHARED_RESPONSES } from "./refusals";
import { outcomePart } from "../routes/outcomes/openapi";
import { runPart } from "../routes/runs/openapi";
import { schemaPart } from "../routes/schema/openapi";
import { statusPart } from "../routes/status/openapi";

/** What is described of a service. */
export type DescribedService<S> = SpokenService<S> & Pick<Service<S>, "operations" | "name" | "authorization">;

/** In the order of the page. A new group of routes adds its part here; a test compares the document with the app. */
const partsOf = <S>(service: DescribedService<S>): readonly Part[] => [
  notificationPart,
  fetchPart(service),
  batchPart,
  runPart,
  deadLetterPart,
  outcomePart,
  alertPart,
  explainPart,
  ...operationParts(service.operations),
  statusPart,
  ...(service.authorization === undefined ? [] : [authorizationPart]),
  schemaPart(service.face.fieldLists),
  consolePart,
  publicPart,
  // What is not about one service is described where the root is.
  ...(mountOf(service.name) === "" ? [healthPart, adminPart] : []),
];

/** All schemas that paths refer to, by name; none is named twice. */
export function schemasOf<S>(service: DescribedService<S>): ReadonlyMap<string, z.ZodType> {
  const all = [commonSchemas, ...partsOf(service).map(({ schemas }) => schemas)];
  return new Map(all.flatMap((schemas) => Object.entries<z.ZodType>(schemas)));
}

export function describeApi<S>(service: DescribedService<S>): Piece {
  const parts = partsOf(service);
  const { title, manifest } = service.face;
  const { version, description } = manifest;
  const paths = Object.fromEntries(
    parts.flatMap(({ tag, paths: own }) => Object.entries(mapValues(own, (item) => tagged(tag.name, item)))),
  );
  const document = {
    openapi: "3.1.1",
    info: { title: `Hull ${title} connector`, version, description, license: { name: "MIT", identifier: "MIT" } },
    // Relative to this document, wherever the server is reached.
    servers: [{ url: mountOf(service.name) || "/" }],
    tags: parts.map(({ tag }) => tag),
    paths,
    components: {
      schemas: jsonSchemas(schemasOf(service)),
      responses: sharedBy(paths),
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
  return fill(document, service);
}

/** The shared refusals that some operation uses unchanged. */
function sharedBy(paths: Piece): Piece {
  const text = JSON.stringify(paths);
  const used = pickBy(SHARED_RESPONSES, (_response, name) => text.includes(`"#/components/responses/${name}"`));
  return mapValues(used, (response, name) => withHeaders(response, isForLogins(name)));
}

function tagged(tag: string, item: PathItem): Piece {
  return mapValues(item, (value) => (typeof value === "object" ? { tags: [tag], ...answered(value) } : value));
}

/** What all routes answer alike, and all behind a log-in; Hull's own have credentials in the address or in the body. */
function answered(operation: Operation): Operation {
  const isLogin = operation.security.some((each) => "connector" in each || "adminToken" in each);
  const responses = isLogin ? mapValues(operation.responses, orProblem) : operation.responses;
  return { ...operation, responses: mapValues(responses, (each) => withHeaders(each, isLogin)) };
}

function withHeaders(response: Piece, isLimited: boolean): Piece {
  if ("$ref" in response) return response;
  const limits = { RateLimit: refHeader("RateLimit"), "RateLimit-Policy": refHeader("RateLimitPolicy") };
  const own = response["headers"] as Piece | undefined;
  return { ...response, headers: { ...own, "X-Request-Id": refHeader("RequestId"), ...(isLimited && limits) } };
}

const refHeader = (name: keyof typeof HEADERS): Piece => ({ $ref: `#/components/headers/${name}` });

/** zod's JSON schemas; nested ones become references. */
function jsonSchemas(named: ReadonlyMap<string, z.ZodType>): Piece {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of named) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { ...SENT, uri: (id) => `#/components/schemas/${id}` });
  return mapValues(schemas, (schema) => omit(schema, ["$schema", "$id"]));
}
