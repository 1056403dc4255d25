/**
 * Credentials of the routes that Hull calls by address: `organization`, `ship` (or `id`) and `secret` in the query, or
 * a token of ours in `hullToken` or `token`.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Request } from "express";
import { z } from "zod";
import type { Credentials } from "../../src/engine/tenants";
import { decodeToken } from "../../src/hull/auth/jwt";
import type { Attributes } from "../../src/hull/protocol/shapes";
import { idParameter, parameter } from "../../src/input";
import { refuse } from "../http-error";
import { refusalAnswer, type Authenticate, type Authenticator } from "./authentication";
import { readInput } from "./input";

export interface QueryCredentialOptions<S> {
  readonly authenticator: Authenticator<S>;
  /** Key that signs tokens in the query. */
  readonly tokenKey: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const REMEDY = "Call the address as Hull does, with organization, ship and secret of the installed connector.";

const DAMAGED = "Ask for a new address: this one was damaged in transit.";

const WORDS = {
  code: "unreadable_credentials",
  problem: "The connector's credentials cannot be read",
  remedies: { organization: REMEDY, ship: REMEDY, id: REMEDY, secret: REMEDY, hullToken: DAMAGED, token: DAMAGED },
};

const tokens = z.object({ hullToken: parameter.optional(), token: parameter.optional() });

const named = z
  .object({
    organization: idParameter,
    ship: idParameter,
    id: idParameter.optional(),
    secret: parameter,
  })
  .refine(({ ship, id = ship }) => id === ship, { path: ["id"], message: "differs from ship" });

const TOKEN_REFUSALS = {
  invalid_token: "The token in the address is not one of ours, or it never expires.",
  expired_token: "The token in the address has expired; ask for a new address.",
} as const;

/**
 * Refusals have the status of `hull/auth/credentials.ts`: 401, 402 for a disabled organization, 404 for an unknown
 * connector; 400 when credentials are missing or cannot be read.
 */
export function createQueryCredentials<S>(options: QueryCredentialOptions<S>): Authenticate<S> {
  const { authenticator, tokenKey, now } = options;
  return async (request) => {
    const given = credentialsOf(request);
    return authenticator.remember(
      await authenticator.enter(request, given, (refused) => refusalAnswer(refused.status, refused)),
    );
  };

  function credentialsOf({ query }: Request): Credentials {
    const { hullToken, token = hullToken } = readInput(tokens, query, WORDS);
    if (token === undefined) return credentialsIn(query);
    const reading = readConnectorToken(token, tokenKey, now());
    if (typeof reading === "string") throw refuse(401, reading, TOKEN_REFUSALS[reading]);
    return credentialsIn(reading);
  }
}

/**
 * Reads a token of ours that stands for a connector's credentials: HS256 over `{organization, ship, secret, exp}`. It
 * contains the secret readably, so it must expire.
 *
 * @returns its payload, or the code of what is wrong with it
 */
export function readConnectorToken(
  token: string,
  key: string,
  nowMs: number,
): Attributes | keyof typeof TOKEN_REFUSALS {
  const decoded = decodeToken(token);
  // We choose the algorithm; the one that the token names is only compared.
  if (decoded?.header["alg"] !== "HS256") return "invalid_token";
  const expected = createHmac("sha256", key).update(decoded.signedPart).digest();
  const { signature, payload } = decoded;
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return "invalid_token";
  const { exp } = payload;
  // A token that never expires would be a permanent secret.
  if (typeof exp !== "number" || !Number.isFinite(exp)) return "invalid_token";
  return exp * 1_000 > nowMs ? payload : "expired_token";
}

/** `id` is another name of `ship`; some callers send both. */
function credentialsIn(given: Attributes): Credentials {
  const { organization, ship, secret } = readInput(named, { ...given, ship: given["ship"] ?? given["id"] }, WORDS);
  return { organization, id: ship, secret };
}
