/** The addresses and external ids of Hull's entities, so that a person can ask about one. Pure. */
import pick from "lodash/pick";
import pickBy from "lodash/pickBy";
import type { Claims } from "../../../record";
import type { Asked } from "../../../storage/port/store";

const ASKED: readonly Asked[] = ["email", "external_id", "domain"];

/** People do not type longer ones. */
const MAX_LENGTH = 320;

/** The part of a message's claims that is stored. */
export function indexedClaims(claims: Claims): Claims {
  return pickBy(pick(claims, ASKED), (value) => value.length <= MAX_LENGTH);
}
