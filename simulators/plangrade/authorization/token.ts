/** The token endpoint (sheet 1, 2; RFC 6749 §4.1.3, §5.2, §6). */
import type { Reply } from "../../loopback/call";
import type { Arrival } from "../../loopback/server";
import { readForm, type Fields } from "../body";
import type { Books } from "../books";
import { page } from "../failures";
import type { PlangradeSwitches } from "../switches";
import type { Application, Grants, Pair } from "./grants";

export interface TokenDeps {
  readonly applications: ReadonlyMap<string, Application>;
  readonly grants: Pick<Grants, "exchange" | "refresh">;
  readonly books: Pick<Books, "token" | "refresh">;
  readonly switches: Readonly<PlangradeSwitches>;
  readonly tokenLifeMs: number;
}

type OAuthError = "invalid_client" | "invalid_grant" | "invalid_request" | "unsupported_grant_type";

const ERROR_TEXTS: Readonly<Record<OAuthError, string>> = {
  invalid_client: "Client authentication failed due to unknown client or unsupported authentication method.",
  invalid_grant: "The provided authorization grant is invalid, expired, revoked, or was issued to another client.",
  invalid_request: "The request is missing a required parameter or is otherwise malformed.",
  unsupported_grant_type: "The authorization grant type is not supported by the authorization server.",
};

/** Whether an application of this key has this secret. */
export function isApplication(applications: ReadonlyMap<string, Application>, sent: Fields): boolean {
  const secret = sent.get("client_secret") ?? "";
  return secret !== "" && applications.get(sent.get("client_id") ?? "")?.secret === secret;
}

/** Creates the handler of a POST to the token endpoint. */
export function createTokenEndpoint({ applications, grants, books, switches, tokenLifeMs }: TokenDeps) {
  return (arrival: Arrival): Reply => {
    const outcome = issue(readForm(arrival), arrival.receivedAt);
    books.token(typeof outcome !== "string");
    return typeof outcome === "string" ? refusal(outcome) : success(outcome);
  };

  function issue(sent: Fields, atMs: number): Pair | OAuthError {
    const grantType = sent.get("grant_type");
    if (grantType === undefined) return "invalid_request";
    if (!isApplication(applications, sent)) return "invalid_client";
    const key = sent.get("client_id") ?? "";
    switch (grantType) {
      case "authorization_code": {
        const [code, redirectUri] = [sent.get("code"), sent.get("redirect_uri")];
        if (code === undefined || redirectUri === undefined) return "invalid_request";
        return grants.exchange(code, { key, redirectUri }, atMs) ?? "invalid_grant";
      }
      case "refresh_token": {
        const token = sent.get("refresh_token");
        if (token === undefined) return "invalid_request";
        const pair = grants.refresh(token, key, atMs);
        if (pair !== undefined) books.refresh(token, "granted");
        return pair ?? "invalid_grant";
      }
      default:
        return "unsupported_grant_type";
    }
  }

  function success({ accessToken: access_token, refreshToken: refresh_token }: Pair): Reply {
    const expires_in = tokenLifeMs / 1_000;
    const bodies = {
      full: { access_token, expires_in, refresh_token, token_type: "bearer" },
      "text-expiry": { access_token, expires_in: String(expires_in), refresh_token, token_type: "bearer" },
      bare: { access_token, refresh_token },
    };
    return { status: 200, body: bodies[switches.tokenAnswer], headers: NO_STORE };
  }

  function refusal(error: OAuthError): Reply {
    const status = error === "invalid_client" ? 401 : error === "invalid_grant" ? switches.grantRefusal : 400;
    if (switches.tokenErrors === "html") return { ...page(status, ERROR_TEXTS[error]), headers: NO_STORE };
    return { status, body: { error, error_description: ERROR_TEXTS[error] }, headers: NO_STORE };
  }
}

const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" };
