// The token of each firehose item, which says whom it is about.
// https://www.hull.io/docs/reference/identity_resolution/
import { signJwt } from "../../http/jwt";

type Claim = string | number | null | undefined;

const USER_CLAIMS = ["id", "email", "external_id", "anonymous_id"] as const;
const ACCOUNT_CLAIMS = ["id", "external_id", "domain", "anonymous_id"] as const;

/** At least one is required; null, undefined and blank ones are dropped. */
export type UserClaims = Readonly<Partial<Record<(typeof USER_CLAIMS)[number], Claim>>>;
export type AccountClaims = Readonly<Partial<Record<(typeof ACCOUNT_CLAIMS)[number], Claim>>>;

export interface SubjectOptions {
  /** Connector id. */
  readonly id: string;
  /** Connector secret; signs the token. */
  readonly secret: string;
  /** Whose attributes the item sets. */
  readonly subject: "user" | "account";
  readonly user?: UserClaims | undefined;
  readonly account?: AccountClaims | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export class EmptyClaimsError extends Error {
  override readonly name = "EmptyClaimsError";
  constructor(readonly subject: "user" | "account") {
    const names = subject === "user" ? USER_CLAIMS : ACCOUNT_CLAIMS;
    super(`No claim identifies the ${subject}: give at least one of ${names.join(", ")}.`);
  }
}

/**
 * The HS256 token of one item.
 *
 * @throws EmptyClaimsError when the subject, or the other entity if there is one, has no usable claim: Hull would accept
 *   such a token and attach the attributes to nobody.
 */
export function signSubject(options: SubjectOptions): string {
  const { subject } = options;
  const user = claimsOf("user", options.user, USER_CLAIMS, subject);
  const account = claimsOf("account", options.account, ACCOUNT_CLAIMS, subject);
  const sub = (subject === "user" ? user : account)?.["id"];
  return signJwt(
    "HS256",
    {
      iss: options.id,
      iat: Math.floor(options.now / 1_000),
      sub,
      "io.hull.asUser": user,
      "io.hull.asAccount": account,
      "io.hull.subjectType": subject,
    },
    options.secret,
  );
}

function claimsOf<Name extends string>(
  entity: "user" | "account",
  given: { readonly [Key in Name]?: Claim } | undefined,
  names: readonly Name[],
  subject: "user" | "account",
): Record<string, string> | undefined {
  if (given === undefined && entity !== subject) return undefined;
  const claims: Record<string, string> = {};
  for (const name of names) {
    const value: Claim = given?.[name];
    const text = String(value ?? "");
    if (text.trim() !== "") claims[name] = text;
  }
  if (Object.keys(claims).length === 0) throw new EmptyClaimsError(entity);
  return claims;
}
