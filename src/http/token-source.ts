// Access tokens that expire: one for all calls while it lives, or a new one for every call.
import type { AuthProvider } from "./auth";
import { RemoteError } from "./errors";
import { systemClock, type Clock } from "./time";

export interface AccessToken {
  readonly value: string;
  /** How long it lives, if the service says so. Milliseconds. */
  readonly lifeMs?: number | undefined;
  /** Gives the next one, where the service has such tokens. */
  readonly refreshToken?: string | undefined;
}

export interface TokenSourceOptions {
  /**
   * Asks the service for a token. Ask without retries: the call that needs it is tried again as a whole.
   *
   * @param nowMs the time as the service sees it, as far as we know; use it for everything that the service checks
   * @throws RemoteError, or UnexpectedAnswer when the answer has no token
   */
  readonly fetchToken: (nowMs: number) => Promise<AccessToken>;
  /** How long a token lives. What the service says may shorten it, never lengthen it. Milliseconds. */
  readonly lifeMs: number;
  /** A new token for every request. Default: one for all while it lives. */
  readonly perCall?: boolean | undefined;
  /** What stands before the token in the header; `Bearer` unless it says otherwise, empty: the token alone. */
  readonly scheme?: string | undefined;
  readonly now?: Clock | undefined;
}

/** @param scheme what stands before the token; empty: nothing */
export function authorizationOf(token: string, scheme = "Bearer"): string {
  return scheme === "" ? token : `${scheme} ${token}`;
}

interface Held {
  readonly headers: Readonly<Record<string, string>>;
  readonly until: number;
}

/** A request may be under way for a while, so the last fifth of a token's life is left unused. */
const USED_SHARE = 0.8;
/** Clocks that differ by less are not why a token was refused. `Date` headers have whole seconds, and travel. */
const MIN_SKEW_MS = 5_000;

/** Creates a source of bearer tokens for the HTTP client. Clients that use the same credentials may share it. */
export function createTokenSource({ fetchToken, lifeMs, perCall, scheme, now = systemClock }: TokenSourceOptions) {
  let held: Held | undefined;
  let fetching: Promise<Held> | undefined;
  let skewMs = 0;

  /** A refusal that shows another time than ours may be due to that: asked again, once, by the service's clock. */
  async function fetchByTheirClock(): Promise<AccessToken> {
    // Another request may learn the difference while this one is under way.
    const assumedMs = skewMs;
    try {
      return await fetchToken(now() + assumedMs);
    } catch (error) {
      const theirsMs = refusedAt(error);
      if (theirsMs === undefined || Math.abs(theirsMs - now() - assumedMs) < MIN_SKEW_MS) throw error;
      skewMs = theirsMs - now();
      return fetchToken(now() + skewMs);
    }
  }

  async function fetchNew(): Promise<Held> {
    const askedAt = now();
    const token = await fetchByTheirClock();
    const usableMs = USED_SHARE * Math.min(lifeMs, token.lifeMs ?? lifeMs);
    return { headers: { authorization: authorizationOf(token.value, scheme) }, until: askedAt + usableMs };
  }

  /** One request for a token, however many calls wait for it. A failure is theirs alone: the next call asks again. */
  function fetchForAll(): Promise<Held> {
    fetching ??= fetchNew()
      .then((fresh) => (held = fresh))
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  return {
    async headers() {
      if (perCall === true) return (await fetchNew()).headers;
      const current = held !== undefined && now() < held.until ? held : await fetchForAll();
      return current.headers;
    },
    renew(refused) {
      // Whoever is refused late with an older token drops nothing: there is a newer one already.
      if (held?.headers["authorization"] === refused["authorization"]) held = undefined;
      return true;
    },
  } satisfies AuthProvider;
}

/** The time at the service when it refused what we sent; undefined for every other trouble. */
function refusedAt(error: unknown): number | undefined {
  const isRefusal = error instanceof RemoteError && (error.kind === "auth" || error.kind === "validation");
  return isRefusal ? error.serverTimeMs : undefined;
}
