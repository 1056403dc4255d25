// Nobody acts for a tenant without credentials that Hull itself has confirmed.
import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { RemoteError } from "../../http/errors";
import { createGate, createGates, GateFullError } from "../../http/limits/gate";
import type { HostAllowList, Protocol } from "../../http/guards/hosts";
import { agingBy, type Clock } from "../../http/time";
import type { HullClient, HullCredentials } from "../client";
import { parseConnector, type Connector } from "../protocol/notification";

export type CredentialRefusal =
  | "malformed_credentials"
  | "organization_not_allowed"
  | "wrong_credentials"
  | "organization_disabled"
  | "connector_not_found"
  | "other_connector"
  | "unavailable";

export type Confirmation =
  | {
      readonly ok: true;
      readonly connector: Connector;
      /** When Hull was asked, milliseconds since 1970. */
      readonly askedAtMs: number;
    }
  | { readonly ok: false; readonly status: 401 | 402 | 404 | 503; readonly reason: CredentialRefusal };

export interface CredentialCheckOptions {
  /** Makes a client for one question; it is closed afterwards, so give it shared agents. */
  readonly hullClientFactory: (credentials: HullCredentials) => Pick<HullClient, "getApp" | "close">;
  readonly allowedOrganizations: HostAllowList;
  readonly protocol?: Protocol;
  readonly clock: Clock;
  readonly negativeTtlMs?: number;
  readonly maxEntries?: number;
}

export interface ConfirmOptions {
  /** They were right before: they are checked at once, however many guesses wait. */
  readonly known?: boolean;
  /**
   * A cached yes from before this instant, milliseconds since 1970, does not count; a cached no does, and so does
   * a question in progress.
   */
  readonly notBeforeMs?: number;
}

export interface CredentialCheck {
  /**
   * Asks Hull (`GET app`) whether the three belong together. Answers are remembered: yes for five minutes, no for
   * `negativeTtlMs`, "unavailable" not at all. Concurrent questions share one call. Never throws for remote trouble.
   */
  confirm(credentials: HullCredentials, options?: ConfirmOptions): Promise<Confirmation>;
  /** Forgets one answer, for instance when its settings changed. */
  forget(credentials: HullCredentials): void;
}

const POSITIVE_TTL_MS = 300_000;
/** How many questions about unknown credentials may be in progress, in all and for one organization. */
const QUESTIONS = { all: { atOnce: 16, waiting: 200 }, organization: { atOnce: 4, waiting: 40 } };

export function createCredentialCheck(options: CredentialCheckOptions): CredentialCheck {
  const { clock, negativeTtlMs = 10_000, maxEntries = 10_000 } = options;
  const all = createGate(QUESTIONS.all);
  const organizations = createGates(QUESTIONS.organization);
  // Each of size 1: for `max` alone the cache would take memory for all of them at once.
  const most = { maxSize: maxEntries, sizeCalculation: () => 1 };
  /** By hash of the three. */
  const answers = new LRUCache<string, Confirmation>({ ...most, ttl: POSITIVE_TTL_MS, ...agingBy(clock) });
  const asking = new Map<string, Promise<Confirmation>>();
  /** By connector, the credentials that were right last: once others are, these are checked again. */
  const right = new LRUCache<string, string>(most);

  function remember(key: string, { organization, id }: HullCredentials, confirmation: Confirmation): void {
    if (!confirmation.ok && confirmation.reason === "unavailable") return;
    // An entry lives through the last millisecond of its time.
    answers.set(key, confirmation, { ttl: (confirmation.ok ? POSITIVE_TTL_MS : negativeTtlMs) - 1 });
    if (!confirmation.ok) return;
    const connector = `${organization}/${id}`;
    const former = right.get(connector);
    // Its secret was rotated: the former one is no longer valid.
    if (former !== undefined && former !== key) answers.delete(former);
    right.set(connector, key);
  }

  async function question(credentials: HullCredentials): Promise<Confirmation> {
    const client = options.hullClientFactory(credentials);
    const askedAtMs = clock();
    try {
      return readAnswer(await client.getApp(), credentials.id, askedAtMs);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      return REFUSED[error.status ?? 0] ?? refuse(503, "unavailable");
    } finally {
      client.close();
    }
  }

  async function ask(key: string, credentials: HullCredentials, known: boolean): Promise<Confirmation> {
    const { organization } = credentials;
    const work = (): Promise<Confirmation> => question(credentials);
    try {
      const confirmation = known ? await work() : await organizations.run(organization, () => all.run(work));
      remember(key, credentials, confirmation);
      return confirmation;
    } catch (error) {
      if (error instanceof GateFullError) return refuse(503, "unavailable");
      throw error;
    } finally {
      asking.delete(key);
    }
  }

  return {
    async confirm(credentials, { known = false, notBeforeMs = -Infinity } = {}) {
      const { organization } = credentials;
      if (!isWellFormed(credentials)) return refuse(401, "malformed_credentials");
      if (!isBareHost(organization) || !options.allowedOrganizations.allows(organization, options.protocol)) {
        return refuse(401, "organization_not_allowed");
      }
      const key = keyOf(credentials);
      const before = answers.get(key);
      if (before !== undefined && (!before.ok || before.askedAtMs >= notBeforeMs)) return before;
      const answer = asking.get(key) ?? ask(key, credentials, known);
      asking.set(key, answer);
      return answer;
    },
    forget: (credentials) => {
      answers.delete(keyOf(credentials));
    },
  };
}

function readAnswer(body: unknown, id: string, askedAtMs: number): Confirmation {
  const connector = parseConnector(body);
  if (connector === undefined) return refuse(503, "unavailable"); // 2xx without a connector is no confirmation
  return connector.id === id ? { ok: true, connector, askedAtMs } : refuse(401, "other_connector");
}

/** By Hull's status. */
const REFUSED: Readonly<Partial<Record<number, Confirmation>>> = {
  401: refuse(401, "wrong_credentials"),
  402: refuse(402, "organization_disabled"),
  403: refuse(401, "wrong_credentials"),
  404: refuse(404, "connector_not_found"),
};

function refuse(status: Extract<Confirmation, { ok: false }>["status"], reason: CredentialRefusal): Confirmation {
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

/** A hash, so that no secret is part of a key that a dump or a log would show. */
function keyOf({ organization, id, secret }: HullCredentials): string {
  return createHash("sha256")
    .update(JSON.stringify([organization, id, secret]))
    .digest("base64url");
}
