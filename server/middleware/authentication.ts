/**
 * The one door: however a route gets its credentials, they are named, throttled and confirmed by Hull in the same way.
 * Before that, nothing of a tenant is read or written, except to check whether these are its last credentials.
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Request } from "express";
import type { Credentials, Tenant, Tenants } from "../../src/engine/tenants";
import { nameOfHost, type Protocol } from "../../src/http/guards/hosts";
import type { Confirmation, ConfirmOptions, CredentialCheck } from "../../src/hull/auth/credentials";
import type { Connector } from "../../src/hull/protocol/notification";
import { isAttributes } from "../../src/hull/protocol/shapes";
import { parseInstant } from "../../src/instant";
import { refuse, type ErrorStatus, type HttpError } from "../http-error";
import { setRateLimit } from "./rate-limits";
import { createThrottle, type Throttle, type ThrottleLimits } from "./throttle";

/**
 * Finds out for which tenant a request may act.
 *
 * @throws HttpError when it may act for none
 */
export type Authenticate<S> = (request: Request) => Promise<Tenant<S>>;

export type Refusal =
  | Extract<Confirmation, { readonly ok: false }>
  | { readonly ok: false; readonly status: 403; readonly reason: "other_kind" };

type Confirmed = Extract<Confirmation, { readonly ok: true }>;
type Answer = Confirmed | Refusal;

/** Slows down guessing. */
export type Logins = Throttle<Answer>;

/** @param limits how many log-ins may fail; `LOGIN_LIMITS` by default */
export function createLogins(limits?: ThrottleLimits): Logins {
  return createThrottle<Answer>((answer) => !answer.ok && GUESSES.includes(answer.reason), limits);
}

export interface AuthenticatorOptions<S> {
  readonly credentials: CredentialCheck;
  readonly tenants: Pick<Tenants<S>, "remember" | "knows" | "keyOf">;
  /** `source` of our manifest. */
  readonly source: string;
  /** Used towards Hull, so the default port is dropped. */
  readonly protocol: Protocol;
  /** Of all services together: otherwise each of them would allow as many guesses. */
  readonly logins: Logins;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Somebody who was let in, and what Hull says about the connector. */
export interface Visitor extends Pick<Confirmed, "connector" | "askedAtMs"> {
  /** The organization in its canonical spelling. */
  readonly credentials: Credentials;
}

export interface Authenticator<S> {
  /**
   * @param refusal makes the answer when Hull says no
   * @param onKnown called with the tenant's key when these are its last credentials, before Hull is asked
   * @throws HttpError that answer; 429 after too many failures; 503 when Hull cannot be asked
   */
  enter(
    request: Request,
    given: Credentials,
    refusal: (refused: Refusal) => HttpError,
    onKnown?: (key: string) => void,
  ): Promise<Visitor>;
  /** Stores what Hull said about the connector, so that one that never sent a notification works too. */
  remember(visitor: Visitor): Promise<Tenant<S>>;
  /**
   * The same for a notification, which brings the connector along. Where its settings are later than those in Hull's
   * last answer, Hull is asked again, and its new answer takes precedence.
   *
   * @throws HttpError as `enter`
   */
  rememberNotified(visitor: Visitor, notified: Connector, refusal: (refused: Refusal) => HttpError): Promise<Tenant<S>>;
}

export const REFUSALS: Readonly<Record<Refusal["reason"], string>> = {
  malformed_credentials: "The credentials contain characters that are not allowed in them.",
  organization_not_allowed:
    "This organization may not use this connector. If its address is right, such as acme.hullapp.io, ask those who run this server to allow it.",
  wrong_credentials: "Hull refuses the connector's id and secret.",
  organization_disabled: "Hull says that the organization is disabled.",
  connector_not_found: "Hull does not know the connector.",
  other_connector: "Hull says that the credentials belong to another connector.",
  other_kind: "These are the credentials of another kind of connector.",
  unavailable: "Hull could not be asked whether the credentials are right.",
};

/** Refusals that suggest guessing; the others had right credentials, or showed nothing about them. */
const GUESSES: readonly Refusal["reason"][] = [
  "malformed_credentials",
  "wrong_credentials",
  "connector_not_found",
  "other_connector",
];
/** How soon to ask again when Hull does not answer. */
const RETRY_AFTER_SECONDS = "30";
/** Number of connectors whose last checked settings are remembered. */
const MAX_ASKED = 10_000;

export function createAuthenticator<S>(options: AuthenticatorOptions<S>): Authenticator<S> {
  const { credentials, tenants, source, protocol, logins, now } = options;
  /** By connector, the notification settings that made us ask Hull again. */
  const asked = new LRUCache<string, string>({ maxSize: MAX_ASKED, sizeCalculation: () => 1 });

  async function ask(given: Credentials, how: ConfirmOptions): Promise<Answer> {
    const answer = await credentials.confirm(given, how);
    const isOther = answer.ok && isOfAnotherKind(answer.connector, source);
    return isOther ? { ok: false, status: 403, reason: "other_kind" } : answer;
  }

  async function confirmed(request: Request, given: Credentials, onKnown?: (key: string) => void): Promise<Answer> {
    const { organization, id, secret } = given;
    if (await tenants.knows(given)) {
      onKnown?.(tenants.keyOf(given));
      return ask(given, { known: true });
    }
    const address = request.ip ?? "0.0.0.0";
    const attempt = {
      address,
      connector: `${organization}/${id}`,
      // The same may be right for one service, and of another kind for the next.
      credentials: hash("sha256", JSON.stringify([source, organization, id, secret])),
    };
    try {
      return await logins.during(attempt, () => ask(given, {}));
    } finally {
      setRateLimit(request.res, await logins.limitOf(address));
    }
  }

  /** @throws HttpError when Hull did not confirm */
  function admit(answer: Answer, refusal: (refused: Refusal) => HttpError): Confirmed {
    if (answer.ok) return answer;
    if (answer.reason !== "unavailable") throw refusal(answer);
    const headers = { "retry-after": RETRY_AFTER_SECONDS };
    throw refuse(503, "unavailable", `${REFUSALS.unavailable} Try again.`, { headers });
  }

  /**
   * The notification's settings if they are later than Hull's answer, differ from it, and Hull was not asked about them
   * yet.
   */
  function markOfNews({ credentials, connector }: Visitor, notified: Connector): string | undefined {
    if (savedAtMs(notified) <= savedAtMs(connector)) return undefined;
    const settings = JSON.stringify(notified.private_settings);
    if (settings === JSON.stringify(connector.private_settings)) return undefined;
    const mark = hash("sha256", `${String(notified.updated_at)} ${settings}`);
    return asked.get(tenants.keyOf(credentials)) === mark ? undefined : mark;
  }

  /**
   * Hull's answer replaces what is stored, whatever its date. An answer without settings replaces nothing; it only
   * makes an unknown connector known.
   */
  const remember: Authenticator<S>["remember"] = ({ credentials: given, connector, askedAtMs }) => {
    const atMs = savedAtMs(connector);
    if (isSilent(connector)) return tenants.remember(given, undefined, atMs);
    return tenants.remember(given, connector.private_settings, atMs, { savedAtMs: atMs, askedAtMs });
  };

  return {
    remember,
    enter: async (request, spelled, refusal, onKnown) => {
      const given = { ...spelled, organization: nameOfHost(spelled.organization, protocol) };
      const { connector, askedAtMs } = admit(await confirmed(request, given, onKnown), refusal);
      return { credentials: given, connector, askedAtMs };
    },
    rememberNotified: async (visitor, notified, refusal) => {
      const { credentials: given } = visitor;
      let latest = visitor;
      const atMs = savedAtMs(notified);
      if (isSilent(latest.connector)) return tenants.remember(given, notified.private_settings, atMs);
      const mark = markOfNews(visitor, notified);
      if (mark !== undefined) {
        latest = { credentials: given, ...admit(await ask(given, { known: true, notBeforeMs: now() }), refusal) };
        asked.set(tenants.keyOf(given), mark);
      }
      const hull = { savedAtMs: savedAtMs(latest.connector), askedAtMs: latest.askedAtMs };
      if (atMs > hull.savedAtMs) return remember(latest);
      return tenants.remember(given, notified.private_settings, atMs, hull);
    },
  };
}

/** The answer to a refusal: its code and its sentence, and nothing of the credentials. */
export function refusalAnswer(status: ErrorStatus, { reason }: Refusal, headers: HttpError["headers"] = {}): HttpError {
  return refuse(status, reason, REFUSALS[reason], { headers });
}

/** When the settings were saved, milliseconds since 1970; 0 when that is not known. */
function savedAtMs(connector: Connector): number {
  return parseInstant(connector.updated_at) ?? 0;
}

/** Every connector of an organization has an id and a secret; only those of our manifest are served here. */
function isOfAnotherKind({ manifest: installed }: Connector, ours: string): boolean {
  const source = isAttributes(installed) ? installed["source"] : undefined;
  return typeof source === "string" && source !== ours;
}

/** Hull's answer says nothing about the settings. */
function isSilent({ private_settings }: Connector): boolean {
  return Object.keys(private_settings).length === 0;
}
