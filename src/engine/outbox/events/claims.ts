/** The addresses and external ids of Hull's entities, so that a person can ask about one. Pure. */
import type { Claims } from "../../../record";
import type { Asked } from "../../../storage/port/store";

const ASKED: readonly Asked[] = ["email", "external_id", "domain"];

/** People do not type longer ones. */
const MAX_LENGTH = 320;

/** The part of a message's claims that is stored; the former object if it says the same. */
export function indexedClaims(claims: Claims, before?: Claims): Claims {
  const indexed: Partial<Record<Asked, string>> = {};
  let isSame = before !== undefined;
  for (const name of ASKED) {
    const value = claims[name];
    const kept = value !== undefined && value.length <= MAX_LENGTH ? value : undefined;
    if (kept !== undefined) indexed[name] = kept;
    if (kept !== before?.[name]) isSame = false;
  }
  return isSame && before !== undefined ? before : indexed;
}
