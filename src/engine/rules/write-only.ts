/**
 * Write-only values, such as a social security number: from the plan on they are encrypted for their record, and only
 * a request to the service opens them. They are compared by a keyed hash, which is bound to the record as well, so that
 * equal salaries of two people do not look alike.
 */
import mapValues from "lodash/mapValues";
import { isHidden, type Desired, type Hidden, type Json } from "../../record";
import { agrees, canonical, fingerprint, NOTHING } from "../../services/compare";
import type { FieldSpec, Plan } from "../../services/model";
import type { Service } from "../../services/service";
import type { RecordName } from "../../storage/port/rows";
import { valuePlace, type Seal } from "../../storage/port/seal";

type Fields = Pick<Service<unknown>, "field">;
type Values = Desired["fields"];

/** The plan with its write-only values encrypted, those of its parent as well. */
export function hidden(seal: Seal, service: Fields, tenant: string, plan: Plan): Plan {
  return plan.kind === "end" ? plan : { ...plan, desired: hiddenIn(plan.desired, plan) };

  function hiddenIn(desired: Desired, subject: RecordName): Desired {
    const { parent } = desired;
    const isSecret = (field: string): boolean => service.field(subject.type, field).writeOnly === true;
    const hide = (value: Json, field: string): Json => {
      if (value === null || !isSecret(field)) return value;
      const place = valuePlace(tenant, subject, field);
      const { type } = service.field(subject.type, field);
      const mark = seal.mark(`${place}\n${canonical(value, type)}`);
      return { sealed: seal.seal(JSON.stringify(value), place), mark } satisfies Hidden;
    };
    const hideIn = (values: Values): Values => (Object.keys(values).some(isSecret) ? mapValues(values, hide) : values);
    return {
      ...desired,
      fields: hideIn(desired.fields),
      ...(desired.stateFields && { stateFields: hideIn(desired.stateFields) }),
      ...(parent && { parent: { ...parent, desired: hiddenIn(parent.desired, parent) } }),
    };
  }
}

/**
 * For a request to the service.
 *
 * @returns undefined when a value cannot be decrypted: SECRET was changed, or the value was moved here from another row
 */
export function opened(seal: Seal, tenant: string, subject: RecordName, desired: Desired): Desired | undefined {
  const { fields, stateFields } = desired;
  if (![...Object.values(fields), ...Object.values(stateFields ?? {})].some(isHidden)) return desired;
  try {
    const open = (value: Json, field: string): Json =>
      isHidden(value) ? (JSON.parse(seal.open(value.sealed, valuePlace(tenant, subject, field))) as Json) : value;
    return {
      ...desired,
      fields: mapValues(fields, open),
      ...(stateFields && { stateFields: mapValues(stateFields, open) }),
    };
  } catch {
    return undefined;
  }
}

/** What is remembered of a value: its fingerprint; of a write-only one its keyed hash. */
export function markOf(value: Json, spec: FieldSpec): string {
  if (spec.writeOnly !== true) return fingerprint(value, spec.type);
  return isHidden(value) ? value.mark : NOTHING;
}

/** Whether a value is what is remembered. */
export function isSame(known: string | null, value: Json, spec: FieldSpec): boolean {
  return spec.writeOnly === true ? known === markOf(value, spec) : agrees(known, value, spec.type);
}
