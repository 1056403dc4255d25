/** Batches on the stage: files as Hull writes them, the request that announces them, and the run that they become. */
import { prefixTraits, type ExtractFile, type PublishedExtract } from "../../simulators/hull";
import type { RunRow } from "../../src/storage/port/rows";
import { CONNECTOR, type HouseOptions } from "../harness";
import { account, useStages, type Stage } from "./stage";

export type Bag = Readonly<Record<string, unknown>>;

/** Rows that are taken in together. */
export const GROUP = 200;

export interface Order {
  readonly format?: "json" | "csv";
  readonly entity?: "user" | "account";
  readonly simulate?: boolean;
  readonly verbose?: boolean;
  readonly stopOnError?: boolean;
  readonly segmentId?: string;
  readonly connector?: typeof CONNECTOR;
}

/** Stages that may download from the simulated Hull. */
export function useBatchStages(): (options?: HouseOptions) => Promise<Stage> {
  const open = useStages();
  return (options = {}) =>
    open({ ...options, environment: { HULL_ALLOWED_EXTRACT_HOSTS: "127.0.0.1:*", ...options.environment } });
}

/** A user's row as it stands in a file. */
export const userRow = (user: Bag, account: Bag, more: Bag = {}): Bag => ({ ...prefixTraits(user), account, ...more });

/** The rows of the people of one company. */
export const rowsOf = (users: readonly Bag[], company: Bag = account(1)): readonly Bag[] =>
  users.map((each) => userRow(each, company));

export const ndjson = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** Columns of all rows; embedded accounts become `account.*`, lists one string. */
export function csv(rows: readonly Bag[], separator = ",", lineEnd = "\r\n"): string {
  const flat = rows.map(({ account, ...row }): Bag => ({
    ...row,
    ...Object.fromEntries(Object.entries((account ?? {}) as Bag).map(([name, value]) => [`account.${name}`, value])),
  }));
  const columns = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const cell = (value: unknown): string => {
    if (value === undefined || value === null) return "";
    return `"${(typeof value === "string" ? value : JSON.stringify(value)).replaceAll('"', '""')}"`;
  };
  return [columns, ...flat.map((row) => columns.map((name) => row[name]))]
    .map((cells) => `${cells.map(cell).join(separator)}${lineEnd}`)
    .join("");
}

/** Answer to the request that announces a file. */
export function announce(stage: Stage, url: string, order: Order = {}): Promise<Response> {
  const { format = "json", entity = "user", connector = CONNECTOR } = order;
  const query = new URLSearchParams({
    organization: stage.hull.host,
    ship: connector.id,
    secret: connector.secret,
    ...(order.simulate === true ? { simulate: "1" } : {}),
    ...(order.verbose === true ? { verbose: "1" } : {}),
    ...(order.stopOnError === true ? { stop_on_error: "1" } : {}),
    ...(order.segmentId === undefined ? {} : { segment_id: order.segmentId }),
  });
  const path = entity === "user" ? "batch" : "batch-accounts";
  return fetch(`${stage.baseUrl}/${path}?${query.toString()}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ url, format, object_type: `${entity}_report`, channel: `${entity}:extract` }),
  });
}

/** Announces a file; answers the id of the run. */
export async function begin(stage: Stage, url: string, order: Order = {}): Promise<string> {
  const answer = await announce(stage, url, order);
  const body = (await answer.json()) as { readonly run?: string };
  expect([answer.status, body]).toEqual([200, { ok: true, run: expect.any(String) as string }]);
  return body.run ?? "";
}

export async function runOf(stage: Stage, id: string): Promise<RunRow> {
  const run = await stage.connector.store.run(id);
  if (run === undefined) throw new Error(`There is no run ${id}.`);
  return run;
}

/** Resolves with the run once it has ended. */
export async function ended(stage: Stage, id: string): Promise<RunRow> {
  await stage.until(async () => !["waiting", "running"].includes((await runOf(stage, id)).state));
  return runOf(stage, id);
}

/** Resolves once so many rows were taken in. */
export const taken = (stage: Stage, id: string, rows: number): Promise<void> =>
  stage.until(async () => ((await runOf(stage, id)).total ?? 0) >= rows);

/** Publishes and announces rows and waits for the end of the run, and for the write-back. */
export async function carryOut(stage: Stage, rows: readonly Bag[], order: Order = {}): Promise<RunRow> {
  const id = await begin(stage, publish(stage, rows, order).url, order);
  const run = await ended(stage, id);
  if (order.simulate !== true) await stage.settled();
  return run;
}

export function publish(
  stage: Stage,
  rows: readonly Bag[],
  { format = "json" }: Pick<Order, "format"> = {},
  file: Partial<ExtractFile> = {},
): PublishedExtract {
  return stage.hull.publishExtract({ format, content: format === "csv" ? csv(rows) : ndjson(rows), ...file });
}

export const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Every record that the run met has exactly one outcome. */
export function expectExact(run: RunRow, records: number): void {
  expect({ done: run.done, total: run.total, counted: sum(run.counts) }).toEqual({
    done: records,
    total: records,
    counted: records,
  });
}

/** Planhat answers nothing useful until the answered function is called; what is taken in waits. */
export async function dam(stage: Stage): Promise<() => Promise<void>> {
  const fault = stage.planhat.faults.add({ kind: "status", status: 503 });
  await Promise.resolve();
  return async () => {
    fault.remove();
    await stage.settledWithHelp();
  };
}

/** Everything that was logged, as text. */
export const logged = (stage: Stage): string => JSON.stringify(stage.logs);

export async function isAlive(stage: Stage): Promise<void> {
  expect((await fetch(`${stage.baseUrl}/health`)).status).toBe(200);
}

/** Calls to Planhat that ask for a change. */
export const writes = (stage: Stage): number => stage.calls.filter(({ method }) => method !== "GET").length;
