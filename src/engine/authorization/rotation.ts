/**
 * Access tokens of a grant that rotates: every refresh gives a new pair, and the old one is worth nothing. So whoever
 * refreshes says so in the store first, and one process alone uses a refresh token. If its answer is lost, that process
 * may ask again; another one never does, and a person has to authorize again.
 */
import { randomUUID } from "node:crypto";
import type { AuthProvider } from "../../http/auth";
import { classifyFailure, RemoteError } from "../../http/errors";
import type { Clock, Sleep } from "../../http/time";
import { authorizationOf, type AccessToken } from "../../http/token-source";
import { changeGrant, pairOf, readGrant, type GrantAccess, type Pair } from "./grant";

export interface RotationOptions {
  readonly access: GrantAccess;
  /** How the service is called, for errors. */
  readonly system: string;
  /** One request for a new pair, never repeated. @throws RemoteError, UnexpectedAnswer */
  readonly refresh: (refreshToken: string) => Promise<AccessToken>;
  readonly now: Clock;
  readonly sleep: Sleep;
}

/** A refresh by another process that takes longer is taken for lost. Milliseconds. */
const LEASE_MS = 60_000;
/** The errors of RFC 6749 section 5.2 that say nothing about the refresh token. */
const ABOUT_APPLICATION = /\b(?:invalid|unauthorized)_client\b/;
/** How long between two looks whether it has ended. Milliseconds. */
const LOOK_MS = 250;

/** A source of credentials for one tenant; all its clients must share it. */
export function createRotation({ access, system, refresh, now, sleep }: RotationOptions): AuthProvider {
  const self = randomUUID();
  let refused: string | undefined;
  let refreshing: Promise<Pair> | undefined;

  const isFresh = (pair: Pair): boolean => pair.accessToken !== refused && now() < pair.refreshAtMs;
  const isUsable = (pair: Pair): boolean => pair.accessToken !== refused && now() < pair.endsAtMs;

  /** @throws RemoteError when a person has to act */
  function inUse(pair: Pair | undefined): Pair {
    if (pair === undefined) throw refusal("nobody has authorized the connector yet");
    if (pair.lost === true) throw refusal("the authorization cannot be renewed, so it must be given again");
    return pair;
  }

  function refusal(what: string): RemoteError {
    return new RemoteError({ system, method: "POST", route: "authorization", kind: "auth", applied: "no", what });
  }

  async function wait(): Promise<void> {
    await sleep(LOOK_MS).catch((cause: unknown) => {
      const facts = { system, method: "POST", route: "authorization", failure: "client_closed", cause } as const;
      throw new RemoteError({ ...facts, ...classifyFailure("client_closed") });
    });
  }

  /** The grant is worth nothing more, unless it was replaced meanwhile. */
  async function lose(token: string): Promise<void> {
    await changeGrant(access, (grant) =>
      grant.pair?.refreshToken === token ? { ...grant, pair: { ...grant.pair, lost: true } } : undefined,
    );
  }

  async function refreshed(): Promise<Pair> {
    for (;;) {
      const text = await access.read();
      const grant = readGrant(text);
      const pair = inUse(grant.pair);
      if (isFresh(pair)) return pair;
      const { refreshToken: token, refreshing: mark } = pair;
      if (token === undefined) throw refusal("the authorization has ended, and cannot be renewed");
      if (mark !== undefined && mark.by !== self) {
        if (Math.abs(now() - mark.sinceMs) < LEASE_MS) await wait();
        else await lose(token);
        continue;
      }
      const askedAtMs = now();
      const marked = JSON.stringify({ ...grant, pair: { ...pair, refreshing: { by: self, sinceMs: askedAtMs } } });
      if (!(await access.replace(text, marked))) continue;
      const answer = await ask(token, marked, text);
      if (answer === undefined) continue;
      const fresh = pairOf({ ...answer, refreshToken: answer.refreshToken ?? token }, pair.account, askedAtMs);
      const stored = await changeGrant(access, (latest) =>
        latest.pair?.accessToken === pair.accessToken ? { ...latest, pair: fresh } : undefined,
      );
      if (stored !== undefined) return fresh;
    }
  }

  /** @returns undefined when the refresh token is worth nothing, and the grant says so now */
  async function ask(token: string, marked: string, before: string | undefined): Promise<AccessToken | undefined> {
    try {
      return await refresh(token);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { kind, status, applied } = error;
      // Servers differ in how they say that the token is worth nothing; about the application they have words.
      if ((kind === "validation" || status === 401) && !ABOUT_APPLICATION.test(JSON.stringify([error.answer]))) {
        await lose(token);
        return undefined;
      }
      // It was not used: whoever comes next may use it, in whatever process.
      if (applied === "no" || status === 503) await access.replace(marked, before);
      throw error;
    }
  }

  /** One refresh, however many requests wait for it. */
  function refreshForAll(): Promise<Pair> {
    refreshing ??= refreshed().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  return {
    async headers() {
      const pair = inUse(readGrant(await access.read()).pair);
      if (isFresh(pair)) return headersOf(pair);
      try {
        return headersOf(await refreshForAll());
      } catch (error) {
        // What has not ended yet may serve until a refresh succeeds.
        const latest = readGrant(await access.read()).pair;
        if (latest !== undefined && latest.lost !== true && isUsable(latest)) return headersOf(latest);
        throw error;
      }
    },
    renew(headers) {
      refused = headers["authorization"]?.replace(/^Bearer /, "");
      return true;
    },
  };
}

function headersOf({ accessToken }: Pair): Readonly<Record<string, string>> {
  return { authorization: authorizationOf(accessToken) };
}
