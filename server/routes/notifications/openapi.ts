/** `/smart-notifier` described. */
import { z } from "zod";
import { notification } from "../../../src/hull/protocol/notification";
import { SIGNATURE_REFUSALS } from "../../../src/hull/auth/signature";
import { NEXT, RETRY_LATER } from "../../flow-control";
import { commonSchemas, FOR_ALL } from "../../openapi/common";
import { answer, body, type Part } from "../../openapi/part";
import { BODY_REFUSALS, errorExample, refusal, refusals } from "../../openapi/refusals";

const EXAMPLE = {
  notification_id: "0a1b2c3d-0000-4000-8000-000000000001",
  channel: "user:update",
  configuration: {
    id: "5f0000000000000000000001",
    organization: "acme.hullapp.io",
    secret: "<the connector's secret>",
  },
  connector: { id: "5f0000000000000000000001", private_settings: {}, updated_at: "2026-03-01T12:00:00Z" },
  segments: [{ id: "5e0000000000000000000001", name: "Customers" }],
  messages: [
    {
      message_id: "m-1",
      user: { id: "bee000000000000000000001", external_id: "person-1", email: "person-1@example.com" },
      account: { id: "acc000000000000000000001", external_id: "acme-1", name: "Acme" },
      segment_ids: ["5e0000000000000000000001"],
      changes: {},
      events: [],
    },
  ],
};

const MISSING = {
  path: "configuration",
  message: "is missing",
  remedy: "Send configuration as {id, organization, secret} of the installed connector.",
};

const REFUSALS = [
  {
    ...refusal(400, "The notification cannot be read; `details` names the fields", "invalid_notification"),
    example: errorExample(
      "invalid_notification",
      "The notification cannot be read: configuration is missing.",
      RETRY_LATER,
      MISSING,
    ),
  },
  refusal(400, "The signature is not valid", ...SIGNATURE_REFUSALS.map((reason) => `signature_${reason}`)),
  "Unauthorised",
  // Elsewhere these two have their own statuses; Hull gets the same answer as for other wrong credentials.
  refusal(401, "Hull says that the organization is disabled", "organization_disabled"),
  refusal(401, "Hull does not know the connector", "connector_not_found"),
  refusal(401, "Signatures are required here, and there is none", "signature_missing"),
  refusal(401, "The notification's id belongs to another connector", "foreign_notification"),
  "OtherKind",
  ...BODY_REFUSALS,
  refusal(413, "The shipment holds too many messages; `size` says how many to send", "too_large"),
  refusal(413, "The body becomes too large when it is unpacked", "too_packed"),
  "TooManyAttempts",
  "Unavailable",
  refusal(503, "The key of the signature could not be fetched; send it again", "signature_unavailable"),
  refusal(503, "It could not be stored in time; send it again", "too_slow"),
  refusal(503, "The outbox is full; send it again later", "outbox_full"),
  refusal(503, "The connector was erased meanwhile; send it again", "connector_erased"),
  "Broken",
] as const;

export const notificationPart: Part = {
  tag: { name: "Notifications", description: "From Hull to {{service}}." },
  schemas: {
    Notification: notification,
    NotificationAnswer: z.object({ flow_control: commonSchemas.FlowControl }),
  },
  paths: {
    "/smart-notifier": {
      post: {
        operationId: "notify",
        summary: "Takes what Hull reports",
        description:
          "Answered when everything is on disk. Credentials are in the body, and Hull confirms them; a signature, where " +
          "there is one, must be valid as well. Every answer, an error included, says how Hull should go on.",
        security: FOR_ALL,
        requestBody: body("Notification", EXAMPLE),
        responses: {
          200: answer("Everything is on disk.", "NotificationAnswer", { flow_control: NEXT }),
          ...refusals(...REFUSALS),
        },
      },
    },
  },
};
