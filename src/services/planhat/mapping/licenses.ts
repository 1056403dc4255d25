/**
 * Licenses: elements of a JSON list in one attribute of the account. Each is a record of its own, known by its external
 * id within the company, and versioned by the account's message. Those that left the list are left alone. Pure.
 */
import countBy from "lodash/countBy";
import type { EntityMessage } from "../../message";
import { reason } from "../reasons";
import { createJsonScan } from "../../../http/guards/json-scan";
import type { Json } from "../../../record";
import type { Plan } from "../../model";
import { attributeReference, own, readAttribute, shortened } from "../../mapping/attributes";
import { desiredOf } from "../../mapping/fields";
import { mapFields, parentOf, type RecordPlan } from "./mapping";
import { LICENSES } from "../object-types";
import type { PlanhatSettings } from "../settings/settings";
import { listOf } from "../../mapping/values";

const { name: TYPE } = LICENSES;

/** Each becomes a record of its own. */
const MAX_LICENSES = 5_000;
/** Of a list that is written as text. */
const MAX_VALUES = 100_000;

/** @param company the account's own record, parent of all its licenses */
export function planLicenses(message: EntityMessage, settings: PlanhatSettings, company: RecordPlan): readonly Plan[] {
  const { attribute } = settings.licenses;
  const reference = attribute === undefined ? undefined : attributeReference(attribute, "account");
  if (reference === undefined || settings.mapping.licenses.length === 0) return [];
  const value = readAttribute(message, reference);
  if (value === undefined || value === null) return [];
  const isTooLong = typeof value === "string" && holdsTooMany(value);
  const list = isTooLong ? [] : listOf(value);
  if (isTooLong || (list?.length ?? 0) > MAX_LICENSES) {
    const most = `${MAX_LICENSES} licenses, or than ${MAX_VALUES} values`;
    return [refused(message, "list", `${reference.text} holds more than ${most}; keep fewer in it`)];
  }
  if (list === undefined) return [refused(message, "list", `${reference.text} is not a JSON list of licenses`)];

  const plans = list.map((element, index) => planOne(element, index, message, settings, company));
  const times = countBy(plans, "hullId");
  return plans.map((plan, index) =>
    (times[plan.hullId] ?? 0) > 1
      ? refused(message, `#${index}`, `element ${index + 1} of ${reference.text} has the external id of another one`)
      : plan,
  );
}

function planOne(
  element: Json,
  index: number,
  message: EntityMessage,
  settings: PlanhatSettings,
  company: RecordPlan,
): Plan {
  if (typeof element !== "object" || element === null || Array.isArray(element)) {
    return refused(message, `#${index}`, `element ${index + 1} is not an object`);
  }
  const license = element as Readonly<Record<string, Json>>;
  const source = {
    // Keys are taken literally: they are what the customer wrote into the JSON.
    read: ({ text }: { readonly text: string }) => own(license, text),
    wasCleared: () => false,
  };
  const mapped = mapFields(TYPE, settings.mapping.licenses, source, settings.clearOnNull);
  const externalId = mapped.keys["externalId"];
  if (externalId === undefined || mapped.brokenKeys.length > 0) {
    return refused(message, `#${index}`, `element ${index + 1} has no usable external id`);
  }
  return {
    type: TYPE,
    hullId: `${company.hullId}/${shortened(externalId)}`,
    kind: "record",
    desired: {
      ...desiredOf(mapped),
      fields: { ...mapped.fields, companyId: company.hullId },
      parent: parentOf(company),
    },
    claims: company.claims,
    warnings: mapped.warnings,
  };
}

/** The size of what a text contains is not known yet. */
function holdsTooMany(text: string): boolean {
  const limits = { maxDepth: Infinity, maxValues: MAX_VALUES, maxMembers: MAX_VALUES };
  return createJsonScan(limits).push(Buffer.from(text)) !== undefined;
}

function refused(message: EntityMessage, place: string, detail: string): Plan {
  return {
    type: TYPE,
    hullId: `${message.id}/${place}`,
    kind: "end",
    outcome: "rejected",
    reasons: [reason("invalid_license", detail)],
  };
}
