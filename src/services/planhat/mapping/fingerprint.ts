/**
 * A fingerprint of everything in a message that decides what becomes of its record. Two messages of one record with the
 * same fingerprint lead to the same plan; once the first was unchanged, the second need not be planned at all. Pure.
 */
import { hash } from "node:crypto";
import type { EntityMessage } from "../../message";
import type { Json } from "../../../record";
import { settingsFingerprints } from "../../mapping/fingerprint";
import { own, readAttribute, wasCleared } from "../../mapping/attributes";
import { inSegment } from "../../mapping/segments";
import { accountIgnored, companyFilterLets, userIgnored } from "./outgoing";
import type { PlanhatSettings } from "../settings/settings";

const settingsFingerprint = settingsFingerprints(3);

/** What is read besides the mapping: keys, the link, and the fallback names of a company. */
const USER_KEYS = ["email", "external_id", "traits_planhat/id", "planhat/id"];
const ACCOUNT_KEYS = ["id", "external_id", "name", "domain", "planhat/id"];

/** @returns undefined when the message has more than one record, or must be planned every time */
export function fingerprintOf(message: EntityMessage, settings: PlanhatSettings): string | undefined {
  const { user, account, entity } = message;
  if (settings.token === undefined || message.isExport) return undefined;
  const ofUser = entity === "user";
  const further = ofUser
    ? message.events.length > 0 && settings.userEvents.length > 0
    : settings.licenses.attribute !== undefined;
  if (further) return undefined;
  const values: (Json | undefined)[] = [
    settingsFingerprint(settings),
    ofUser
      ? inSegment(settings.userSegments, message.segmentIds)
      : inSegment(settings.accountSegments, message.segmentIds, message.accountSegmentIds),
    ofUser && companyFilterLets(message, settings),
    ofUser && userIgnored(message, settings),
    accountIgnored(message, settings),
    Object.keys(account).length > 0,
  ];
  if (ofUser) for (const key of USER_KEYS) values.push(own(user, key));
  for (const key of ACCOUNT_KEYS) values.push(own(account, key));
  const rows = ofUser ? settings.mapping.endusers : settings.mapping.companies;
  for (const { attribute } of rows) {
    const value = readAttribute(message, attribute);
    // Absent differs from empty, and empty from emptied.
    values.push(value === undefined ? [] : [value]);
    if (value === null && settings.clearOnNull) values.push(wasCleared(message, attribute));
  }
  return hash("md5", JSON.stringify(values), "base64url");
}
