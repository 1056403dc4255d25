// Public keys of signed notifications. The address of the key comes with the request, so the sender chooses it:
// hosts are allow-listed, answers small and quick, and failures cached, or strangers could make us call anybody.
import { createPublicKey, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Agents } from "../../http/agents";
import { isLoopback } from "../../http/guards/addresses";
import { createHttpClient, type CallRecord } from "../../http/client";
import { RemoteError } from "../../http/errors";
import type { HostAllowList } from "../../http/guards/hosts";
import type { Log } from "../../http/log";
import type { Clock } from "../../http/time";

export type KeyAnswer =
  | { readonly state: "found"; readonly key: KeyObject }
  | { readonly state: "refused" | "unusable" | "unavailable"; readonly message: string };

/** Asks a key host for the text behind a key URL. @throws RemoteError */
export type FetchKey = (url: string, token: string) => Promise<string>;

export interface SignatureKeysOptions {
  readonly allowedKeyHosts: HostAllowList;
  readonly fetchKey: FetchKey;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  readonly cacheTtlMs: number;
  readonly negativeTtlMs: number;
  readonly maxEntries?: number;
}

export interface SignatureKeys {
  /** @param newerThan ask again unless that was done after this instant */
  get(url: string, token: string, newerThan?: number): Promise<KeyAnswer>;
  /** Hosts that were named and are not on the list, newest last. */
  refusedHosts(): readonly string[];
}

const MAX_REFUSED_HOSTS = 20;

export function createSignatureKeys(options: SignatureKeysOptions): SignatureKeys {
  const { clock, cacheTtlMs, negativeTtlMs, maxEntries = 100 } = options;
  const answers = new LRUCache<
    string,
    { readonly answer: KeyAnswer; readonly since: number; readonly askedAt: number }
  >({
    max: maxEntries,
  });
  const fetching = new Map<string, Promise<KeyAnswer>>();
  const refused = new LRUCache<string, true>({ max: MAX_REFUSED_HOSTS });

  function refuse(url: string): KeyAnswer {
    const host = URL.canParse(url) ? new URL(url).host.slice(0, 255) : "(not a URL)";
    const isNew = !refused.has(host);
    refused.set(host, true);
    if (isNew) options.log?.warn({ host }, "key host of a signed notification refused");
    const message = `The key host ${host} is not allowed. If it is Hull's, add it to HULL_SIGNATURE_KEY_HOSTS.`;
    return { state: "refused", message };
  }

  async function fetchFresh(url: string, token: string): Promise<KeyAnswer> {
    const answer = await readKey(url, token);
    const askedAt = clock();
    const before = answers.get(url);
    // A key that is still valid is not dropped because its host is down for a moment.
    const keep = answer.state !== "found" && before?.answer.state === "found" && askedAt - before.since < cacheTtlMs;
    answers.set(url, keep ? { ...before, askedAt } : { answer, since: askedAt, askedAt });
    return keep ? before.answer : answer;
  }

  async function readKey(url: string, token: string): Promise<KeyAnswer> {
    try {
      const pem = await options.fetchKey(url, token);
      const key = rsaKey(pem);
      if (key !== undefined) return { state: "found", key };
      return { state: "unusable", message: "The key host answered without an RSA public key." };
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      options.log?.warn({ err: error }, "key of a signed notification could not be fetched");
      const state = error.kind === "transient" || error.kind === "throttled" ? "unavailable" : "unusable";
      return { state, message: `The signature's public key could not be fetched (${error.message}).` };
    }
  }

  return {
    async get(url, token, newerThan = -Infinity) {
      if (!isAllowed(url, options.allowedKeyHosts)) return refuse(url);
      const known = answers.get(url);
      if (known !== undefined && known.askedAt > newerThan) {
        const ttlMs = known.answer.state === "found" ? cacheTtlMs : negativeTtlMs;
        if (clock() - known.since < ttlMs) return known.answer;
      }
      let answer = fetching.get(url);
      if (answer === undefined) {
        answer = fetchFresh(url, token).finally(() => fetching.delete(url));
        fetching.set(url, answer);
      }
      return answer;
    },
    refusedHosts: () => [...refused.rkeys()],
  };
}

/** https only; plain http for a loopback host that the settings name. */
function isAllowed(url: string, hosts: HostAllowList): boolean {
  if (!url.includes("://")) return false;
  const verdict = hosts.judge(url);
  if (!verdict.allowed) return false;
  return verdict.protocol === "https" || (verdict.explicit && isLoopback(verdict.hostname));
}

function rsaKey(pem: string): KeyObject | undefined {
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === "rsa" ? key : undefined;
  } catch {
    return undefined; // no key in it: that is the result
  }
}

export interface KeyFetcherOptions {
  /** With the guarded lookup, so that an allowed name cannot lead to a private address. */
  readonly agents?: Agents | undefined;
  readonly timeoutMs?: number | undefined;
  readonly log?: Log | undefined;
  readonly onCall?: ((call: CallRecord) => void) | undefined;
}

/** Fetches a key as the official SDK does, with a POST of the token; a host that refuses POST is asked with GET. */
export function createKeyFetcher(options: KeyFetcherOptions = {}): FetchKey {
  return async (url, token) => {
    const client = createHttpClient({
      ...options,
      system: "hull-keys",
      baseUrl: url,
      timeoutMs: options.timeoutMs ?? 5_000,
      maxResponseBytes: 16_384,
      maxAttempts: 1,
      secrets: [token],
    });
    const common = { route: "", expect: "text", priority: "interactive" } as const;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    try {
      const { body } = await client
        .request({ ...common, method: "POST", body: token, headers })
        .catch((error: unknown) => {
          const refusesPost = error instanceof RemoteError && [400, 403, 404, 405, 415].includes(error.status ?? 0);
          if (!refusesPost) throw error;
          return client.request({ ...common, method: "GET" });
        });
      return typeof body === "string" ? body : "";
    } finally {
      client.close();
    }
  };
}
