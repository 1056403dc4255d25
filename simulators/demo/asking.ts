/** What people ask of the connector besides messages: a run, such as a fetch, and why somebody is not in the service. */
import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTOR, type Stage } from "./stage";

export interface Run {
  readonly state: string;
  readonly ended_at: string | null;
  readonly error: string | null;
  /** Of a dry run. */
  readonly report?: { readonly service?: readonly unknown[] };
}

const LOOK_EVERY_MS = 50;

/** Fetches everything of one kind, however lately that was done. */
export async function fetchAll(stage: Stage, what: "users" | "accounts"): Promise<void> {
  await ended(stage, await order(stage, `fetch/${what}`, { force: "1" }, {}));
}

/** @returns the id of the run that has begun */
export async function order(
  { hull, url }: Stage,
  path: string,
  options: Readonly<Record<string, string>>,
  body: object,
): Promise<string> {
  const query = { organization: hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret, ...options };
  const answer = await fetch(`${url}/${path}?${new URLSearchParams(query).toString()}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { run } = (await answer.json()) as { readonly run?: string };
  if (run === undefined) throw new Error(`The connector did not begin ${path}; it answered ${answer.status}.`);
  return run;
}

/** @throws Error when the run does not end well */
export async function ended({ hull, url }: Stage, id: string): Promise<Run> {
  for (;;) {
    const answer = await fetch(`${url}/api/internal/runs/${id}?org=${hull.host}`, { headers: LOGGED_IN });
    const run = (await answer.json()) as Run;
    if (run.ended_at === null) await sleep(LOOK_EVERY_MS);
    else if (run.state === "success") return run;
    else throw new Error(`A run ended as ${run.state}: ${run.error ?? "no reason was given"}`);
  }
}

/** The log-in of the internal API and of the console. */
export const LOGGED_IN = {
  authorization: `Basic ${Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64")}`,
};

/** @returns the answer in lines, under the question */
export async function whyNot({ hull, url }: Stage, title: string, externalId: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/explain?org=${hull.host}`, {
    method: "POST",
    headers: { ...LOGGED_IN, "content-type": "application/json" },
    body: JSON.stringify({ external_id: externalId }),
  });
  const { records } = (await answer.json()) as { readonly records: readonly { readonly text: readonly string[] }[] };
  const sentences = records.flatMap(({ text }) => text.map((each) => `    ${each}`));
  return [`  Why is ${externalId} not in ${title}?`, ...sentences, ""];
}
