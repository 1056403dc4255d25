/** From a Hull message to the rows that PlanningPME should import: one for each template that the entity feeds. Pure. */
import { hash } from "node:crypto";
import { own, readAttribute, textOf } from "../mapping/attributes";
import { createChecks, reasonsAgainst } from "../mapping/checks";
import { claimsOf, convertKey, mapFields, messageSource, type Source } from "../mapping/fields";
import { settingsFingerprints } from "../mapping/fingerprint";
import { inSegment } from "../mapping/segments";
import { isBlank } from "../mapping/values";
import type { EntityMessage } from "../message";
import type { Check, Plan, PlannedRecord } from "../model";
import { fieldSpec, importType, KEY, ROLES, type Role } from "./objects";
import { reason, type ReasonCode } from "./reasons";
import type { ImportSettings, PlanningPmeSettings } from "./settings/settings";
import { TITLES } from "./settings/status";

const { check, filter } = createChecks<ReasonCode>(reason);

/** Exports and batches pass the filter, never the restriction that a template imposes. */
export function plan(message: EntityMessage, settings: PlanningPmeSettings): readonly Plan[] {
  const { entity, id: hullId } = message;
  const roles = rolesFor(entity, settings);
  if (roles.length === 0) {
    const reasons = [reason("no_template")];
    return [{ type: importType("customer", entity), hullId, kind: "end", outcome: "skipped", reasons }];
  }
  return roles.map((role) => ({
    type: importType(role, entity),
    hullId,
    ...planRecord(message, settings, settings.imports[role]),
  }));
}

function rolesFor(entity: EntityMessage["entity"], { imports }: PlanningPmeSettings): readonly Role[] {
  return ROLES.filter((role) => imports[role].entity === entity);
}

function planRecord(message: EntityMessage, settings: PlanningPmeSettings, into: ImportSettings): PlannedRecord {
  const { keyProperty = "" } = into;
  const mapped = mapFields(into.rows, sourceOf(message), {
    keys: [],
    specOf: (field) => fieldSpec("", field),
    clears: () => false,
  });
  const shown = mapped.fields[keyProperty];
  const key = textOf(shown);
  const reasons = [...reasonsAgainst([filterOf(message, settings)])];
  if (into.keyProperty === undefined) reasons.push(reason("no_key_property"));
  else if (key === undefined) reasons.push(reason("missing_key", keyProperty));
  else if (Object.keys(mapped.fields).length < 2) reasons.push(reason("nothing_mapped"));
  if (key === undefined || reasons.length > 0) return { kind: "end", outcome: "skipped", reasons };
  const converted = convertKey(key, { name: keyProperty, type: "text" }, keyProperty);
  if (!converted.ok) {
    const why = reason("invalid_value", `${keyProperty}: ${converted.why}`);
    return { kind: "end", outcome: "rejected", reasons: [why] };
  }
  const { account, user, entity, id } = message;
  return {
    kind: "record",
    desired: { fields: { ...into.defaults, ...mapped.fields }, keys: { [KEY]: key }, cleared: [] },
    claims: claimsOf(entity === "user" ? user : account, id, entity === "user" ? "email" : "domain"),
    warnings: mapped.warnings,
  };
}

/** Everything that the entity's own record must fulfil. */
export function checks(message: EntityMessage, settings: PlanningPmeSettings): readonly Check[] {
  const [role] = rolesFor(message.entity, settings);
  if (role === undefined) return [check("Template", false, "no_template")];
  const { keyProperty = "", keyAttribute } = settings.imports[role];
  const value = keyAttribute === undefined ? undefined : readAttribute(message, keyAttribute);
  return [filterOf(message, settings), check(keyProperty, textOf(value) !== undefined, "missing_key")];
}

function filterOf(message: EntityMessage, { userSegments, accountSegments }: PlanningPmeSettings): Check {
  const ofUser = message.entity === "user";
  const inside = ofUser
    ? inSegment(userSegments, message.segmentIds)
    : inSegment(accountSegments, message.segmentIds, message.accountSegmentIds);
  const title = ofUser ? TITLES.synchronized_segments : TITLES.account_synchronized_segments;
  return filter(title, inside, "outside_segments", message.isExport);
}

/** What is empty is left out: a text of blanks as well as nothing. */
function sourceOf(message: EntityMessage): Source {
  const source = messageSource(message);
  return {
    ...source,
    read: (attribute) => {
      const value = source.read(attribute);
      return isBlank(value) ? undefined : value;
    },
  };
}

const settingsFingerprint = settingsFingerprints(1);

const CLAIMS = ["external_id", "email", "domain"];

/** @returns undefined when the message feeds several templates, or must be planned every time */
export function fingerprintOf(message: EntityMessage, settings: PlanningPmeSettings): string | undefined {
  const [role, ...others] = rolesFor(message.entity, settings);
  // Only what comes first in the list of types can be recognised.
  if (role !== "customer" || others.length > 0 || message.isExport) return undefined;
  const entity = message.entity === "user" ? message.user : message.account;
  const values: unknown[] = [settingsFingerprint(settings), filterOf(message, settings).verdict];
  for (const claim of CLAIMS) values.push(own(entity, claim));
  for (const { attribute } of settings.imports[role].rows) values.push(readAttribute(message, attribute) ?? null);
  return hash("md5", JSON.stringify(values), "base64url");
}
