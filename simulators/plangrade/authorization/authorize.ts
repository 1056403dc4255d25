/** The page on which a person grants an application access, or does not (sheet 1, 2). */
import { html, type Reply } from "../../loopback/call";
import type { Arrival } from "../../loopback/server";
import { readForm, type Fields } from "../body";
import type { Books } from "../books";
import { escaped, page } from "../failures";
import type { RecordsState } from "../records/records";
import type { Application, Grants } from "./grants";

export interface AuthorizeDeps {
  readonly applications: ReadonlyMap<string, Application>;
  readonly records: Pick<RecordsState, "users">;
  readonly grants: Pick<Grants, "code">;
  readonly books: Pick<Books, "codeIssued">;
}

/** What the link of an application asks for (RFC 6749 §4.1.1). */
interface AuthorizationRequest {
  readonly application: Application;
  readonly redirectUri: string;
  readonly state: string | undefined;
}

const PARAMETERS = ["client_id", "response_type", "redirect_uri", "state", "scope"] as const;

/** Creates the handler of the page: GET shows the form, POST is its answer. */
export function createAuthorizePage({ applications, records, grants, books }: AuthorizeDeps) {
  return (arrival: Arrival): Reply => {
    const sent: Fields = arrival.method === "POST" ? readForm(arrival) : new Map(arrival.query);
    const request = requestIn(sent);
    if ("status" in request) return request;
    if (sent.get("response_type") !== "code") return back(request, { error: "unsupported_response_type" });
    return arrival.method === "POST" ? decide(request, sent, arrival.receivedAt) : form(request, sent, arrival.path);
  };

  /** One that names no application or a place that is not registered for it leads nowhere, not even back. */
  function requestIn(sent: Fields): AuthorizationRequest | Reply {
    const application = applications.get(sent.get("client_id") ?? "");
    if (application === undefined) return page(401, "The application is unknown.");
    const redirectUri = sent.get("redirect_uri") ?? "";
    if (!application.redirectUris.includes(redirectUri)) {
      return page(401, "The redirect uri included is not valid.");
    }
    return { application, redirectUri, state: sent.get("state") };
  }

  function decide(request: AuthorizationRequest, sent: Fields, atMs: number): Reply {
    if (sent.get("decision") !== "accept") return back(request, { error: "access_denied" });
    const userId = Number(sent.get("user"));
    if (!records.users.has(userId)) return page(400, "There is no such user.");
    books.codeIssued();
    const code = grants.code({ key: request.application.key, userId, redirectUri: request.redirectUri }, atMs);
    return back(request, { code });
  }

  function form({ application }: AuthorizationRequest, sent: Fields, path: string): Reply {
    const hidden = PARAMETERS.flatMap((name) => {
      const value = sent.get(name);
      return value === undefined ? [] : [`<input type="hidden" name="${name}" value="${escaped(value)}">`];
    });
    const users = [...records.users.values()].map(
      ({ id, name, email }) => `<option value="${id}">${escaped(`${name} (${email})`)}</option>`,
    );
    const body = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>plangrade: authorize</title></head>
<body>
<h1>Authorize ${escaped(application.key)}</h1>
<p>The application will be able to read and write your companies and their participants.</p>
<form method="post" action="${escaped(path)}">
${hidden.join("\n")}
<p><label>Who are you? <select name="user">${users.join("")}</select></label></p>
<p><button name="decision" value="accept">Authorize</button> <button name="decision" value="deny">Deny</button></p>
</form>
</body>
</html>`;
    return { status: 200, body, contentType: html };
  }
}

/** Sends the browser back to the application. */
function back({ redirectUri, state }: AuthorizationRequest, answer: Readonly<Record<string, string>>): Reply {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (state !== undefined) url.searchParams.set("state", state);
  return { status: 302, headers: { location: url.href } };
}
