import { createHttpClient, type HttpClient, type HttpClientOptions } from "../../src/http/client";
import { signClientAssertion } from "../../src/http/jwt";
import { DEFAULT_API_USER, type PlanSourceSimulator } from "../../simulators/plansource";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; the text itself when it is no JSON. */
  readonly body: unknown;
}

const FIRST_INSTANT = Date.UTC(2026, 0, 1);

/** The claims of a good assertion at the instant at which a manual clock begins. */
export const goodAssertion = {
  algorithm: "HS256",
  ...DEFAULT_API_USER,
  audience: "127.0.0.1",
  nowMs: FIRST_INSTANT,
  claims: { scopes: "admin_api_v2", logged_in_user: DEFAULT_API_USER.loggedInUser },
} as const;

export function tokenForm(assertion = signClientAssertion(goodAssertion), more: Readonly<Record<string, string>> = {}) {
  return {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
    client_id: DEFAULT_API_USER.clientId,
    code: "random",
    ...more,
  };
}

/** Asks for a token as a client would. */
export async function askToken(sim: PlanSourceSimulator, form: Readonly<Record<string, string>> = tokenForm()) {
  return answerOf(await fetch(`${sim.url}/oauth/v2/token`, { method: "POST", body: new URLSearchParams(form) }));
}

/** The Authorization header of a new token. */
export async function bearerOf(sim: PlanSourceSimulator): Promise<string> {
  const { access_token: token } = (await askToken(sim)).body as { access_token: string };
  return `Bearer ${token}`;
}

/** Calls below `/admin/v2` with a token. Rejects when the connection breaks. */
export async function call(
  sim: PlanSourceSimulator,
  authorization: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const headers = { ...(authorization === "" ? {} : { authorization }), "content-type": "application/json" };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return answerOf(await fetch(`${sim.url}/admin/v2${path}`, init));
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // An error page.
  }
  return { status: response.status, headers: response.headers, body };
}

/** Our own HTTP client at the simulator. */
export const clientOf = (sim: PlanSourceSimulator, options: Partial<HttpClientOptions> = {}): HttpClient =>
  createHttpClient({ system: "plansource", baseUrl: sim.url, sleep: () => Promise.resolve(), ...options });
