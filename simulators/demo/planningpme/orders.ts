/** What Hull and people order of the connector besides messages: a batch that is only tried, and a fetch. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PlanningPmeSimulator } from "../../planningpme";
import { CONNECTOR, type Stage } from "../stage";

type PlanningPmeStage = Stage<PlanningPmeSimulator>;

/** One line of PlanningPME's own report. */
export interface ReportedRow {
  readonly key: string;
  readonly action: string;
  readonly message?: string;
}

interface Run {
  readonly state: string;
  readonly ended_at: string | null;
  readonly error: string | null;
  readonly report?: { readonly service?: readonly { readonly rows: readonly ReportedRow[] }[] };
}

const LOOK_EVERY_MS = 50;

/** Tries an import of these accounts, one object a row; answers what PlanningPME reported. */
export async function tryImport(
  stage: PlanningPmeStage,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly ReportedRow[]> {
  const url = stage.hull.addExtract(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), "json");
  const id = await order(stage, "batch-accounts", { simulate: "1" }, { url, format: "json" });
  const { report } = await ended(stage, id);
  return (report?.service ?? []).flatMap((each) => each.rows);
}

/** Fetches everything that the export templates for accounts yield. */
export async function fetchExports(stage: PlanningPmeStage): Promise<void> {
  await ended(stage, await order(stage, "fetch/accounts", { force: "1" }, {}));
}

/** @returns the id of the run that has begun */
async function order(
  { hull, url }: PlanningPmeStage,
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
async function ended({ hull, url }: PlanningPmeStage, id: string): Promise<Run> {
  const credentials = Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64");
  for (;;) {
    const answer = await fetch(`${url}/api/internal/runs/${id}?org=${hull.host}`, {
      headers: { authorization: `Basic ${credentials}` },
    });
    const run = (await answer.json()) as Run;
    if (run.ended_at === null) await sleep(LOOK_EVERY_MS);
    else if (run.state === "success") return run;
    else throw new Error(`A run ended as ${run.state}: ${run.error ?? "no reason was given"}`);
  }
}
