/**
 * `/schema/…`: the lists of fields in the connector's settings. The dashboard asks from a browser, so these routes
 * alone are open to pages of other sites. They answer everybody: without credentials that Hull confirms, the answer is
 * what is public anyway.
 */
import { Router, type Request, type RequestHandler, type Response } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import type { FieldsOf } from "../../../src/engine/status/field-options";
import type { Tenant } from "../../../src/engine/tenants";
import type { FieldUse } from "../../../src/services/connection";
import { HttpError } from "../../http-error";
import type { Authenticate } from "../../middleware/authentication";
import { requestContext } from "../../middleware/request-id";

export interface SchemaRouteOptions<S> {
  /** The lists that there are. */
  readonly fieldLists: readonly string[];
  readonly fields: FieldsOf<S>;
  readonly authenticate: Authenticate<S>;
  /** Called with what went wrong, since the answer is 200 in any case. */
  readonly logger: Logger;
}

/** Follows the table in the path; without it the list is for the outgoing mapping. Hull may add a query. */
const USES: readonly FieldUse[] = ["outgoing", "incoming", "custom"];

export const fieldListAnswer = z.object({
  ok: z.boolean().meta({ description: "Whether there is such a list." }),
  error: z.string().nullable().meta({ description: "What is missing from the list, or why there is none." }),
  options: z.array(z.object({ value: z.string().meta({ description: "{{service}}'s own name." }), label: z.string() })),
});

type FieldListAnswer = z.output<typeof fieldListAnswer>;

const refused = (error: string): FieldListAnswer => ({ ok: false, error, options: [] });
const FAILED = refused("The fields could not be listed: something went wrong on our side. Try again.");

/**
 * GET and POST of `/schema/<one of the lists of the service>`; with `/incoming` or `/custom` behind it, the fields to
 * read, or the tenant's own ones alone. Always 200 `{ok, error, options: [{value, label}]}`.
 */
export function schemaRoutes<S>({ fieldLists, fields, authenticate, logger }: SchemaRouteOptions<S>): Router {
  const router = Router();
  const names = [fieldLists.slice(0, -1).join(", "), ...fieldLists.slice(-1)].filter((name) => name !== "");
  const noList = refused(
    `There is no list of fields here${names.length === 0 ? "" : `; ask for ${names.join(" or ")}`}.`,
  );
  const paths = ["/schema/:table", "/schema/:table/:use"];

  const list = async (request: Request, response: Response): Promise<void> => {
    const answer = await answerTo(request).catch((error: unknown) => {
      logger.error({ context: requestContext(response), err: error }, "connector.schema.error");
      return FAILED;
    });
    response.json(answer);
  };
  router.use("/schema", open);
  router.get(paths, list);
  router.post(paths, list);
  return router;

  async function answerTo(request: Request): Promise<FieldListAnswer> {
    const { table, use: named = "outgoing" } = request.params;
    const use = USES.find((each) => each === named);
    if (use === undefined || typeof table !== "string") return noList;
    const choice = await fields(table, use, () => whoAsks(request));
    if (choice === undefined) return noList;
    const { options, problem } = choice;
    if (problem !== undefined)
      logger.warn({ context: requestContext(request.res), data: { reason: problem } }, "connector.schema.incomplete");
    return { ok: true, error: problem ?? null, options: [...options] };
  }

  async function whoAsks(request: Request): Promise<Tenant<S> | undefined> {
    try {
      return await authenticate(request);
    } catch (error) {
      if (error instanceof HttpError) return undefined;
      throw error;
    }
  }
}

/** For pages of any site, without cookies; preflight requests are answered here. */
const open: RequestHandler = (request, response, next) => {
  response.set({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, POST",
    "access-control-allow-headers": "content-type, accept",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "no-store",
  });
  if (request.method === "OPTIONS") response.status(204).end();
  else next();
};
