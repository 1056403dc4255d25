import { createHmac, timingSafeEqual } from "node:crypto";
import { isObject } from "../loopback/call";
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

function parsePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as unknown;
  } catch {
    throw new TokenRefused("The token cannot be read.", 400);
  }
}

/** Verifies an item's HS256 token against the connector's secret and reads its claims. Throws TokenRefused. */
export function readItemToken(token: unknown, connectorId: string, secret: string): ItemToken {
  if (typeof token !== "string") throw new TokenRefused("An item has no token.", 400);
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  if (signature === "" || rest.length > 0) throw new TokenRefused("The token is no JWT.", 400);
  const head = parsePart(header);
  if (!isObject(head) || head["alg"] !== "HS256") throw new TokenRefused("The token is not signed with HS256.", 401);
  const expected = createHmac("sha256", secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new TokenRefused("The token is not signed with the connector's secret.", 401);
  }
  const body = parsePart(payload);
  if (!isObject(body)) throw new TokenRefused("The token holds no claims.", 400);
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
