// Public keys of signed notifications. The address of the key comes with the request, so the sender chooses it:
// hosts are allow-listed, answers small and quick, and failures cached, or strangers could make us call anybody.
import { createPublicKey, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import { isLoopback } from "../../http/guards/addresses";
import { createHttpClient, type HttpClientOptions } from "../../http/client";
import { RemoteError } from "../../http/errors";
import type { HostAllowList } from "../../http/guards/hosts";
import type { Log } from "../../http/log";
import type { Clock } from "../../http/time";
import { readUrl } from "../../web-address";

/** Unavailable: the key host does not answer. Nobody's fault here, so answer 503 and let Hull retry. */
export type KeyAnswer =
  | { readonly ok: true; readonly key: KeyObject }
  | {
      readonly ok: false;
      readonly reason: "key_host_refused" | "key_unusable" | "unavailable";
      readonly message: string;
    };

/** Asks a key host for the text behind a key URL. @throws RemoteError */
export type FetchKey = (url: string, token: string) => Promise<string>;

export interface SignatureKeysOptions {
  /** https hosts, and http for loopback hosts that are named without a wildcard. */
  readonly allowedKeyHosts: HostAllowList;
  readonly fetchKey: FetchKey;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  /** How long a key is used without asking again. */
  readonly cacheTtlMs: number;
  /** How long a failure is cached, and the least time between two fetches of one key. */
  readonly negativeTtlMs: number;
}

interface CachedAnswer {
  readonly answer: KeyAnswer;
  readonly since: number;
  readonly askedAt: number;
}

const MAX_KEYS = 100;
const MAX_REFUSED_HOSTS = 20;

export function createSignatureKeys(options: SignatureKeysOptions) {
  const { clock, cacheTtlMs, negativeTtlMs } = options;
  const answers = new LRUCache<string, CachedAnswer>({ max: MAX_KEYS });
  const fetching = new Map<string, Promise<KeyAnswer>>();
  const refused = new LRUCache<string, true>({ max: MAX_REFUSED_HOSTS });

  function refuse(url: string): KeyAnswer {
    const host = readUrl(url)?.host.slice(0, 255) ?? "(not a URL)";
    const isNew = !refused.has(host);
    refused.set(host, true);
    if (isNew) options.log?.warn({ host }, "key host of a signed notification refused");
    const message = `The key host ${host} is not allowed. If it is Hull's, ask those who run this server to allow it for keys of signatures.`;
    return { ok: false, reason: "key_host_refused", message };
  }

  async function fetchFresh(url: string, token: string): Promise<KeyAnswer> {
    const answer = await readKey(url, token);
    const askedAt = clock();
    const before = answers.get(url);
    // A key that is still valid is not dropped because its host is down for a moment.
    const keep = !answer.ok && before?.answer.ok === true && askedAt - before.since < cacheTtlMs;
    answers.set(url, keep ? { ...before, askedAt } : { answer, since: askedAt, askedAt });
    return keep ? before.answer : answer;
  }

  async function readKey(url: string, token: string): Promise<KeyAnswer> {
    try {
      const key = rsaKey(await options.fetchKey(url, token));
      if (key !== undefined) return { ok: true, key };
      return { ok: false, reason: "key_unusable", message: "The key host answered without an RSA public key." };
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      options.log?.warn({ err: error }, "key of a signed notification could not be fetched");
      const reason = error.kind === "transient" || error.kind === "throttled" ? "unavailable" : "key_unusable";
      return { ok: false, reason, message: `The signature's public key could not be fetched (${error.message}).` };
    }
  }

  return {
    /** @param newerThan ask again unless that was done after this instant */
    async get(url: string, token: string, newerThan = -Infinity): Promise<KeyAnswer> {
      if (!isAllowed(url, options.allowedKeyHosts)) return refuse(url);
      const known = answers.get(url);
      if (known !== undefined && known.askedAt > newerThan) {
        const ttlMs = known.answer.ok ? cacheTtlMs : negativeTtlMs;
        if (clock() - known.since < ttlMs) return known.answer;
      }
      const answer = fetching.get(url) ?? fetchFresh(url, token).finally(() => fetching.delete(url));
      fetching.set(url, answer);
      return answer;
    },
    /** Hosts that were named and are not on the list, newest last. */
    refusedHosts: (): readonly string[] => [...refused.rkeys()],
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

/**
 * Fetches a key as the official SDK does, with a POST of the token; a host that refuses POST is asked with GET.
 *
 * @param options.agents with the guarded lookup, so that an allowed name cannot lead to a private address
 */
export function createKeyFetcher(options: Pick<HttpClientOptions, "agents" | "log" | "onCall"> = {}): FetchKey {
  return async (url, token) => {
    const client = createHttpClient({
      ...options,
      system: "hull-keys",
      baseUrl: url,
      timeoutMs: 5_000,
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
