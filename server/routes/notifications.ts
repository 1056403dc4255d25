/** `POST /smart-notifier`: what Hull tells us, answered within its patience, and only when it is safe on disk. */
import { Router, type Request } from "express";
import type { Intake } from "../../src/engine/intake";
import type { Lanes } from "../../src/engine/lanes";
import { tenantKey, type Tenant, type Tenants } from "../../src/engine/tenants";
import { within } from "../../src/engine/within";
import type { Confirmation, CredentialCheck } from "../../src/hull/credentials";
import { parseInstant } from "../../src/hull/instant";
import { parseNotification, type Notification } from "../../src/hull/protocol";
import type { SignatureVerifier } from "../../src/hull/signature";
import type { Store } from "../../src/storage/store";
import { ACKNOWLEDGED, paced, RETRY, RETRY_LATER, type FlowControl } from "../flow-control";
import { HttpError } from "../http-error";
import { REFUSALS } from "../middleware/confirmed";
import { isId, NOT_AN_ID } from "../middleware/input";

export interface NotificationRouteOptions<S> {
  readonly store: Store;
  readonly tenants: Tenants<S>;
  readonly intake: Intake<S>;
  readonly lanes: Lanes;
  /** Erases the users that the messages of a `user:delete` name. */
  readonly forget: (tenant: Tenant<S>, messages: readonly unknown[]) => Promise<void>;
  readonly credentials: CredentialCheck;
  readonly signature: SignatureVerifier;
  readonly maxOutbox: number;
  /** Longest time until an answer, milliseconds; Hull's patience is 25 s. */
  readonly answerWithinMs: number;
}

export function notificationRoutes<S>(options: NotificationRouteOptions<S>): Router {
  const { store, tenants, intake, lanes, maxOutbox } = options;
  const router = Router();

  router.post("/smart-notifier", async (request, response) => {
    // What was begun goes on, and the repetition finds it done.
    const flowControl = await within(options.answerWithinMs, handle(request));
    if (flowControl === undefined) {
      throw new HttpError(503, "too_slow", "The notification could not be stored in time; send it again.", RETRY);
    }
    response.status(200).json({ flow_control: flowControl });
  });
  return router;

  async function handle(request: Request): Promise<FlowControl> {
    const notification = readEnvelope(request.body);
    await authenticate(request, notification);
    const { configuration, connector, channel } = notification;
    const key = tenantKey(configuration.organization, configuration.id);
    if (!(await store.claimNotification(notification.notification_id, key))) {
      throw new HttpError(
        401,
        "foreign_notification",
        "This notification id belongs to another connector.",
        RETRY_LATER,
      );
    }
    const settingsAtMs = parseInstant(connector.updated_at) ?? 0;
    const tenant = await tenants.remember(configuration, connector.private_settings, settingsAtMs);
    const entity = channel === "user:update" ? "user" : channel === "account:update" ? "account" : undefined;
    if (entity === undefined) {
      if (channel === "ship:update") {
        // What Hull said about the settings before counts no more, neither here nor for those who ask later.
        options.credentials.forget(configuration);
        await release(tenant);
      }
      if (channel === "user:delete") await options.forget(tenant, notification.messages);
      return ACKNOWLEDGED;
    }
    const depth = await depthOf(tenant);
    if (depth >= maxOutbox) {
      throw new HttpError(503, "outbox_full", `${depth} records wait for delivery; try again later.`, RETRY_LATER);
    }
    await intake.take({ tenant, entity, messages: notification.messages, isExport: notification.is_export });
    return paced(depth, maxOutbox);
  }

  /** Hull confirms the credentials; a signature, where there is one, must hold in addition. */
  async function authenticate(request: Request, notification: Notification): Promise<void> {
    const confirmation = await options.credentials.confirm(notification.configuration);
    if (!confirmation.ok) throw refusal(confirmation);
    const verdict = await options.signature.verify(request.headers, notification.notification_id);
    if ("absent" in verdict || verdict.ok) return;
    if (verdict.reason === "unavailable") throw new HttpError(503, "signature_unavailable", verdict.message, RETRY);
    throw new HttpError(400, `signature_${verdict.reason}`, verdict.message, RETRY_LATER);
  }

  async function release(tenant: Tenant<S>): Promise<void> {
    if (tenant.remote !== undefined) await lanes.release({ remote: tenant.remote, tenant: tenant.key });
  }

  async function depthOf(tenant: Tenant<S>): Promise<number> {
    if (tenant.remote === undefined) return 0;
    return (await store.depth({ remote: tenant.remote, tenant: tenant.key })).outbox;
  }
}

function readEnvelope(body: unknown): Notification {
  const parsed = parseNotification(body);
  if (!parsed.ok) {
    const named = parsed.problems.map(({ path, message }) => `${path} ${message}`).join("; ");
    throw new HttpError(
      400,
      "invalid_notification",
      `The notification cannot be read: ${named}.`,
      RETRY_LATER,
      parsed.problems,
    );
  }
  const { notification_id, configuration } = parsed.notification;
  const ids = [
    ["notification_id", notification_id],
    ["configuration.id", configuration.id],
    ["configuration.organization", configuration.organization],
  ] as const;
  for (const [path, id] of ids) {
    if (isId(id)) continue;
    const detail = {
      path,
      message: NOT_AN_ID,
      remedy: "Send it as Hull shows it.",
    };
    throw new HttpError(400, "invalid_notification", `${path} ${detail.message}.`, RETRY_LATER, [detail]);
  }
  return parsed.notification;
}

function refusal(confirmation: Extract<Confirmation, { ok: false }>): HttpError {
  const { reason } = confirmation;
  if (reason === "unavailable") return new HttpError(503, reason, REFUSALS[reason], RETRY);
  return new HttpError(401, reason, REFUSALS[reason], RETRY_LATER);
}
