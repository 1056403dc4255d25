// Nobody acts for a tenant without credentials that Hull itself has confirmed.
import { createHash } from "node:crypto";
import { RemoteError } from "../http/errors";
import type { HostAllowList, Protocol } from "../http/hosts";
import type { Clock } from "../http/time";
import type { HullClient, HullCredentials } from "./client";
import { parseConnector, type Connector } from "./protocol";

export type CredentialRefusal =
  | "malformed_credentials"
  | "organization_not_allowed"
  | "wrong_credentials"
  | "organization_disabled"
  | "connector_not_found"
  | "other_connector"
  | "unavailable";

export type Confirmation =
  | { readonly ok: true; readonly connector: Connector }
  | { readonly ok: false; readonly status: 401 | 402 | 404 | 503; readonly reason: CredentialRefusal };

export interface CredentialCheckOptions {
  /** Makes a client for one question; it is closed afterwards, so give it shared agents. */
  readonly hullClientFactory: (credentials: HullCredentials) => Pick<HullClient, "getApp" | "close">;
  readonly allowedOrganizations: HostAllowList;
  readonly protocol?: Protocol;
  readonly clock: Clock;
  readonly positiveTtlMs?: number;
  readonly negativeTtlMs?: number;
  readonly maxEntries?: number;
}

export interface CredentialCheck {
  /**
   * Asks Hull (`GET app`) whether the three belong together. Answers are remembered: yes for `positiveTtlMs`, no for
   * `negativeTtlMs`, "unavailable" not at all. Concurrent questions share one call. Never throws for remote trouble.
   */
  confirm(credentials: HullCredentials): Promise<Confirmation>;
  /** Forgets one answer, for instance when its settings changed. */
  forget(credentials: HullCredentials): void;
}

export function createCredentialCheck(options: CredentialCheckOptions): CredentialCheck {
  const { clock, positiveTtlMs = 300_000, negativeTtlMs = 10_000, maxEntries = 10_000 } = options;
  /** By hash of the three, in order of use: the first entry is the one used longest ago. */
  const answers = new Map<string, { readonly confirmation: Confirmation; readonly until: number }>();
  const asking = new Map<string, Promise<Confirmation>>();

  function remembered(key: string): Confirmation | undefined {
    const entry = answers.get(key);
    if (entry === undefined) return undefined;
    answers.delete(key);
    if (clock() >= entry.until) return undefined;
    answers.set(key, entry);
    return entry.confirmation;
  }

  function remember(key: string, confirmation: Confirmation): void {
    if (!confirmation.ok && confirmation.reason === "unavailable") return;
    answers.set(key, { confirmation, until: clock() + (confirmation.ok ? positiveTtlMs : negativeTtlMs) });
    for (const oldest of answers.keys()) {
      if (answers.size <= maxEntries) break;
      answers.delete(oldest);
    }
  }

  async function ask(key: string, credentials: HullCredentials): Promise<Confirmation> {
    const client = options.hullClientFactory(credentials);
    try {
      const confirmation = readAnswer(await client.getApp(), credentials.id);
      remember(key, confirmation);
      return confirmation;
    } catch (error) {
      const confirmation = readError(error);
      remember(key, confirmation);
      return confirmation;
    } finally {
      client.close();
      asking.delete(key);
    }
  }

  return {
    async confirm(credentials) {
      const { organization } = credentials;
      if (!isWellFormed(credentials)) return refuse(401, "malformed_credentials");
      if (!isBareHost(organization) || !options.allowedOrganizations.allows(organization, options.protocol)) {
        return refuse(401, "organization_not_allowed");
      }
      const key = keyOf(credentials);
      const known = remembered(key) ?? asking.get(key);
      if (known !== undefined) return known;
      const answer = ask(key, credentials);
      asking.set(key, answer);
      return answer;
    },
    forget: (credentials) => {
      answers.delete(keyOf(credentials));
    },
  };
}

function readAnswer(body: unknown, id: string): Confirmation {
  const connector = parseConnector(body);
  if (connector === undefined) return refuse(503, "unavailable"); // 2xx without a connector is no confirmation
  return connector.id === id ? { ok: true, connector } : refuse(401, "other_connector");
}

function readError(error: unknown): Confirmation {
  if (!(error instanceof RemoteError)) throw error;
  switch (error.status) {
    case 401:
    case 403:
      return refuse(401, "wrong_credentials");
    case 402:
      return refuse(402, "organization_disabled");
    case 404:
      return refuse(404, "connector_not_found");
    default:
      return refuse(503, "unavailable");
  }
}

function refuse(status: 401 | 402 | 404 | 503, reason: CredentialRefusal): Confirmation {
  return { ok: false, status, reason };
}

/** The allow-list reads URLs too, but an organization is a host and nothing else. */
function isBareHost(organization: string): boolean {
  return /^[a-z0-9._:[\]-]+$/i.test(organization);
}

/** Header values must be printable; anything else cannot be a credential and would break the request. */
function isWellFormed({ organization, id, secret }: HullCredentials): boolean {
  return organization !== "" && /^[\x21-\x7e]+$/.test(id) && /^[\x21-\x7e]+$/.test(secret);
}

/** A hash, so that no secret sits in a key where a dump or a log would show it. */
function keyOf({ organization, id, secret }: HullCredentials): string {
  return createHash("sha256")
    .update(JSON.stringify([organization, id, secret]))
    .digest("base64url");
}
