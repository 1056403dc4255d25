/**
 * The one door: whatever route credentials come by, they are named alike, throttled alike and confirmed by Hull. Nothing of
 * a tenant is read or written before, but whether these are the credentials that it had last.
 */
import { hash } from "node:crypto";
import type { Request, Response } from "express";
import manifest from "../../manifest.json";
import type { Credentials, Tenant, Tenants } from "../../src/engine/tenants";
import { nameOfHost, type Protocol } from "../../src/http/hosts";
import type { Confirmation, ConfirmOptions, CredentialCheck, CredentialRefusal } from "../../src/hull/credentials";
import type { Connector } from "../../src/hull/protocol";
import { isAttributes } from "../../src/hull/shapes";
import { parseInstant } from "../../src/instant";
import { refuse, type ErrorStatus, type HttpError } from "../http-error";
import { createThrottle, type ThrottleLimits } from "./throttle";

/**
 * Finds out for which tenant a request may act.
 *
 * @throws HttpError when it may act for none
 */
export type Authenticate<S> = (request: Request, response: Response) => Promise<Tenant<S>>;

export interface Refusal {
  readonly ok: false;
  readonly status: 401 | 402 | 403 | 404 | 503;
  readonly reason: CredentialRefusal | "other_kind";
}

type Confirmed = Extract<Confirmation, { readonly ok: true }>;
type Answer = Confirmed | Refusal;

export interface DoorOptions<S> {
  readonly credentials: CredentialCheck;
  readonly tenants: Pick<Tenants<S>, "remember" | "knows">;
  /** Towards Hull: its default port belongs to no name. */
  readonly protocol: Protocol;
  /** How many log-ins may fail; see `LOGIN_LIMITS`. */
  readonly loginLimits?: ThrottleLimits | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Somebody who was let in. */
export interface Visitor {
  /** The organization by its one name. */
  readonly credentials: Credentials;
  /** What Hull says about the connector. */
  readonly connector: Connector;
}

export interface Door<S> {
  /**
   * @param refusal makes the answer where Hull says no
   * @throws HttpError that answer; 429 after too many failures; 503 when Hull cannot be asked
   */
  enter(request: Request, given: Credentials, refusal: (refused: Refusal) => HttpError): Promise<Visitor>;
  /** Takes in what Hull has said about the connector, so that one that never sent a notification works too. */
  remember(visitor: Visitor): Promise<Tenant<S>>;
  /**
   * The same for a notification, which brings the connector along. Where its settings are later than those that Hull has
   * answered with, Hull is asked again; what it answers then counts more.
   *
   * @throws HttpError as `enter`
   */
  rememberNotified(visitor: Visitor, notified: Connector, refusal: (refused: Refusal) => HttpError): Promise<Tenant<S>>;
}

export const REFUSALS: Readonly<Record<Refusal["reason"], string>> = {
  malformed_credentials: "The credentials hold characters that cannot be part of them.",
  organization_not_allowed: "This organization may not use this connector; see HULL_ALLOWED_ORGANIZATIONS.",
  wrong_credentials: "Hull refuses the connector's id and secret.",
  organization_disabled: "Hull says that the organization is disabled.",
  connector_not_found: "Hull does not know the connector.",
  other_connector: "Hull says that the credentials belong to another connector.",
  other_kind: "These are the credentials of another kind of connector.",
  unavailable: "Hull could not be asked whether the credentials are right.",
};

/** How soon it is worth asking again when Hull does not answer. */
const RETRY_AFTER_SECONDS = "30";
/** Connectors whose last settings that Hull was asked about are remembered. */
const MAX_ASKED = 10_000;

export function createDoor<S>({ credentials, tenants, protocol, loginLimits, now }: DoorOptions<S>): Door<S> {
  const throttle = createThrottle(loginLimits);
  /** By connector, the settings of a notification because of which Hull was asked again. */
  const asked = new Map<string, string>();

  async function ask(given: Credentials, options: ConfirmOptions): Promise<Answer> {
    const answer = await credentials.confirm(given, options);
    const isOther = answer.ok && isOfAnotherKind(answer.connector);
    return isOther ? { ok: false, status: 403, reason: "other_kind" } : answer;
  }

  async function confirmed(request: Request, given: Credentials): Promise<Answer> {
    if (await tenants.knows(given)) return ask(given, { known: true });
    const { organization, id, secret } = given;
    const attempt = {
      address: request.ip ?? "0.0.0.0",
      connector: `${organization}/${id}`,
      credentials: hash("sha256", JSON.stringify([organization, id, secret])),
    };
    return throttle.during(
      attempt,
      () => ask(given, {}),
      (answer) => !answer.ok && answer.reason !== "unavailable",
    );
  }

  /** @throws HttpError when Hull did not confirm */
  function admit(answer: Answer, refusal: (refused: Refusal) => HttpError): Confirmed {
    if (answer.ok) return answer;
    if (answer.reason !== "unavailable") throw refusal(answer);
    throw refuse(503, "unavailable", `${REFUSALS.unavailable} Try again.`, {
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  }

  /** Whether a notification's settings are later than Hull's answer, other ones, and were not asked about before. */
  function isNews({ organization, id }: Credentials, connector: Connector, notified: Connector): boolean {
    if (datingOf(notified) <= datingOf(connector)) return false;
    const settings = JSON.stringify(notified.private_settings);
    if (settings === JSON.stringify(connector.private_settings)) return false;
    const key = `${organization}/${id}`;
    const mark = hash("sha256", `${String(notified.updated_at)} ${settings}`);
    if (asked.get(key) === mark) return false;
    asked.delete(key);
    asked.set(key, mark);
    const [oldest] = asked.keys();
    if (asked.size > MAX_ASKED && oldest !== undefined) asked.delete(oldest);
    return true;
  }

  /** What Hull answers counts whatever is stored, unless it says nothing about the settings. */
  const remember: Door<S>["remember"] = ({ credentials: given, connector }) => {
    const atMs = datingOf(connector);
    return tenants.remember(given, connector.private_settings, atMs, isSilent(connector) ? Infinity : atMs);
  };

  return {
    remember,
    enter: async (request, spelled, refusal) => {
      const given = { ...spelled, organization: nameOfHost(spelled.organization, protocol) };
      const { connector } = admit(await confirmed(request, given), refusal);
      return { credentials: given, connector };
    },
    rememberNotified: async (visitor, notified, refusal) => {
      const { credentials: given } = visitor;
      let { connector } = visitor;
      if (isSilent(connector)) return tenants.remember(given, notified.private_settings, datingOf(notified));
      if (isNews(given, connector, notified)) {
        connector = admit(await ask(given, { known: true, notBeforeMs: now() }), refusal).connector;
      }
      const latestMs = datingOf(connector);
      if (datingOf(notified) > latestMs) return remember({ credentials: given, connector });
      return tenants.remember(given, notified.private_settings, datingOf(notified), latestMs);
    },
  };
}

/** The answer to a refusal: its code and its sentence, and nothing of the credentials. */
export function refusalAnswer(status: ErrorStatus, { reason }: Refusal, headers: HttpError["headers"] = {}): HttpError {
  return refuse(status, reason, REFUSALS[reason], { headers });
}

/** When the settings were saved, milliseconds since 1970; 0 when it is not told. */
function datingOf(connector: Connector): number {
  return parseInstant(connector.updated_at) ?? 0;
}

/** Every connector of an organization has an id and a secret; only those installed from our manifest belong here. */
function isOfAnotherKind({ manifest: installed }: Connector): boolean {
  const source = isAttributes(installed) ? installed["source"] : undefined;
  return typeof source === "string" && source !== manifest.source;
}

/** Hull's answer says nothing about the settings. */
function isSilent({ private_settings }: Connector): boolean {
  return Object.keys(private_settings).length === 0;
}
