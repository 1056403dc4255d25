/**
 * What a person granted a connector, as it is stored, encrypted: the tokens in use, others that wait for a yes because
 * they open another account, and the states that have served. Every change replaces what was read, or is made again.
 */
import { isObject, jsonIn } from "../../json";
import type { GrantedAccount } from "../../services/service";

/** The one grant of a tenant, never logged. */
export interface GrantAccess {
  /** Undefined before a person gave one, and after it was taken back. */
  read(): Promise<string | undefined>;
  /**
   * Replaces what was read, durably; undefined takes it back.
   *
   * @returns false when it is not there any more: another process was first, so read again
   */
  replace(before: string | undefined, after: string | undefined): Promise<boolean>;
  /** False once the tenant was erased: nothing can be granted to it, however often that is tried. */
  isKnown(): Promise<boolean>;
}

/** Times are milliseconds since 1970. */
export interface Pair {
  readonly accessToken: string;
  /** Serves once where the service rotates; absent where it gave none. */
  readonly refreshToken?: string;
  /** From then on it is refreshed before it is used. */
  readonly refreshAtMs: number;
  readonly endsAtMs: number;
  /** Absent where the service does not say. */
  readonly account?: GrantedAccount;
  /** A refresh is under way, or its answer was lost: by whom it was begun, and when. */
  readonly refreshing?: { readonly by: string; readonly sinceMs: number };
  /** It cannot be refreshed any more. */
  readonly lost?: true;
}

export interface Grant {
  readonly pair?: Pair;
  /** Opens another account than before; unused until a person says that this is meant. */
  readonly proposed?: { readonly pair: Pair; readonly nonce: string; readonly untilMs: number };
  /** States that must not serve again while they could. */
  readonly served?: readonly { readonly nonce: string; readonly untilMs: number }[];
}

/** Only this module writes it; what another one left there is worth nothing. */
export function readGrant(text: string | undefined): Grant {
  const read = jsonIn(text);
  return isObject(read) ? read : {};
}

/**
 * Changes what is stored, again and again while others change it.
 *
 * @param change undefined: nothing is to be done
 * @returns what is stored now; undefined when nothing was done, or the tenant was erased meanwhile
 */
export async function changeGrant(
  access: GrantAccess,
  change: (grant: Grant) => Grant | undefined,
): Promise<Grant | undefined> {
  for (;;) {
    const before = await access.read();
    const after = change(readGrant(before));
    if (after === undefined) return undefined;
    const text = JSON.stringify(after);
    if (text === before || (await access.replace(before, text))) return after;
    if (!(await access.isKnown())) return undefined;
  }
}

/** Tokens as they were just answered. */
export function pairOf(
  tokens: { readonly value: string; readonly refreshToken?: string | undefined; readonly lifeMs?: number | undefined },
  account: GrantedAccount | undefined,
  askedAtMs: number,
): Pair {
  const lifeMs = Math.min(tokens.lifeMs ?? USUAL_LIFE_MS, LONGEST_LIFE_MS);
  return {
    accessToken: tokens.value,
    refreshToken: tokens.refreshToken,
    refreshAtMs: askedAtMs + USED_SHARE * lifeMs,
    endsAtMs: askedAtMs + lifeMs,
    account,
  };
}

/** Where the service does not say how long a token lives. */
const USUAL_LIFE_MS = 7_200_000;
/** Nothing lives longer: a life without end could not be stored, and the pair would be renewed for every request. */
const LONGEST_LIFE_MS = 365 * 24 * 3_600_000;
/** Requests may be under way for a while, and clocks differ. */
const USED_SHARE = 0.9;
