/**
 * Who uses the internal API: `Authorization: Basic <connector id>:<connector secret>`, and the organization as `org` in
 * the query. Hull confirms the three on every request; 400, 401 and 403 as the requirements have them (A14).
 */
import { createHash } from "node:crypto";
import type { Request } from "express";
import { z } from "zod";
import manifest from "../../manifest.json";
import type { Credentials, Tenants } from "../../src/engine/tenants";
import type { CredentialCheck, CredentialRefusal } from "../../src/hull/credentials";
import type { Connector } from "../../src/hull/protocol";
import { isAttributes } from "../../src/hull/shapes";
import { refuse } from "../http-error";
import { confirm, refusalAnswer, remember, type Authenticate } from "./confirmed";
import { idParameter, isId, readInput } from "./input";
import { createThrottle, type ThrottleLimits } from "./throttle";

export interface BasicAuthOptions<S> {
  readonly credentials: CredentialCheck;
  readonly tenants: Pick<Tenants<S>, "remember">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How many log-ins may fail; see `LOGIN_LIMITS`. */
  readonly loginLimits?: ThrottleLimits | undefined;
}

export const LOGIN_LIMITS: ThrottleLimits = { windowMs: 60_000, perAddress: 20, perConnector: 20 };

const CHALLENGE = { "www-authenticate": 'Basic realm="Hull connector", charset="UTF-8"' };

const WORDS = {
  code: "invalid_organization",
  problem: "The organization cannot be told",
  remedies: { org: "Add ?org=<your organization>, the host name of your Hull organization and nothing else." },
};

/** A host, perhaps with a port: nothing that could continue an address. Capitals mean the same. */
export const organizationQuery = z.object({
  org: idParameter
    .regex(/^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i, "must be a host name")
    .toLowerCase()
    .meta({
      description: "The host name of your Hull organization.",
      pattern: undefined,
      examples: ["acme.hullapp.io"],
    }),
});

/** Right credentials that may not be used here; everything else is a failed log-in. */
const FORBIDDEN: readonly CredentialRefusal[] = ["organization_not_allowed", "organization_disabled"];

/** The log-in of the internal API; one for all of its routes, since failures are counted together. */
export function createBasicAuth<S>(options: BasicAuthOptions<S>): Authenticate<S> {
  const throttle = createThrottle({
    limits: options.loginLimits ?? LOGIN_LIMITS,
    connectorOf: (request) => loginOf(request)?.id ?? "",
    now: options.now,
  });

  return async (request, response) => {
    const { org: organization } = readInput(organizationQuery, request.query, WORDS);
    const login = loginOf(request);
    if (login === undefined) {
      throw refuse(401, "missing_credentials", "Log in with the connector's id as user and its secret as password.", {
        headers: CHALLENGE,
      });
    }
    const given = { organization, ...login };
    const connector = await throttle.during(request, response, nameOf(given), async () => {
      const confirmed = await confirm(options.credentials, given, (refused) =>
        FORBIDDEN.includes(refused.reason) ? refusalAnswer(403, refused) : refusalAnswer(401, refused, CHALLENGE),
      );
      if (isOfAnotherKind(confirmed)) {
        throw refuse(403, "other_kind", "These are the credentials of another kind of connector.");
      }
      return confirmed;
    });
    return remember(options.tenants, given, connector);
  };
}

/** Undefined without a log-in that could be one. */
function loginOf(request: Request): Pick<Credentials, "id" | "secret"> | undefined {
  const [, encoded = ""] = /^basic +([\w+/=-]+) *$/i.exec(request.get("authorization") ?? "") ?? [];
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const id = text.slice(0, Math.max(0, colon));
  const secret = text.slice(colon + 1);
  return isId(id) && secret !== "" ? { id, secret } : undefined;
}

/** Names credentials without showing them. */
function nameOf({ organization, id, secret }: Credentials): string {
  return createHash("sha256")
    .update(JSON.stringify([organization, id, secret]))
    .digest("base64url");
}

/** Every connector of an organization has an id and a secret; only those installed from our manifest belong here. */
function isOfAnotherKind({ manifest: installed }: Connector): boolean {
  const source = isAttributes(installed) ? installed["source"] : undefined;
  return typeof source === "string" && source !== manifest.source;
}
