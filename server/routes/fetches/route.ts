/**
 * `/fetch/users` and `/fetch/accounts`: Hull's schedule and the dashboard's buttons begin a fetch. They are answered at
 * once; the run continues in the background and can be followed under `/api/internal/runs`.
 */
import { Router } from "express";
import { z } from "zod";
import type { FetchAnswer, Runs } from "../../../src/engine/runs/orders";
import type { Authenticate } from "../../middleware/authentication";
import { instantAnswer, isoOf } from "../../openapi/instants";
import { typeOf } from "../../../src/services/types";
import type { SpokenService } from "../../openapi/words";
import { readRunParameters } from "../runs/options";

export interface FetchRouteOptions<S> {
  readonly service: SpokenService<S>;
  readonly runs: Pick<Runs<S>, "fetch">;
  readonly authenticate: Authenticate<S>;
}

const ENTITIES = { "/fetch/users": "user", "/fetch/accounts": "account" } as const;

const fetchStates = z.discriminatedUnion("state", [
  z.object({ state: z.enum(["begun", "underway"]), run: z.string(), message: z.string() }),
  z.object({ state: z.literal("early"), next_at: instantAnswer, message: z.string() }),
  z.object({ state: z.literal("halted"), message: z.string() }),
]);

export const fetchAnswer = z.intersection(z.object({ ok: z.literal(true) }), fetchStates);

const UNDERWAY =
  "A fetch is under way already and goes on as it was begun; to compare everything, ask again when it has ended.";

/**
 * Any method. 200 `{ok: true, state, message}`, where `state` is `begun` or `underway` (with the id of the `run`),
 * `early` (with `next_at`, the time from which a call begins one) or `halted` (the message says what to mend).
 */
export function fetchRoutes<S>({ service, runs, authenticate }: FetchRouteOptions<S>): Router {
  const router = Router();
  for (const [path, entity] of Object.entries(ENTITIES)) {
    const nothing = { kind: "halted", reason: `${service.face.title} has no records of Hull's ${entity}s.` } as const;
    router.all(path, async (request, response) => {
      const tenant = await authenticate(request);
      const { options, force } = readRunParameters(request.query);
      const isThere = typeOf(service, entity) !== undefined;
      const answer = isThere ? await runs.fetch(tenant, entity, options, force) : nothing;
      response.set("cache-control", "no-store").json({ ok: true, ...shown(answer) });
    });
  }
  return router;
}

function shown(answer: FetchAnswer): z.output<typeof fetchStates> {
  switch (answer.kind) {
    case "begun":
      return { state: "begun", run: answer.run.id, message: "The fetch has begun." };
    case "underway":
      return { state: "underway", run: answer.run.id, message: UNDERWAY };
    case "early": {
      const nextAt = isoOf(answer.nextAtMs);
      // The text that users of the earlier connector look for.
      const message = `Interval between last job and now is less than configured threshold; next time at ${nextAt}.`;
      return { state: "early", next_at: nextAt, message };
    }
    case "halted":
      return { state: "halted", message: answer.reason };
  }
}
