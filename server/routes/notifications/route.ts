/** `POST /smart-notifier`: Hull's notifications, answered within Hull's timeout, and only when safe on disk. */
import pick from "lodash/pick";
import { Router, type Request } from "express";
import type { Intake } from "../../../src/engine/intake/intake";
import type { DeliveryWorker } from "../../../src/engine/delivery/worker";
import type { Tenant, Tenants } from "../../../src/engine/tenants";
import { withTimeout } from "../../../src/engine/rules/timeout";
import type { CredentialCheck } from "../../../src/hull/auth/credentials";
import { parseConfiguration, parseNotification, type Notification } from "../../../src/hull/protocol/notification";
import { OTHER_NOTIFICATION, type SignatureVerifier } from "../../../src/hull/auth/signature";
import type { Disk } from "../../../src/storage/port/disk";
import { ForeignNotification, TenantErased } from "../../../src/storage/port/leases";
import type { Store } from "../../../src/storage/port/store";
import type { Bodies } from "../../bodies";
import { ACKNOWLEDGED, NEXT, paced, RETRY, RETRY_LATER, SMALLER, type FlowControl } from "../../flow-control";
import { HttpError, refuse } from "../../http-error";
import { refusalAnswer, type Authenticator, type Refusal, type Visitor } from "../../middleware/authentication";
import { isId, NOT_AN_ID, type ErrorDetail } from "../../../src/input";
import { bound } from "../../../src/tracing";
import { createJoin } from "./repetitions";

export interface NotificationRouteOptions<S> {
  readonly store: Store;
  readonly disk: Pick<Disk, "assertRoom" | "assertWritable">;
  readonly tenants: Pick<Tenants<S>, "keyOf">;
  readonly authenticator: Authenticator<S>;
  readonly bodies: Bodies;
  readonly intake: Intake<S>;
  readonly deliveryWorker: DeliveryWorker;
  /** Erases the users that the messages of a `user:delete` name. */
  readonly forget: (tenant: Tenant<S>, messages: readonly unknown[]) => Promise<void>;
  readonly credentials: Pick<CredentialCheck, "forget">;
  readonly signature: SignatureVerifier;
  /** Whether notifications without a signature are refused. */
  readonly requireSignature: boolean;
  readonly maxOutbox: number;
  /** Longest time until an answer, milliseconds; Hull waits 25 s. */
  readonly answerWithinMs: number;
}

/** Hull sends as many as it was told to, 200 at most; far more would delay everybody else. */
const MAX_MESSAGES = 5_000;
/** The same again, with as many messages as a shipment should have. */
const NEXT_SIZE: FlowControl = { ...RETRY, size: NEXT.size, in: SMALLER.in };

export function notificationRoutes<S>(options: NotificationRouteOptions<S>): Router {
  const { store, authenticator, intake, deliveryWorker, maxOutbox } = options;
  const router = Router();
  const join = createJoin<FlowControl>();

  router.post("/smart-notifier", async (request, response) => {
    // Work in progress continues, and the retry finds it done.
    const flowControl = await withTimeout(options.answerWithinMs, handle(request));
    if (flowControl === undefined) {
      throw refuse(503, "too_slow", "The notification could not be stored in time; send it again.");
    }
    response.status(200).json({ flow_control: flowControl });
  });
  return router;

  async function handle(request: Request): Promise<FlowControl> {
    const signedId = await signedIdOf(request);
    const body = await readBody(request, signedId !== undefined);
    // For metrics. The body itself would be kept as long as the request.
    request.body = pick(body, "channel");
    const notification = readEnvelope(body);
    const visitor = await authenticator.enter(request, notification.configuration, refusal);
    if (signedId !== undefined && signedId !== notification.notification_id) {
      throw refuse(400, "signature_other_notification", OTHER_NOTIFICATION);
    }
    if (notification.messages.length > MAX_MESSAGES) {
      const message = `The shipment holds more than ${MAX_MESSAGES} messages; send fewer at a time.`;
      throw new HttpError(413, "too_large", message, NEXT_SIZE);
    }
    // Before anything of it is written. Settings and erasures make nothing grow.
    if (entityOf(notification) === undefined) options.disk.assertWritable();
    else options.disk.assertRoom();
    const key = options.tenants.keyOf(visitor.credentials);
    if (!(await isOwn(notification, key))) throw foreign();
    return join(key, notification, () => carryOut(notification, visitor));
  }

  /** Whether no other connector used its id. What takes in messages claims it then, the rest claims it at once. */
  function isOwn(notification: Notification, key: string): Promise<boolean> {
    const { notification_id: id, messages } = notification;
    const isLater = entityOf(notification) !== undefined && messages.length > 0;
    return isLater ? store.mayUseNotification(id, key) : store.claimNotification(id, key);
  }

  /** Does what a notification of a known sender asks for; resolves when that is done, or safe on disk. */
  async function carryOut(notification: Notification, visitor: Visitor): Promise<FlowControl> {
    const { connector, channel } = notification;
    // Cached settings are out of date, for this request and for later ones.
    if (channel === "ship:update") options.credentials.forget(visitor.credentials);
    const tenant = await authenticator.rememberNotified(visitor, connector, refusal);
    const entity = entityOf(notification);
    if (entity === undefined) {
      if (channel === "ship:update") await release(tenant);
      if (channel === "user:delete") await options.forget(tenant, notification.messages);
      return ACKNOWLEDGED;
    }
    let depth = 0;
    const admit = async (): Promise<void> => {
      depth = await depthOf(tenant);
      if (depth < maxOutbox) return;
      throw new HttpError(503, "outbox_full", `${depth} records wait for delivery; try again later.`, RETRY_LATER);
    };
    const { messages, is_export: isExport, notification_id: id } = notification;
    try {
      await intake.take({ tenant, entity, messages, isExport, notification: id, admit });
    } catch (error) {
      if (error instanceof ForeignNotification) throw foreign();
      if (!(error instanceof TenantErased)) throw error;
      throw refuse(503, "connector_erased", "The connector was erased meanwhile; send the notification again.");
    }
    return paced(depth, maxOutbox);
  }

  /** The sender named in the body is confirmed while the rest arrives; a refused body is read no further. */
  async function readBody(request: Request, vouched: boolean): Promise<unknown> {
    const judge = bound((text: string, isKnown: (owner: string) => void): Promise<string> | undefined => {
      const given = parseConfiguration(text);
      // An invalid id is reported when the whole body is read.
      if (given === undefined || !isId(given.id) || !isId(given.organization)) return undefined;
      const entered: Promise<Visitor> = authenticator.enter(request, given, refusal, isKnown);
      return entered.then(({ credentials }) => options.tenants.keyOf(credentials));
    });
    const read = await options.bodies.readUnknown(request, {
      member: "configuration",
      judge,
      vouched,
      list: "messages",
    });
    if (read !== undefined) return read.body;
    throw unreadable([
      {
        path: "configuration",
        message: "is missing or cannot be read",
        remedy: "Send configuration as {id, organization, secret} of the installed connector.",
      },
    ]);
  }

  /**
   * Checks the signature, if there is one; it must be valid in addition to the credentials.
   * @returns the notification id that it covers; undefined where there is none
   * @throws HttpError when it is invalid, or missing although required
   */
  async function signedIdOf(request: Request): Promise<string | undefined> {
    const verdict = await options.signature.verify(request.headers);
    if ("absent" in verdict) {
      if (!options.requireSignature) return undefined;
      throw refuse(401, "signature_missing", "Notifications must be signed here: those who run this server demand it.");
    }
    if (verdict.ok) return verdict.notificationId;
    if (verdict.reason === "unavailable") throw refuse(503, "signature_unavailable", verdict.message);
    throw refuse(400, `signature_${verdict.reason}`, verdict.message);
  }

  async function release(tenant: Tenant<S>): Promise<void> {
    if (tenant.remote !== undefined) await deliveryWorker.release({ remote: tenant.remote, tenant: tenant.key });
  }

  async function depthOf(tenant: Tenant<S>): Promise<number> {
    if (tenant.remote === undefined) return 0;
    return (await store.depth({ remote: tenant.remote, tenant: tenant.key })).outbox;
  }
}

const foreign = (): HttpError =>
  refuse(401, "foreign_notification", "This notification id belongs to another connector.");

function entityOf({ channel }: Notification): "user" | "account" | undefined {
  return channel === "user:update" ? "user" : channel === "account:update" ? "account" : undefined;
}

function readEnvelope(body: unknown): Notification {
  const parsed = parseNotification(body);
  if (!parsed.ok) throw unreadable(parsed.problems);
  const { notification_id, configuration } = parsed.notification;
  const ids = [
    ["notification_id", notification_id],
    ["configuration.id", configuration.id],
    ["configuration.organization", configuration.organization],
  ] as const;
  for (const [path, id] of ids) {
    if (isId(id)) continue;
    const detail = { path, message: NOT_AN_ID, remedy: "Send it as Hull shows it." };
    throw refuse(400, "invalid_notification", `${path} ${NOT_AN_ID}.`, { details: [detail] });
  }
  return parsed.notification;
}

function unreadable(details: readonly ErrorDetail[]): HttpError {
  const named = details.map(({ path, message }) => `${path} ${message}`).join("; ");
  return refuse(400, "invalid_notification", `The notification cannot be read: ${named}.`, { details });
}

function refusal(refused: Refusal): HttpError {
  return refusalAnswer(refused.reason === "other_kind" ? 403 : 401, refused);
}
