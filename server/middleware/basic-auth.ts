/**
 * Log-in of the internal API: `Authorization: Basic <connector id>:<connector secret>`, and the organization as `org`
 * in the query. Hull confirms the three; a yes counts for five minutes. Refusals are 400, 401 and 403.
 */
import type { Request } from "express";
import type { Credentials } from "../../src/engine/tenants";
import { isId } from "../../src/input";
import { refuse } from "../http-error";
import { refusalAnswer, type Authenticate, type Authenticator, type Refusal } from "./authentication";
import { basicOf } from "./authorization";
import { readInput } from "./input";
import { ORGANIZATION_REMEDY, organizationQuery } from "./organization";
import { assertOwnSite } from "./own-site";

/** How a browser is asked for a log-in. */
export const CHALLENGE = { "www-authenticate": 'Basic realm="Hull connector", charset="UTF-8"' };

const WORDS = {
  code: "invalid_organization",
  problem: "The organization cannot be read",
  remedies: { org: `Add ?org=<your organization> to the address. ${ORGANIZATION_REMEDY}` },
};

/** The credentials are right but not allowed here; everything else is a failed log-in. */
const FORBIDDEN: readonly Refusal["reason"][] = ["organization_not_allowed", "organization_disabled", "other_kind"];

/** The log-in of the internal API. */
export function createBasicAuth<S>(
  authenticator: Authenticator<S>,
  corsOrigins: readonly string[] = [],
): Authenticate<S> {
  const origins = new Set(corsOrigins);
  return async (request) => {
    // A browser sends the remembered log-in for any page; reading changes nothing, and no other page sees it.
    if (!["GET", "HEAD"].includes(request.method)) assertOwnSite(request, origins);
    const { org: organization } = readInput(organizationQuery, request.query, WORDS);
    const login = loginOf(request);
    if (login === undefined) {
      throw refuse(401, "missing_credentials", "Log in with the connector's id as user and its secret as password.", {
        headers: CHALLENGE,
      });
    }
    const visitor = await authenticator.enter(request, { organization, ...login }, (refused) =>
      FORBIDDEN.includes(refused.reason) ? refusalAnswer(403, refused) : refusalAnswer(401, refused, CHALLENGE),
    );
    return authenticator.remember(visitor);
  };
}

/** Undefined without a usable log-in. */
function loginOf(request: Request): Pick<Credentials, "id" | "secret"> | undefined {
  const { user: id, password: secret } = basicOf(request.get("authorization")) ?? { user: "", password: "" };
  return isId(id) && secret !== "" ? { id, secret } : undefined;
}
