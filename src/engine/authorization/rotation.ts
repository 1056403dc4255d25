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

/**
 * Sources of credentials for one tenant; all its clients must have theirs from here.
 *
 * @returns given the id of the account that a client knows: whoever decided what to write by what is in one account must
 * not write it into another one, which a person has chosen meanwhile
 */
export function createRotation(options: RotationOptions): (account: string | undefined) => AuthProvider {
  const { access, system, refresh, now, sleep } = options;
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

  const refusal = (what: string, kind?: "transient"): RemoteError => refusalOf(system, what, kind);

  async function wait(): Promise<void> {
    await sleep(LOOK_MS).catch((cause: unknown) => {
      const facts = { system, method: "POST", route: ROUTE, failure: "client_closed", cause } as const;
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
      const answer = await ask(token, mark);
      if (answer === undefined) continue;
      const fresh = pairOf({ ...answer, refreshToken: answer.refreshToken ?? token }, pair.account, askedAtMs);
      const stored = await changeGrant(access, (latest) =>
        latest.pair?.refreshToken === token ? { ...latest, pair: fresh } : undefined,
      );
      if (stored === undefined) continue;
      // Some servers answer with the same access token again, which is good again.
      if (refused === fresh.accessToken) refused = undefined;
      return fresh;
    }
  }

  /** The refresh token was not used by the last request. @param before the mark of an earlier one, which may have */
  async function unmark(token: string, before: Pair["refreshing"]): Promise<void> {
    await changeGrant(access, (grant) =>
      grant.pair?.refreshToken === token ? { ...grant, pair: { ...grant.pair, refreshing: before } } : undefined,
    );
  }

  /** @returns undefined when the refresh token is worth nothing, and the grant says so now */
  async function ask(token: string, before: Pair["refreshing"]): Promise<AccessToken | undefined> {
    try {
      return await refresh(token);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { kind, status, applied } = error;
      const words = JSON.stringify([error.answer, error.headers?.["www-authenticate"]]);
      // Servers differ in how they say that the token is worth nothing; about the application they have words.
      if ((kind === "validation" || status === 401) && !ABOUT_APPLICATION.test(words)) {
        await lose(token);
        return undefined;
      }
      // It was not used, or not by a token endpoint: whoever comes next may use it, in whatever process.
      if (applied === "no" || kind === "configuration" || status === 503) await unmark(token, before);
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

  async function current(): Promise<Pair> {
    const pair = inUse(readGrant(await access.read()).pair);
    if (isFresh(pair)) return pair;
    try {
      return await refreshForAll();
    } catch (error) {
      // What has not ended yet may serve until a refresh succeeds.
      const latest = readGrant(await access.read()).pair;
      if (latest !== undefined && latest.lost !== true && isUsable(latest)) return latest;
      throw error;
    }
  }

  return (account) => ({
    async headers() {
      const pair = await current();
      if (pair.account?.id === account) return headersOf(pair);
      throw refusal("the connector has been authorized for another account meanwhile", "transient");
    },
    renew(headers) {
      refused = headers["authorization"]?.replace(/^Bearer /, "");
      return true;
    },
  });
}

/** Stands in sentences; `authorization:` would be taken for a header there, and what follows for its value. */
const ROUTE = "/tokens";

/** Why nobody was asked. @param kind who has to act: a person, unless it passes by itself */
export function refusalOf(system: string, what: string, kind: "auth" | "transient" = "auth"): RemoteError {
  return new RemoteError({ system, method: "POST", route: ROUTE, kind, applied: "no", what });
}

function headersOf({ accessToken }: Pair): Readonly<Record<string, string>> {
  return { authorization: authorizationOf(accessToken) };
}
