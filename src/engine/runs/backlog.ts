/** Large backlogs as runs: begun when much waits, ended when nothing does. */
import { z } from "zod";
import type { RunRow } from "../../storage/port/rows";
import type { Store } from "../../storage/port/store";
import { newRunId } from "./log";

/** Fewer entries are normal. */
const LEAST = 5_000;
/** The type of a run that is about no single one. */
export const EVERYTHING = "*";

/** The tenant's outcomes when the drain began. */
const checkpoint = z.object({ before: z.record(z.string(), z.number()) });

/** Begins a drain where much waits, counts the progress of those in progress, and ends those whose outbox is empty. */
export async function watchBacklogs(
  store: Store,
  now: () => number,
  onBegun: (run: RunRow) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const depths = new Map<string, number>();
  for (const lane of await store.lanes()) {
    const { outbox, hullUpdates } = await store.depth(lane);
    depths.set(lane.tenant, (depths.get(lane.tenant) ?? 0) + outbox + hullUpdates);
  }
  const isDrain = ({ kind, state }: RunRow): boolean =>
    kind === "drain" && (state === "running" || state === "waiting");
  const drains = (await store.openRuns()).filter(isDrain);
  for (const run of drains) await follow(store, run, depths.get(run.tenant) ?? 0);
  const followed = new Set(drains.map((run) => run.tenant));
  for (const [tenant, depth] of depths) {
    if (depth < LEAST || followed.has(tenant)) continue;
    const { outcomes } = await store.tally(tenant);
    const order = { id: newRunId(now()), tenant, kind: "drain", type: EVERYTHING, options: {}, total: depth } as const;
    const { run, begun } = await store.beginRun({ ...order, checkpoint: { before: outcomes } }, true);
    if (!begun) continue;
    const started = await store.changeRun(run.id, { state: "running", startedAtMs: now() });
    if (started !== undefined) await onBegun(started);
  }
}

async function follow(store: Store, run: RunRow, depth: number): Promise<void> {
  const { before = {} } = checkpoint.safeParse(run.checkpoint).data ?? {};
  const { outcomes } = await store.tally(run.tenant);
  const counts = Object.fromEntries(
    Object.entries(outcomes).flatMap(([name, count]) => {
      const more = count - (before[name] ?? 0) - (run.counts[name] ?? 0);
      return more > 0 ? [[name, more] as const] : [];
    }),
  );
  const done = run.done + Object.values(counts).reduce((sum, count) => sum + count, 0);
  const total = Math.max(done + depth, depth === 0 ? 0 : (run.total ?? 0));
  await store.changeRun(run.id, { counts, total, state: depth === 0 ? "success" : "running" });
}
