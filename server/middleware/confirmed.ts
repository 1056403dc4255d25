/** Hull's word about who asks: a connector that may act, or an answer to send back. */
import type { Request, Response } from "express";
import type { Credentials, Tenant, Tenants } from "../../src/engine/tenants";
import type { Confirmation, CredentialCheck, CredentialRefusal } from "../../src/hull/credentials";
import { parseInstant } from "../../src/hull/instant";
import type { Connector } from "../../src/hull/protocol";
import { refuse, type ErrorStatus, type HttpError } from "../http-error";

/**
 * Finds out for which tenant a request may act. Nothing of the tenant is read or written before.
 *
 * @throws HttpError when it may act for none
 */
export type Authenticate<S> = (request: Request, response: Response) => Promise<Tenant<S>>;

export type Refusal = Extract<Confirmation, { readonly ok: false }>;

export const REFUSALS: Readonly<Record<CredentialRefusal, string>> = {
  malformed_credentials: "The credentials hold characters that cannot be part of them.",
  organization_not_allowed: "This organization may not use this connector; see HULL_ALLOWED_ORGANIZATIONS.",
  wrong_credentials: "Hull refuses the connector's id and secret.",
  organization_disabled: "Hull says that the organization is disabled.",
  connector_not_found: "Hull does not know the connector.",
  other_connector: "Hull says that the credentials belong to another connector.",
  unavailable: "Hull could not be asked whether the credentials are right.",
};

/** How soon it is worth asking again when Hull does not answer. */
const RETRY_AFTER_SECONDS = "30";

/**
 * Has Hull confirm credentials.
 *
 * @param refusal makes the answer where Hull says no
 * @throws HttpError that answer; 503 when Hull cannot be asked
 */
export async function confirm(
  check: CredentialCheck,
  given: Credentials,
  refusal: (refused: Refusal) => HttpError,
): Promise<Connector> {
  const confirmation = await check.confirm(given);
  if (confirmation.ok) return confirmation.connector;
  if (confirmation.reason !== "unavailable") throw refusal(confirmation);
  throw refuse(503, "unavailable", `${REFUSALS.unavailable} Try again.`, {
    headers: { "retry-after": RETRY_AFTER_SECONDS },
  });
}

/** The answer to a refusal: its code and its sentence, and nothing of the credentials. */
export function refusalAnswer(status: ErrorStatus, { reason }: Refusal, headers: HttpError["headers"] = {}): HttpError {
  return refuse(status, reason, REFUSALS[reason], { headers });
}

/** Takes in what Hull has just said about the connector, so that one that never sent a notification works too. */
export function remember<S>(
  tenants: Pick<Tenants<S>, "remember">,
  given: Credentials,
  connector: Connector,
): Promise<Tenant<S>> {
  return tenants.remember(given, connector.private_settings, parseInstant(connector.updated_at) ?? 0);
}
