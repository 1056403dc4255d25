/**
 * `POST /explain`: why is Jane not in the service? The body is a notification as Hull sends it (its `channel`, `messages`
 * and `is_export` count, with the connector's stored settings), or one claim: `email`, `external_id`, `domain` or
 * Hull's `id`. Nothing is written, neither here nor there.
 */
import { Router } from "express";
import { z } from "zod";
import type { Explain, Question } from "../../../src/engine/explain/explain";
import type { Tenant } from "../../../src/engine/tenants";
import { withTimeout } from "../../../src/engine/rules/timeout";
import { refuse } from "../../http-error";
import type { Bodies } from "../../bodies";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { MAX_ID_LENGTH } from "../../../src/input";
import { readInput } from "../../middleware/input";
import { showExplanation } from "./answer";
import type { Meaning } from "./known";

export interface ExplainRouteOptions<S> {
  readonly service: Meaning;
  readonly explain: Explain<S>;
  /** How people call the service. */
  readonly serviceTitle: string;
  readonly authenticate: Authenticate<S>;
  readonly bodies: Bodies;
  readonly answerWithinMs: number;
}

/** What a person asks about at a time; a dry run of more would delay the lane. */
const MAX_MESSAGES = 20;
const MAX_BYTES = 5 * 1024 * 1024;

const ONE_CLAIM = "Send one of email, external_id, domain or id, or a notification with channel and messages.";

const WORDS = {
  code: "invalid_question",
  problem: "The question cannot be read",
  remedies: {
    "(body)": ONE_CLAIM,
    channel: "Send user:update or account:update, as the notification has it.",
    messages: `Send the notification's messages, ${MAX_MESSAGES} at most.`,
    is_export: "Send true or false, or leave it out.",
    entity: "Send user or account, or leave it out.",
    email: "Send the address as Hull shows it.",
    external_id: "Send the external id as Hull shows it.",
    domain: "Send the domain as Hull shows it.",
    id: "Send Hull's id of the user or account.",
  },
};

export const notificationQuestion = z.object({
  channel: z.enum(["user:update", "account:update"], { error: "must be user:update or account:update" }),
  messages: z
    .array(z.unknown(), { error: "must be a list" })
    .min(1, "must hold a message")
    .max(MAX_MESSAGES, `holds more than ${MAX_MESSAGES} messages`),
  is_export: z
    .boolean({ error: "must be true or false" })
    .optional()
    .meta({ description: "Exports ignore the filters." }),
});

const claim = z
  .string({ error: "must be a text" })
  .trim()
  .min(1, "is empty")
  .max(MAX_ID_LENGTH, `is longer than ${MAX_ID_LENGTH} characters`)
  .optional();

const CLAIMS = ["email", "external_id", "domain", "id"] as const;

export const claimQuestion = z
  .object(
    {
      email: claim,
      external_id: claim,
      domain: claim,
      id: claim,
      entity: z.enum(["user", "account"], { error: "must be user or account" }).optional(),
    },
    { error: "must be an object" },
  )
  .refine((given) => CLAIMS.filter((name) => given[name] !== undefined).length === 1, "must name exactly one claim");

/** Either of the two. */
export const question = z.union([notificationQuestion, claimQuestion]);

export function explainRoutes<S>(options: ExplainRouteOptions<S>): Router {
  const { explain, service, serviceTitle, authenticate, bodies, answerWithinMs } = options;
  const router = Router();
  /** Tenants with a question in progress, perhaps one whose caller has given up. */
  const underway = new Set<string>();

  router.post("/explain", async (request, response) => {
    const tenant = await authenticate(request);
    const body = await bodies.read(request, tenant.key, MAX_BYTES, "send fewer or smaller messages");
    const explanation = await withTimeout(
      answerWithinMs,
      oneByOne(tenant.key, () => answer(tenant, body)),
    );
    if (explanation === undefined) throw refuse(503, "too_slow", `${serviceTitle} did not answer in time; try again.`);
    response.set("cache-control", "no-store").json(showExplanation(explanation, service));
  });
  router.all("/explain", otherMethods("POST"));
  return router;

  /** A dry run reads what the delivery reads, with the same quota: more than one at a time would get in its way. */
  async function oneByOne<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (underway.has(key)) {
      const headers = { "retry-after": "2" };
      throw refuse(503, "busy", "Another question of this connector is being answered; ask again in a moment.", {
        headers,
      });
    }
    underway.add(key);
    try {
      return await work();
    } finally {
      underway.delete(key);
    }
  }

  function answer(tenant: Tenant<S>, body: unknown) {
    const isNotification = typeof body === "object" && body !== null && ("messages" in body || "channel" in body);
    if (!isNotification) return explain.entity(tenant, questionOf(readInput(claimQuestion, body, WORDS)));
    const { channel, messages, is_export } = readInput(notificationQuestion, body, WORDS);
    const entity = channel === "user:update" ? "user" : "account";
    return explain.notification({ tenant, entity, messages, isExport: is_export === true });
  }
}

function questionOf({ entity, ...given }: z.output<typeof claimQuestion>): Question {
  const by = CLAIMS.find((name) => given[name] !== undefined) ?? "id";
  return { entity, by, value: given[by] ?? "" };
}
