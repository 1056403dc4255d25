/**
 * `POST /batch` and `POST /batch-accounts`: Hull offers a file of users or accounts to be sent whatever filters say. It
 * is answered once the order is on disk; Hull never asks again, so nothing after that may lose it.
 */
import { Router } from "express";
import { z } from "zod";
import type { BatchOrder, Runs } from "../../../src/engine/runs/orders";
import type { HostAllowList } from "../../../src/http/guards/hosts";
import { ExtractError } from "../../../src/hull/extract/error";
import { assertLink } from "../../../src/hull/extract/link";
import type { Bodies } from "../../bodies";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { badInput, readInput } from "../../middleware/input";
import { readRunParameters } from "../runs/options";

export interface BatchRouteOptions<S> {
  readonly runs: Pick<Runs<S>, "batch">;
  readonly authenticate: Authenticate<S>;
  readonly bodies: Bodies;
  /** Where extracts may be downloaded from. */
  readonly extractHosts: HostAllowList;
}

/** The request also contains the whole segments with their queries; the rows do not. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;
const MAX_LINK_LENGTH = 16_384;

const ROUTES = { "/batch": "user", "/batch-accounts": "account" } as const;
const ENTITIES = { user_report: "user", account_report: "account" } as const;

const WORDS = {
  code: "invalid_batch",
  problem: "The batch cannot be accepted",
  remedies: {
    "(body)": "Post a JSON object with url, format and object_type.",
    url: "Send the address of the extract as Hull made it.",
    format: "Send json (one object a line, or all in one list) or csv.",
    object_type: "Send user_report or account_report, or leave it out.",
  },
};

const NOT_A_LINK = `must be an address of at most ${MAX_LINK_LENGTH} characters`;

/** Whole segments are in the request too; rows name theirs by id, so they are not needed. */
export const batchBody = z.looseObject(
  {
    url: z
      .string({ error: missingOr(NOT_A_LINK) })
      .max(MAX_LINK_LENGTH, NOT_A_LINK)
      .meta({ description: "The address of the extract as Hull made it." }),
    format: z
      .enum(["json", "csv"], { error: missingOr("must be json or csv") })
      .meta({ description: "JSON objects, one a line or all in one list; or CSV with a header." }),
    object_type: z
      .enum(["user_report", "account_report"], "must be user_report or account_report")
      .nullish()
      .meta({ description: "What the rows are; by default the path decides." }),
  },
  "must be an object",
);

export const batchAnswer = z.object({
  ok: z.literal(true),
  run: z.string().meta({ description: "The id of the run." }),
});

/** 200 `{ok: true, run: <id>}`; both paths take both kinds, `object_type` decides. */
export function batchRoutes<S>({ runs, authenticate, bodies, extractHosts }: BatchRouteOptions<S>): Router {
  const router = Router();

  for (const [path, usual] of Object.entries(ROUTES)) {
    router.post(path, async (request, response) => {
      const tenant = await authenticate(request);
      const { options, segmentId } = readRunParameters(request.query);
      const body = await bodies.read(request, tenant.key, MAX_BODY_BYTES, "send url, format and object_type alone");
      const { url, format, object_type } = readInput(batchBody, body, WORDS);
      const entity = object_type === undefined || object_type === null ? usual : ENTITIES[object_type];
      const order: BatchOrder = { url, format, entity, segmentIds: segmentId === undefined ? [] : [segmentId] };
      try {
        assertLink(url, extractHosts);
        const run = await runs.batch(tenant, order, options);
        response.set("cache-control", "no-store").json({ ok: true, run: run.id });
      } catch (error) {
        throw isForbiddenLink(error) ? badInput(WORDS, [{ path: ["url"], message: refusalOf(error) }]) : error;
      }
    });
    router.all(path, otherMethods("POST"));
  }
  return router;
}

function isForbiddenLink(error: unknown): error is ExtractError {
  return error instanceof ExtractError && error.kind === "forbidden_url";
}

/** The message names host and path, never the query, which holds the link's signature. */
function refusalOf({ message }: ExtractError): string {
  return `is refused. ${message.replace(/\.$/, "")}`;
}

function missingOr(problem: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined || input === null ? "is missing" : problem);
}
