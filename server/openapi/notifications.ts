/** `/smart-notifier` described. */
import { z } from "zod";
import { notification } from "../../src/hull/protocol";
import { commonSchemas, FOR_ALL, refusals } from "./common";
import { answer, body, type Part } from "./part";

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

const NEXT = { flow_control: { type: "next", size: 200, in: 5, in_time: 60_000 } };

export const notificationPart: Part = {
  tag: { name: "Notifications", description: "From Hull to Planhat." },
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
          "there is one, must hold in addition. Every answer, an error included, says how Hull should go on.",
        security: FOR_ALL,
        requestBody: body("Notification", EXAMPLE),
        responses: {
          200: answer("Everything is on disk.", "NotificationAnswer", NEXT),
          ...refusals("BadRequest", "Unauthorised", "TooLarge", "Unavailable"),
        },
      },
    },
  },
};
