import { isObject } from "../loopback/call";
import { openToken } from "../loopback/jwt";
import type { Claims, Subject } from "./profiles";

/** What a firehose item's token says (sheet 7.2). */
export interface ItemToken {
  readonly subject: Subject;
  readonly user?: Claims;
  readonly account?: Claims;
}

/** Why a token is refused. */
export class TokenRefused extends Error {
  constructor(
    message: string,
    readonly status: 400 | 401,
  ) {
    super(message);
  }
}

const claimNames = {
  user: ["id", "external_id", "email", "anonymous_id"],
  account: ["id", "external_id", "domain", "anonymous_id"],
} as const;

function claimsOf(subject: Subject, value: unknown): Claims | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return { id: value };
  if (!isObject(value)) throw new TokenRefused(`The claims of the ${subject} are no object.`, 400);
  const claims: Record<string, string> = {};
  for (const name of claimNames[subject]) {
    const claim = value[name];
    if (typeof claim === "string" && claim !== "") claims[name] = claim;
    else if (typeof claim === "number") claims[name] = String(claim);
  }
  // An empty claim set means nobody; the official client produces such tokens without complaint (sheet 7.3).
  if (Object.keys(claims).length === 0) throw new TokenRefused(`The claims of the ${subject} are empty.`, 400);
  return claims;
}

const refusals = {
  malformed: () => new TokenRefused("The token is no JWT.", 400),
  algorithm: () => new TokenRefused("The token is not signed with HS256.", 401),
  signature: () => new TokenRefused("The token is not signed with the connector's secret.", 401),
};

/** Verifies an item's HS256 token against the connector's secret and reads its claims. Throws TokenRefused. */
export function readItemToken(token: unknown, connectorId: string, secret: string): ItemToken {
  if (typeof token !== "string") throw new TokenRefused("An item has no token.", 400);
  const opened = openToken(token, secret, "HS256");
  if ("problem" in opened) throw refusals[opened.problem]();
  const body = opened.claims;
  if (body["iss"] !== connectorId) throw new TokenRefused("The token was issued by another connector.", 401);
  const subject = body["io.hull.subjectType"];
  if (subject !== "user" && subject !== "account") throw new TokenRefused("The token names no subject type.", 400);

  const bareId = typeof body["sub"] === "string" ? body["sub"] : undefined;
  const user = claimsOf("user", body["io.hull.asUser"] ?? (subject === "user" ? bareId : undefined));
  const account = claimsOf("account", body["io.hull.asAccount"] ?? (subject === "account" ? bareId : undefined));
  if ((subject === "user" ? user : account) === undefined) {
    throw new TokenRefused(`The token does not say which ${subject} it means.`, 400);
  }
  return { subject, ...(user && { user }), ...(account && { account }) };
}
