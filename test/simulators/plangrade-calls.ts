import { createManualClock, type ManualClock } from "../../simulators/loopback";
import {
  AUTHORIZATION_PATHS,
  createPlangradeSimulator,
  DEFAULT_APPLICATION,
  type PlangradeSimulator,
  type PlangradeSimulatorOptions,
  type PlangradeSwitches,
} from "../../simulators/plangrade";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; the text itself when it is no JSON. */
  readonly body: unknown;
}

export type Form = Readonly<Record<string, string>>;

export const BACK = "http://127.0.0.1:9/back?from=plangrade";
export const { key: KEY, secret: SECRET } = DEFAULT_APPLICATION;
export const APPLICATION = { client_id: KEY, client_secret: SECRET };

/** A plangrade that listens, with a clock that stands still, and that sends browsers to `BACK`. */
export async function openPlangrade(
  options: PlangradeSimulatorOptions = {},
): Promise<{ readonly sim: PlangradeSimulator; readonly clock: ManualClock }> {
  const clock = createManualClock();
  const sim = createPlangradeSimulator({ clock, ...options });
  sim.addRedirectUri(BACK);
  await sim.listen();
  return { sim, clock };
}

/** Calls at the root of the simulator with a form. Follows no redirect; rejects when the connection breaks. */
export async function send(
  sim: PlangradeSimulator,
  method: string,
  path: string,
  form?: Form,
  headers: Form = {},
): Promise<Answer> {
  const body = form === undefined ? {} : { body: new URLSearchParams(form) };
  return answerOf(await fetch(sim.url + path, { method, redirect: "manual", headers, ...body }));
}

export async function sendJson(sim: PlangradeSimulator, method: string, path: string, body: unknown, headers: Form) {
  const init = { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
  return answerOf(await fetch(sim.url + path, init));
}

/** Calls below `/api/v1` as somebody who has been granted a token. */
export function callsOf(sim: PlangradeSimulator, token = sim.grant().accessToken) {
  const headers = { authorization: `Bearer ${token}` };
  return {
    call: (method: string, path: string, form?: Form) => send(sim, method, `/api/v1${path}`, form, headers),
    callJson: (method: string, path: string, body: unknown) => sendJson(sim, method, `/api/v1${path}`, body, headers),
  };
}

/** What the link of the application carries. */
export const wish = (changes: Form = {}): Form => ({
  client_id: KEY,
  response_type: "code",
  redirect_uri: BACK,
  state: "s&1",
  ...changes,
});

/** Presses a button of the authorize page, and answers the query with which the browser comes back. */
export async function decide(
  sim: PlangradeSimulator,
  choice: Form = {},
  pair: Exclude<PlangradeSwitches["paths"], "both"> = "documents",
): Promise<URLSearchParams> {
  const user = String([...sim.records.users.keys()][0] ?? "");
  const form = wish({ decision: "accept", user, ...choice });
  const { headers } = await send(sim, "POST", AUTHORIZATION_PATHS[pair].authorize, form);
  return new URL(headers.get("location") ?? "http://127.0.0.1/?nowhere").searchParams;
}

export const askToken = (sim: PlangradeSimulator, form: Form) =>
  send(sim, "POST", "/oauth/v1/token", { ...APPLICATION, ...form });

/** Exchanges a code for a pair. */
export const exchange = (sim: PlangradeSimulator, code: string, changes: Form = {}) =>
  askToken(sim, { grant_type: "authorization_code", code, redirect_uri: BACK, ...changes });

export const refresh = (sim: PlangradeSimulator, refresh_token: string, changes: Form = {}) =>
  askToken(sim, { grant_type: "refresh_token", refresh_token, ...changes });

/** The pair of an answer of the token endpoint. */
export const pairOf = ({ body }: Answer) => body as { readonly access_token: string; readonly refresh_token: string };

/** The status of a call with an access token. */
export const statusWith = async (sim: PlangradeSimulator, token: string) =>
  (await callsOf(sim, token).call("GET", "/me")).status;

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A page or nothing.
  }
  return { status: response.status, headers: response.headers, body };
}
