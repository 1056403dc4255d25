/** A fingerprint of everything in a message that decides what becomes of its record. Pure. */
import type { Json } from "../../record";
import { own, readAttribute } from "../mapping/attributes";
import { keyedFingerprint, settingsFingerprints } from "../mapping/fingerprint";
import { inSegment } from "../mapping/segments";
import type { EntityMessage } from "../message";
import { leaves } from "./plan";
import type { PlangradeSettings } from "./settings/settings";

const settingsFingerprint = settingsFingerprints(1);

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
  return keyedFingerprint(key, values);
}
