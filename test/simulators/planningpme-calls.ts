import { createManualClock } from "../../simulators/loopback";
import {
  createPlanningPmeSimulator,
  DEFAULT_CREDENTIALS,
  orderedTemplates,
  stockTemplates,
  type PlanningPmeSimulator,
  type PlanningPmeSimulatorOptions,
} from "../../simulators/planningpme";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; the text itself when it is no JSON. */
  readonly body: unknown;
}

const { appKey, authToken } = DEFAULT_CREDENTIALS;

/** A PlanningPME that listens, with a clock that stands still and all templates. */
export async function openPlanningPme(options: PlanningPmeSimulatorOptions = {}): Promise<PlanningPmeSimulator> {
  const templates = [...stockTemplates, ...orderedTemplates];
  const sim = createPlanningPmeSimulator({ clock: createManualClock(), templates, ...options });
  await sim.listen();
  return sim;
}

/** Calls at the address of the simulator. Rejects when the connection breaks. */
export async function call(
  sim: PlanningPmeSimulator,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Answer> {
  const init = {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return answerOf(await fetch(sim.url + path, init));
}

/** Exchanges the user's token, as a client would. */
export async function exchange(
  sim: PlanningPmeSimulator,
  form: Readonly<Record<string, string>> = {},
  method = "PUT",
): Promise<Answer> {
  const grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  const body = new URLSearchParams({ grant_type, assertion: authToken, ...form });
  return answerOf(await fetch(`${sim.url}/acme/token`, { method, headers: { "x-appkey": appKey }, body }));
}

/** The headers of a call after an exchange. */
export async function logIn(sim: PlanningPmeSimulator): Promise<{ "x-appkey": string; authorization: string }> {
  const { access_token: token } = (await exchange(sim)).body as { access_token: string };
  return { "x-appkey": appKey, authorization: `Bearer ${token}` };
}

/** What a report of rows says, in short. */
export const said = ({ body }: Answer) =>
  (body as { rows: { index: number; action: string; message?: string }[] }).rows.map(({ index, action, message }) =>
    [index, action, ...(message === undefined ? [] : [message])].join(" "),
  );

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A text, a page or nothing.
  }
  return { status: response.status, headers: response.headers, body };
}
