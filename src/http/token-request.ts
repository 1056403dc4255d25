/** The request for an access token, as OAuth 2 wants it (RFC 6749 section 5.1): a form out, `access_token` back. */
import { isObject, jsonIn } from "../json";
import type { HttpClient, HttpRequest } from "./client";
import { UnexpectedAnswer } from "./errors";
import type { AccessToken } from "./token-source";

export interface TokenRequest extends Pick<HttpRequest, "method" | "route" | "headers"> {
  /** The service, for errors. */
  readonly system: string;
  readonly form: Readonly<Record<string, string>>;
}

/**
 * Only the token itself must be there: not every service documents its answer.
 *
 * @param client one that does not repeat: the call that needs the token is tried again as a whole
 * @throws RemoteError; UnexpectedAnswer when a good answer has no token
 */
export async function requestToken(client: HttpClient, request: TokenRequest): Promise<AccessToken> {
  const { system, method, route, form, headers } = request;
  const { body } = await client.request({
    method,
    route,
    body: new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    // A cut answer may hold the beginning of a token, which no error should show.
    expect: "text",
  });
  const token = tokenIn(body);
  if (token === undefined) throw new UnexpectedAnswer(`${system} ${method} ${route} did not answer with a token.`);
  return token;
}

function tokenIn(body: unknown): AccessToken | undefined {
  const answer = jsonIn(body);
  if (!isObject(answer)) return undefined;
  const { access_token: value, expires_in: expires, refresh_token: refreshToken } = answer;
  if (!isToken(value)) return undefined;
  const seconds = typeof expires === "number" || typeof expires === "string" ? Number(expires) : NaN;
  const lifeMs = seconds > 0 ? seconds * 1_000 : undefined;
  return { value, lifeMs, refreshToken: isToken(refreshToken) ? refreshToken : undefined };
}

/** It must fit into a header. */
const isToken = (value: unknown): value is string => typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
