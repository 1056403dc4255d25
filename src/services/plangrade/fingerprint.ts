/** A fingerprint of everything in a message that decides what becomes of its record. Pure. */
import { createHmac, hash } from "node:crypto";
import memoize from "lodash/memoize";
import type { Json } from "../../record";
import { own, readAttribute } from "../mapping/attributes";
import { inSegment } from "../mapping/segments";
import type { EntityMessage } from "../message";
import { leaves } from "./plan";
import type { PlangradeSettings } from "./settings/settings";

/** Raised whenever filter or mapping decide differently about the same message: earlier verdicts no longer count. */
const RULES = 1;

/** Of the settings: needed for every message, computed once. */
const settingsFingerprint = memoize((settings: PlangradeSettings): string => {
  const { applicationKey: _key, applicationSecret: _secret, ...rest } = settings;
  return hash("sha256", JSON.stringify([RULES, rest]), "base64url");
});
settingsFingerprint.cache = new WeakMap();

/** What is read besides the mapping: claims, links, and the account that a user belongs to. */
const USER_KEYS = ["email", "external_id", "traits_plangrade/id", "plangrade/id"];
const ACCOUNT_KEYS = ["id", "external_id", "domain", "plangrade/id"];

/**
 * @param key of the hash: it is stored, and the values are data of people
 * @returns undefined when the message must be planned every time
 */
export function fingerprintOf(message: EntityMessage, settings: PlangradeSettings, key: string): string | undefined {
  if (message.isExport || leaves(message, settings)) return undefined;
  const { user, account, segmentIds, accountSegmentIds, entity } = message;
  const ofUser = entity === "user";
  const { segments, accountSegments, companyRows, participantRows, ssnAttribute } = settings;
  const values: (Json | undefined)[] = [
    settingsFingerprint(settings),
    ofUser && inSegment(segments, segmentIds),
    inSegment(accountSegments, ...(ofUser ? [] : [segmentIds]), accountSegmentIds),
    Object.keys(account).length > 0,
    ...ACCOUNT_KEYS.map((name) => own(account, name)),
    ...(ofUser ? USER_KEYS.map((name) => own(user, name)) : []),
  ];
  const rows = ofUser ? [...companyRows, ...participantRows] : companyRows;
  const attributes = [...rows.map(({ attribute }) => attribute), ...(ssnAttribute === undefined ? [] : [ssnAttribute])];
  for (const attribute of attributes) {
    const value = readAttribute(message, attribute);
    // Absent differs from empty.
    values.push(value === undefined ? [] : [value]);
  }
  return createHmac("sha256", key).update(JSON.stringify(values)).digest("base64url").slice(0, 22);
}
