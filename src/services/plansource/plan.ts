/** From a Hull user's message to the employee that PlanSource should hold: filter first, then the mapping. Pure. */
import type { Reason } from "../../outcome/outcome";
import type { Json } from "../../record";
import { own, readAttribute, textOf, wasCleared, type AttributeReference } from "../mapping/attributes";
import { createChecks, reasonsAgainst } from "../mapping/checks";
import { claimsOf, desiredOf, mapFields, messageSource, type Mapped, type Source } from "../mapping/fields";
import { keyedFingerprint, settingsFingerprints } from "../mapping/fingerprint";
import { inSegment, leftAll } from "../mapping/segments";
import { convert, isBlank } from "../mapping/values";
import type { EntityMessage } from "../message";
import type { Check, FieldSpec, Plan, PlannedRecord } from "../model";
import { fieldSpec, SUBSCRIBERS } from "./objects";
import { reason, type ReasonCode } from "./reasons";
import { TITLES } from "./settings/status";
import type { PlanSourceSettings } from "./settings/settings";

/** What a termination and a rehire say, besides the day on which the user left the segments. */
const LIFE_CYCLE = {
  termination_date: { setting: "terminationDate", type: "day" },
  termination_reason: { setting: "terminationReason", type: "text" },
  voluntary: { setting: "voluntary", type: "boolean" },
  rehire_date: { setting: "rehireDate", type: "day" },
} as const;

/** A termination because of the segments says both, whatever Hull has of them. */
const UNSAID = { termination_date: null, termination_reason: null };

const { check, filter } = createChecks<ReasonCode>(reason);

/** `isExport` passes the filter, never the restriction that PlanSource imposes. */
export function plan(message: EntityMessage, settings: PlanSourceSettings): readonly Plan[] {
  const record = planRecord(message, settings);
  return [{ type: SUBSCRIBERS.name, hullId: message.id, ...record }];
}

function planRecord(message: EntityMessage, settings: PlanSourceSettings): PlannedRecord {
  const mapped = mapEmployee(message, settings);
  const reasons = reasonsAgainst(checksOf(message, settings, mapped));
  if (reasons.length > 0) return { kind: "end", outcome: "skipped", reasons };
  if (mapped.brokenKeys.length > 0) return { kind: "end", outcome: "rejected", reasons: mapped.brokenKeys };
  const lifeCycle = readLifeCycle(message, settings);
  const leaving = leftOn(message, settings);
  const stateFields = leaving === undefined ? lifeCycle.fields : { ...UNSAID, ...lifeCycle.fields, leaving };
  return {
    kind: "record",
    desired: {
      ...desiredOf(mapped),
      stateFields,
      leaves: leaving === undefined ? undefined : true,
      outside: leaving === undefined && !inSegment(settings.segments, message.segmentIds) ? true : undefined,
    },
    claims: claimsOf(message.user, message.id, "email"),
    warnings: [...mapped.warnings, ...lifeCycle.warnings],
    hintId: textOf(own(message.user, "traits_plansource/id") ?? own(message.user, "plansource/id")),
  };
}

/** Everything that a message must fulfil. */
export function checks(message: EntityMessage, settings: PlanSourceSettings): readonly Check[] {
  return checksOf(message, settings, mapEmployee(message, settings));
}

function checksOf(message: EntityMessage, settings: PlanSourceSettings, mapped: Mapped): readonly Check[] {
  const inside = inSegment(settings.segments, message.segmentIds) || leftOn(message, settings) !== undefined;
  const hasKey = "subscriber_code" in mapped.keys || mapped.brokenKeys.length > 0;
  return [
    filter(TITLES.synchronized_segments, inside, "outside_segments", message.isExport),
    ...(settings.subscriberKey === "id" ? [] : [check("subscriber_code", hasKey, "missing_subscriber_code")]),
  ];
}

/** The day on which the user left all synchronised segments, if that ends the employment. */
function leftOn(message: EntityMessage, { segments, lifeCycle }: PlanSourceSettings): string | undefined {
  const left = lifeCycle.onLeavingSegments && leftAll(segments, message);
  return left ? new Date(message.version).toISOString().slice(0, 10) : undefined;
}

function mapEmployee(message: EntityMessage, { rows }: PlanSourceSettings): Mapped {
  return mapFields(rows, sourceOf(message), {
    keys: SUBSCRIBERS.keys,
    specOf: (field) => fieldSpec(SUBSCRIBERS.name, field),
    clears: ({ clearWhenBlank }) => clearWhenBlank,
  });
}

/** A text of blanks is as empty as none. */
function sourceOf(message: EntityMessage): Source {
  const source = messageSource(message);
  return {
    ...source,
    read: (attribute) => {
      const value = source.read(attribute);
      return typeof value === "string" && isBlank(value) ? null : value;
    },
  };
}

interface LifeCycle {
  readonly fields: Readonly<Record<string, Json>>;
  readonly warnings: readonly Reason[];
}

function readLifeCycle(message: EntityMessage, { lifeCycle }: PlanSourceSettings): LifeCycle {
  const fields: Record<string, Json> = {};
  const warnings: Reason[] = [];
  for (const [name, { setting, type }] of Object.entries(LIFE_CYCLE)) {
    const attribute: AttributeReference | undefined = lifeCycle[setting];
    const value = attribute === undefined ? undefined : readAttribute(message, attribute);
    if (attribute === undefined || value === undefined || isBlank(value)) continue;
    const spec: FieldSpec = { name, type };
    const converted = convert(value, spec, attribute.text);
    if (converted.ok) fields[name] = converted.value;
    else warnings.push(reason("invalid_value", `${attribute.text} → ${name}: ${converted.why}`));
  }
  return { fields, warnings };
}

const settingsFingerprint = settingsFingerprints(1);

/** What is read besides the mapping: claims, and the link. */
const ALSO_READ = ["email", "external_id", "traits_plansource/id", "plansource/id"];

/**
 * @param key of the hash: it is stored, and the values are secrets of people
 * @returns undefined when the message must be planned every time
 */
export function fingerprintOf(message: EntityMessage, settings: PlanSourceSettings, key: string): string | undefined {
  if (message.isExport || leftOn(message, settings) !== undefined) return undefined;
  const { terminationDate, terminationReason, voluntary, rehireDate } = settings.lifeCycle;
  const ofState = [terminationDate, terminationReason, voluntary, rehireDate].filter((each) => each !== undefined);
  const values: unknown[] = [settingsFingerprint(settings), inSegment(settings.segments, message.segmentIds)];
  for (const name of ALSO_READ) values.push(own(message.user, name));
  for (const attribute of ofState) values.push(readAttribute(message, attribute));
  for (const { attribute, clearWhenBlank } of settings.rows) {
    const value = readAttribute(message, attribute);
    // Absent differs from empty, and empty from emptied.
    values.push(value === undefined ? [] : [value]);
    if (clearWhenBlank && isBlank(value)) values.push(wasCleared(message, attribute));
  }
  return keyedFingerprint(key, values);
}
