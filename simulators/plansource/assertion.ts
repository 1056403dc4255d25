/** The assertion with which an API user asks for a token (sheet 3; RFC 7523 §3). */
import { openToken } from "../loopback/jwt";
import type { PlanSourceSwitches } from "./switches";

export interface ApiUser {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly loggedInUser: string;
}

/** How well the clocks of client and server must agree. Milliseconds. */
export interface AssertionLimits {
  /** How far the clock of a client may be off. */
  readonly leewayMs: number;
  /** How far in the future an assertion may end. */
  readonly longestMs: number;
}

export interface AssertionCheck extends AssertionLimits {
  readonly form: URLSearchParams;
  readonly user: ApiUser;
  /** Whom it must be for. */
  readonly hostName: string;
  readonly nowMs: number;
  readonly switches: Readonly<PlanSourceSwitches>;
  /** Remembers a `jti`; false when it was there already. */
  readonly isNewId: (jti: string) => boolean;
}

const SIGNATURE_TEXTS = {
  malformed: "client_assertion is not a token",
  algorithm: "token is signed with another algorithm",
  signature: "signature verification failed",
} as const;

/** Why an assertion is refused; undefined when it is good. */
export function problemWithAssertion(check: AssertionCheck): string | undefined {
  const { form, user, hostName, nowMs, switches, leewayMs, longestMs } = check;
  const opened = openToken(form.get("client_assertion") ?? "", user.clientSecret, switches.algorithm);
  if ("problem" in opened) return SIGNATURE_TEXTS[opened.problem];
  const { iss, sub, aud, exp, iat, nbf, jti, scopes, logged_in_user: claimed } = opened.claims;
  if (typeof iss !== "string" || iss === "") return "iss is missing";
  if (sub !== user.clientId) return "sub is not the client_id";
  if (aud !== hostName) return `aud is not ${hostName}`;
  if (typeof exp !== "number") return "exp is missing";
  if (exp * 1_000 + leewayMs <= nowMs) return "token has expired";
  if (exp * 1_000 > nowMs + longestMs + leewayMs) return "exp is too far in the future";
  const isEarly = [iat, nbf].some((begin) => typeof begin === "number" && begin * 1_000 > nowMs + leewayMs);
  if (isEarly) return "token is not valid yet";
  if (typeof scopes !== "string" || !scopes.split(" ").includes("admin_api_v2")) return "scopes is not admin_api_v2";
  const loggedIn = switches.loggedInUserIn === "claim" ? claimed : form.get("logged_in_user");
  if (loggedIn !== user.loggedInUser) return "logged_in_user is unknown";
  if (typeof jti !== "string" || jti === "") return "jti is missing";
  return check.isNewId(jti) ? undefined : "jti was used before";
}
