/** Tracked events of a user as Planhat's user activities: which are sent, and what one looks like. Pure. */
import pickBy from "lodash/pickBy";
import type { EntityMessage, TrackedEvent } from "../../message";
import { formOf } from "../../../outcome/outcome";
import { reason } from "../reasons";
import { parseInstant } from "../../../instant";
import type { Json } from "../../../record";
import type { Plan } from "../../model";
import { own, textOf } from "../../mapping/attributes";
import { parentOf, type RecordPlan } from "./mapping";
import { ACTIVITIES } from "../object-types";
import type { PlanhatSettings } from "../settings/settings";

/** Values of the Tracking Filter that stand for every event. */
const EVERYTHING = ["ALL", "all_events"];

/**
 * One record per event of the Tracking Filter.
 *
 * @param user the user's own record: an event is sent only where its user is sent
 */
export function planActivities(message: EntityMessage, settings: PlanhatSettings, user: RecordPlan): readonly Plan[] {
  const { userEvents } = settings;
  const all = userEvents.some((name) => EVERYTHING.includes(name));
  const chosen = message.events.filter((event) => all || userEvents.includes(event.name));
  return chosen.map((event): Plan => {
    const record = { type: ACTIVITIES.name, hullId: event.id };
    if (settings.tenantId === undefined) {
      return { ...record, kind: "end", outcome: "skipped", reasons: [reason("missing_tenant_id")] };
    }
    const atMs = parseInstant(event.createdAt);
    if (atMs === undefined) {
      // Planhat would date it now, and nobody could correct that afterwards.
      const detail = `created_at of the event: ${formOf(event.createdAt)}; send a date such as 2025-01-31T12:00:00Z`;
      return { ...record, kind: "end", outcome: "rejected", reasons: [reason("invalid_date", detail)] };
    }
    return {
      ...record,
      kind: "record",
      desired: { fields: activityOf(event, atMs, message, user), keys: {}, cleared: [], parent: parentOf(user) },
      claims: user.claims,
      warnings: [],
    };
  });
}

function activityOf(
  event: TrackedEvent,
  atMs: number,
  message: EntityMessage,
  { desired }: RecordPlan,
): Record<string, Json> {
  const company = textOf(own(message.account, "external_id"));
  const { name, email, externalId } = desired.fields;
  return {
    action: event.name,
    date: new Date(atMs).toISOString(),
    info: event.properties,
    ...pickBy({ name, email, externalId, companyExternalId: company }, (value) => value !== undefined),
  };
}
