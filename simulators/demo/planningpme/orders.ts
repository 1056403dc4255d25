/** A batch that is only tried, and what PlanningPME reports of it. */
import type { PlanningPmeSimulator } from "../../planningpme";
import { ended, order } from "../asking";
import type { Stage } from "../stage";

/** One line of PlanningPME's own report. */
export interface ReportedRow {
  readonly key: string;
  readonly action: string;
  readonly message?: string;
}

/** Tries an import of these accounts, one object a row; answers what PlanningPME reported. */
export async function tryImport(
  stage: Stage<PlanningPmeSimulator>,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly ReportedRow[]> {
  const url = stage.hull.addExtract(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), "json");
  const id = await order(stage, "batch-accounts", { simulate: "1" }, { url, format: "json" });
  const { report } = await ended(stage, id);
  const reports = (report?.service ?? []) as readonly { readonly rows: readonly ReportedRow[] }[];
  return reports.flatMap((each) => each.rows);
}
