/** Whichever row of a store is damaged: everything can be read, the books are in order, and what waits goes on. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { compareKeys, type Key } from "../../../src/storage/database/rows";
import type { DamagedName } from "../../../src/storage/port/disk";
import type { Store } from "../../../src/storage/port/store";
import { META, RECORDS, TABLE_NAMES, TALLY } from "../../../src/storage/tables/tables";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import { damageRows } from "../../fixture/damage";
import { auditOf } from "./audit";
import { deliver, LANE, NEIGHBOUR, seen, skip, skipFor, update } from "./builders";
import { actionsOn, openStore, setUpDatabases, START_MS } from "./fixture";

const { makeFolder, openDatabase } = setUpDatabases();
const LARGE = "x".repeat(9_000);
/** Stands in indexes as a hash. */
const LONG = "5".repeat(200);
const HULL_IDS = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];
/** A message of a connector that has no target. */
const NOWHERE = { ...skip({ id: "nowhere" }), remote: undefined };
const LANES = [LANE, NEIGHBOUR];

/** Something in every table. */
async function fill(store: Store): Promise<void> {
  const fence = { name: LANE.remote, id: "owner" };
  await store.takeLease(fence, undefined);
  await store.renewLease(fence);
  const { install, write, block, refuse, entry, attempt, settle, start } = actionsOn(store);
  await install();
  await install(NEIGHBOUR);
  await store.replaceGrant(LANE.tenant, undefined, "sealed");
  await store.beginCall(LANE.tenant, "k1", { by: "caller", sealed: "sealed" });
  await store.noteScan(LANE.remote, "companies", { startedAtMs: 5, size: 3 });
  await write(update({ id: "m1", hullId: "a1" }), "p1", { keys: { externalId: "X" }, facts: { name: { sent: "n" } } });
  await settle(skipFor(await start(update({ id: "m2", hullId: "a2" })), "p1"));
  await refuse(update({ id: "m3", hullId: "a3" }));
  await store.beginRun(
    { id: "r1", tenant: LANE.tenant, kind: "batch", type: "companies", options: { verbose: true } },
    false,
  );
  await store.accept([
    { ...update({ id: "r1/4", hullId: "a4", fields: { name: LARGE } }), run: "r1" },
    { ...update({ id: "m5", hullId: "a5" }), claims: { domain: "a5.example", external_id: LONG } },
    update({ id: "m6", hullId: "a6" }),
    update({ id: "n5", hullId: "a5", lane: NEIGHBOUR }),
    update({ id: "m9", hullId: "a8" }),
  ]);
  await attempt("companies", "a4");
  await attempt("companies", "a5", "update");
  await settle(deliver(await entry("companies", "a6"), "p6"));
  await block({ parent: "a5", id: "u1", hullId: "e1" });
  await block({ parent: "a8", id: "u2", hullId: "e2" });
  await block({ parent: "a7", id: "u3", hullId: "e3" });
  await refuse(update({ id: "m9b", hullId: "a8", version: 2 }));
  const row = {
    seen: seen("p9"),
    line: { type: "companies", hullId: "", outcome: "unchanged", code: "in_sync", text: "" },
  } as const;
  await store.takeFetched(LANE.remote, "companies", { rows: [row], readAtMs: START_MS, settleMs: 0, run: "r1" });
  await store.beginRun({ id: "r0", tenant: LANE.tenant, kind: "fetch", type: "companies", options: {} }, false);
  await store.changeRun("r0", { state: "success" });
  await store.accept([NOWHERE]);
  await store.pause(LANE, "*", { kind: "auth", message: "401", sinceMs: 1, untilMs: 2 });
  await store.putAlert({
    ...{ subject: LANE.tenant, kind: "connector.paused", receiver: "r", sinceMs: 1, mayKnow: true },
    ...{ title: "Paused", text: "401" },
  });
  await store.claimNotification("n1", LANE.tenant);
  await store.noteStart("quota", START_MS, 0);
  await store.noteLoss({ atMs: START_MS, kind: "said" }, await store.era());
}

/** Reads what there is, by everything by which it is found. */
async function readAll(store: Store): Promise<void> {
  await store.tenants();
  await store.remote(LANE.remote);
  await store.backlog("planhat");
  for (const lane of LANES) {
    await store.grant(lane.tenant);
    await store.pauses(lane);
    await store.tally(lane.tenant);
    await store.hours(lane.tenant, 0);
    await store.laneHealth(lane, [{ type: "companies", key: "externalId" }]);
    await store.view(lane, "companies", HULL_IDS);
    await store.view(lane, "endusers", ["e1", "e2", "e3"]);
    await store.mirrors(lane, "companies", ["p1", "p6", "p9"]);
    for (const type of ["companies", "endusers"]) await store.ready(lane, type, 99);
    await store.hullUpdates(lane, 99);
    await store.deadLettersOf(lane);
    await store.runs({ tenant: lane.tenant, limit: 99 });
    await store.lastRun(lane.tenant, "fetch", "companies");
    await store.inspectRecord(lane, "companies", "a1");
    await store.timeline(lane, { type: "companies", hullId: "a1" }, 99);
    const { tenant } = lane;
    await store.history({ tenant, limit: 99 });
    await store.history({ tenant, limit: 99, type: "companies", outcome: "sent", code: "updated" });
  }
  await store.findBy(LANE, "companies", { name: "domain", value: "a5.example", key: "externalId" }, 9);
  await store.findBy(LANE, "companies", { name: "external_id", value: LONG }, 9);
  const { deadLetters } = await store.deadLetters({ limit: 99 });
  for (const row of deadLetters) expect(await store.deadLetter(deadLetterId(row))).toEqual(row);
  await store.candidates(LANE, "companies", [{ name: "externalId", value: "x" }]);
  await store.reportLines("r1", 0, 99);
  await store.openRuns();
  await store.requestStarts("quota", 0);
  await store.losses();
  await store.alerts();
  await store.claimNotification("n1", LANE.tenant);
  // What was begun is not begun again.
  if ((await store.tenant(LANE.tenant)) !== undefined)
    expect(await store.beginCall(LANE.tenant, "k1", { by: "another", sealed: "other" })).toMatchObject({
      atMs: START_MS,
    });
}

/** What the store does with the next messages, and with what waits. */
async function goOn(store: Store): Promise<void> {
  for (const { hullId } of await store.deadLettersOf(LANE))
    await store.replayDeadLetter(deadLetterId({ ...LANE, type: "companies", hullId }));
  await store.takeLease({ name: LANE.remote, id: "next" }, await store.lease(LANE.remote));
  await store.accept([NOWHERE]);
  await store.forgetGone(LANE.remote, "companies", ["p1"]);
  const messages = HULL_IDS.map((hullId) => update({ id: `next-${hullId}`, hullId, version: 3 }));
  await store.accept([...messages, ...messages.map((each) => ({ ...each, tenant: NEIGHBOUR.tenant }))]);
  for (const lane of LANES) {
    await store.recover(lane, 0);
    await store.retryNow(lane);
    for (
      let ready = await store.ready(lane, "companies", 99);
      ready.length > 0;
      ready = await store.ready(lane, "companies", 99)
    )
      await store.settle(
        lane,
        ready.map((entry) => deliver(entry, `p-${entry.hullId}`)),
      );
    const rows = await store.hullUpdates(lane, 99);
    await store.confirmed(
      lane,
      rows.map((row) => ({ row })),
    );
  }
}

/** By the database's names: all but the one that is never mended, and the index whose rows are there between two commits. */
const NAMES = TABLE_NAMES.filter((name) => name !== META.name && name !== "records.pending");

/** Read only where the row that they are about is damaged, or goes because of its age. */
const ASIDE: ReadonlySet<string> = new Set(["remotes.generations", "remotes.senders", "keyed_calls.age"]);

/** Sentences of the audit that such damage cannot avoid: which counts were lost, or that nobody had sent a record. */
function isExcused(sentence: string, table: string, key: Key): boolean {
  const isCount = sentence.includes("more messages than outcomes");
  return isCount && (table === TALLY.name || (table === RECORDS.name && key.at(-1) === "a7"));
}

let whole: string;
beforeEach(async () => {
  whole = makeFolder();
  const store = await openStore({ database: openDatabase("lmdb", whole), now: () => START_MS });
  await fill(store);
  await store.close();
});

test.each(NAMES)("each row of %s", async (table) => {
  const filled = openDatabase("lmdb", whole);
  const keys = await filled.read((rows) => [...rows.range(table, [])].map(([key]) => key));
  await filled.close();
  expect(keys.length).toBeGreaterThan(0);
  let met = 0;
  for (const [seed, key] of keys.entries()) {
    const folder = makeFolder();
    copyFileSync(join(whole, "data.mdb"), join(folder, "data.mdb"));
    expect(await damageRows(folder, table, (each) => compareKeys(each, key) === 0, seed)).toBe(1);
    const damaged: DamagedName[] = [];
    const database = openDatabase("lmdb", folder);
    const store = await openStore({ database, now: () => START_MS, onDamaged: (row) => damaged.push(row) });
    for (const step of [readAll, goOn, readAll]) {
      await step(store);
      // Nobody has met it yet, as the audit would.
      if (damaged.length === 0) continue;
      const faults = await auditOf(database);
      expect([key, faults.filter((sentence) => !isExcused(sentence, table, key))]).toEqual([key, []]);
    }
    expect(damaged.map((row) => row.table)).toEqual(damaged.length === 0 ? [] : [table]);
    met += damaged.length;
    await store.close();
  }
  expect(met > 0).toBe(!ASIDE.has(table));
});
