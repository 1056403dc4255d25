import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import mapValues from "lodash/mapValues";
import { createEmbeddedStore } from "../../../src/storage/embedded";
import type { Key, KeyValue } from "../../../src/storage/database/kv";
import { createLmdbKeyValue } from "../../../src/storage/database/lmdb";
import { createSeal, runPlace, tenantPlace, type Seal } from "../../../src/storage/port/seal";
import type { Lane, Store } from "../../../src/storage/port/store";
import { divide, nameService, openUpgraded } from "../../../src/storage/data-folder/upgrade";
import type { EntryRow } from "../../../src/storage/port/rows";
import { FORMAT, openTables } from "../../../src/storage/tables/tables";
import {
  blockOn,
  deliver,
  deliverQuietly,
  finish,
  LANE,
  NEIGHBOUR,
  seen,
  skipFor,
  tenantRow,
  update,
  workedOn,
} from "./builders";
import { firstReady, setUpDatabases } from "./fixture";
import { makeFormatFour } from "./format-four";
import { makeFormatThree } from "./format-three";
import { litter, makeFormatTwo } from "./format-two";

const SECRET = "a secret of sixteen characters";
/** Of the recorded store. */
const OLD_SECRET = "sealing-secret-of-this-house-0001";
const MARKER = "what-the-heap-held-before";
const RUN = { id: "r1", tenant: LANE.tenant };
const now = (): number => 1_750_000_000_000;
const seal = (): Seal => createSeal(SECRET);
const never = (): Seal => {
  throw new Error("Nothing is there to be upgraded.");
};

const { makeFolder } = setUpDatabases();
let path: string;
beforeEach(() => {
  path = makeFolder();
});

/** Rows of every length, from one character to several pages, and keys that end in zeros and in the highest bytes. */
function fillRows(kv: KeyValue, count: number): void {
  const rows = kv.table<unknown>("rows");
  for (let at = 0; at < count; at += 1) {
    rows.put([at % 7, `key ${at}`, -1 - at], at % 100 === 0 ? "x".repeat(at * 10) : { at, text: "y".repeat(at % 90) });
  }
  for (const [at, part] of ["", "\u{1}", "\u{10FFFE}", "ab", "abc", "abcd", "abcde"].entries()) rows.put([part], at);
  kv.table("empty");
}

/** A store of format 2; answers its rows. */
async function makeOld(count = 2_000): Promise<readonly (readonly [Key, unknown])[]> {
  const kv = createLmdbKeyValue(path);
  const store = await createEmbeddedStore({ kv, now });
  await store.saveTenant(tenantRow({ sealed: seal().seal("the secret", tenantPlace(LANE.tenant)) }));
  const run = { ...RUN, kind: "batch", type: "endusers", options: {} } as const;
  await store.beginRun({ ...run, order: seal().seal("the order", runPlace(RUN)) }, false);
  await store.accept([update({ id: "c1", hullId: "a1" })]);
  await kv.transact(() => fillRows(kv, count));
  const rows = [...kv.table("rows").range([])];
  await store.close();
  await makeFormatTwo(path, SECRET);
  expect(litter(path, MARKER)).toBeGreaterThan(10);
  return rows;
}

const content = (): Buffer => readFileSync(join(path, "data.mdb"));

describe("a store of format 2", () => {
  it("is brought to today's format: every row is there, and nothing that is none", async () => {
    const rows = await makeOld();
    expect(content().includes(MARKER)).toBe(true);
    const kv = await openUpgraded(path, "planhat", seal);
    const store = await createEmbeddedStore({ kv, now });
    expect(kv.table("meta").get(["format"])).toBe(FORMAT);
    expect([...kv.table("rows").range([])]).toEqual(rows);
    expect(rows.every(([key, value]) => JSON.stringify(kv.table("rows").get(key)) === JSON.stringify(value))).toBe(
      true,
    );
    expect(await store.ready(LANE, "companies", 9)).toMatchObject([{ hullId: "a1" }]);
    const sealed = (await store.tenant(LANE.tenant))?.sealed ?? "";
    expect(seal().open(sealed, tenantPlace(LANE.tenant))).toBe("the secret");
    expect(seal().open((await store.run(RUN.id))?.order ?? "", runPlace(RUN))).toBe("the order");
    await store.close();
    expect(content().includes(MARKER)).toBe(false);
    expect(readdirSync(path).toSorted()).toEqual(["data.mdb", "lock.mdb"]);
  });

  it("is copied once", async () => {
    await makeOld();
    await (await openUpgraded(path, "planhat", seal)).close();
    const { ino } = statSync(join(path, "data.mdb"));
    await (await openUpgraded(path, "planhat", never)).close();
    expect(statSync(join(path, "data.mdb")).ino).toBe(ino);
  });

  it("is upgraded under another key, too; what cannot be opened stays and opens nowhere", async () => {
    await makeOld();
    const kv = await openUpgraded(path, "planhat", () => createSeal("another secret of some length"));
    const store = await createEmbeddedStore({ kv, now });
    const { sealed = "" } = (await store.tenant(LANE.tenant)) ?? {};
    for (const each of [createSeal("another secret of some length"), seal()]) {
      expect(() => each.open(sealed, tenantPlace(LANE.tenant))).toThrow(/cannot be read/);
    }
    await store.close();
  });

  it("is refused with what to do where no key is at hand, and left as it is", async () => {
    await makeOld();
    const before = content();
    await expect(openUpgraded(path, "planhat", undefined)).rejects.toThrow(
      /format 2\. Start the server once.*format 6/s,
    );
    expect(content().equals(before)).toBe(true);
  });

  it.each(["folder", "file"])("is upgraded although an earlier try left a %s behind", async (kind) => {
    const rows = await makeOld();
    const draft = join(path, "upgrade");
    if (kind === "folder") mkdirSync(draft);
    writeFileSync(kind === "folder" ? join(draft, "data.mdb") : draft, "half a copy");
    const kv = await openUpgraded(path, "planhat", seal);
    expect([...kv.table("rows").range([])]).toEqual(rows);
    await kv.close();
    expect(readdirSync(path)).not.toContain("upgrade");
  });

  it("stays whole, with a sentence, when the copy cannot be written", async () => {
    const rows = await makeOld(4_000);
    // The system refuses files beyond a size, as a full disk refuses them; in blocks of 512 bytes.
    const limit = Math.floor(statSync(join(path, "data.mdb")).size / 512 / 2);
    const script = join(__dirname, "open-upgraded.ts");
    const command = `ulimit -f ${limit}; exec "$0" --import tsx "$1" "$2" "$3"`;
    const child = promisify(execFile)("sh", ["-c", command, process.execPath, script, path, SECRET]);
    await expect(child).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^The store in .* could not be upgraded .* \(.*[^.]\)\. The old store is unchanged\. .* MB are free/,
      ) as string,
    });
    expect(readdirSync(path)).not.toContain("upgrade");
    const kv = createLmdbKeyValue(path);
    expect(kv.table("meta").get(["format"])).toBe(2);
    expect([...kv.table("rows").range([])]).toEqual(rows);
    await kv.close();
  });
});

describe("a store of format 3", () => {
  const ALONE = { remote: "org|planhat|t2", tenant: "planhat/org/c3" };
  const COMPANIES = 1_200;

  /** Two connectors on one remote, of which the first sent everything, and one on another remote. */
  async function makeShared(): Promise<void> {
    const kv = createLmdbKeyValue(path);
    const store = await createEmbeddedStore({ kv, now });
    for (const { tenant, remote } of [LANE, NEIGHBOUR, ALONE]) {
      await store.saveTenant(tenantRow({ key: tenant, connectorId: tenant }));
      await store.assign(tenant, remote, "f");
    }
    const facts = { name: { remote: "n", sent: "n" }, city: { remote: "∅" } };
    for (const [lane, count] of [
      [LANE, COMPANIES],
      [ALONE, 1],
    ] as const) {
      const hullIds = Array.from({ length: count }, (_, index) => `a${index}`);
      await store.accept(hullIds.map((hullId) => update({ id: hullId, hullId, lane })));
      const entries = await store.ready(lane, "companies", count);
      await store.settle(
        lane,
        entries.map((entry) => deliverQuietly(entry, `p-${entry.hullId}`, { facts })),
      );
    }
    await store.close();
    await makeFormatThree(path);
  }

  const factsIn = async (store: Store, lane: Lane, at = 0): Promise<unknown> =>
    mapValues((await store.mirrors(lane, "companies", [`p-a${at}`]))[0]?.facts, (fact) => fact.slice(0, 3));

  async function expectDivided(kv: KeyValue): Promise<void> {
    const store = await createEmbeddedStore({ kv, now });
    const known = { name: ["n", "n", null], city: ["∅", null, null] };
    for (const lane of [LANE, NEIGHBOUR]) {
      for (const at of [0, COMPANIES - 1]) expect(await factsIn(store, lane, at)).toEqual(known);
    }
    expect(await factsIn(store, ALONE)).toEqual(known);
    const stranger = { remote: LANE.remote, tenant: "planhat/org/c9" };
    expect(await factsIn(store, stranger)).toMatchObject({ name: ["n", null, null] });
    // From here on each goes by its own.
    await store.accept([update({ id: "m2", hullId: "a0", version: 2, lane: NEIGHBOUR })]);
    await store.settle(NEIGHBOUR, [
      deliverQuietly(await firstReady(store, NEIGHBOUR, "companies"), "p-a0", {
        facts: { name: { remote: "x", sent: "x" } },
      }),
    ]);
    expect(await factsIn(store, LANE)).toMatchObject({ name: ["x", "n", null] });
    expect(await factsIn(store, NEIGHBOUR)).toMatchObject({ name: ["x", "x", null] });
    await store.close();
  }

  it("is brought to today's format without a key: what was sent counts for each connector of its remote", async () => {
    await makeShared();
    const kv = await openUpgraded(path, "planhat", undefined);
    expect(kv.table("meta").get(["format"])).toBe(FORMAT);
    await expectDivided(kv);
  });

  it("goes on where it was broken off, and no program of format 3 reads it meanwhile", async () => {
    await makeShared();
    const broken = createLmdbKeyValue(path);
    let slices = 0;
    const stop: KeyValue["transact"] = (work) => {
      slices += 1;
      return slices > 3 ? Promise.reject(new Error("no space left")) : broken.transact(work);
    };
    await expect(divide({ ...broken, transact: stop })).rejects.toThrow("no space left");
    expect(broken.table("meta").get(["format"])).toBe(3.5);
    await broken.close();
    await expectDivided(await openUpgraded(path, "planhat", undefined));
  });
});

describe("a store of format 4", () => {
  const REMOTE = "127.0.0.1:38359|http://127.0.0.1:35343/api|0b7e1f3a-0000-4000-8000-000000000001";
  const OLD = "127.0.0.1:38359/5f0000000000000000000001";
  /** Shortly after it was written. */
  const later = (): number => Date.UTC(2026, 10, 29, 19);
  const WAITS: Lane = { remote: REMOTE, tenant: `planhat/${OLD}` };
  const REFUSED = "bee000000000000000000001";
  const LETTER = "85061c896d90";

  /** The rows as the connector of that format wrote them. */
  async function load(): Promise<void> {
    const kv = createLmdbKeyValue(path);
    const lines = readFileSync(join(__dirname, "../../fixtures/stores/format-4.ndjson"), "utf8").trim().split("\n");
    await kv.transact(() => {
      for (const line of lines) {
        const [name, key, row] = JSON.parse(line) as [string, Key, unknown];
        kv.table(name).put(key, row);
      }
    });
    await kv.close();
  }

  async function expectNamed(kv: KeyValue): Promise<void> {
    expect(kv.table("meta").get(["format"])).toBe(FORMAT);
    const store = await createEmbeddedStore({ kv, now: later });
    expect(await store.tenants()).toMatchObject([{ key: WAITS.tenant, connectorId: "5f0000000000000000000001" }]);
    const sealed = (await store.tenant(WAITS.tenant))?.sealed ?? "";
    const { secret } = JSON.parse(createSeal(OLD_SECRET).open(sealed, tenantPlace(WAITS.tenant))) as {
      readonly secret?: unknown;
    };
    expect(secret).toEqual(expect.any(String));
    // What waits, and in which state.
    expect(await store.lanes()).toEqual([WAITS]);
    expect(await store.depth(WAITS)).toEqual({ outbox: 3, hullUpdates: 0 });
    const entries = await store.ready(WAITS, "endusers", 9);
    expect(entries.map(({ tenant, hullId }) => [tenant, hullId.at(-1)])).toEqual(
      ["4", "5", "3"].map((id) => [WAITS.tenant, id]),
    );
    expect(await store.pauses(WAITS)).toMatchObject([{ tenant: WAITS.tenant, scope: "*", kind: "transient" }]);
    // What ended stays counted, and a message that was here before is not counted again.
    const { messages, outcomes, derived } = await store.tally(WAITS.tenant);
    expect(messages).toBe(5);
    expect(outcomes).toEqual({ "endusers/rejected/refused": 1, "endusers/sent/created": 1 });
    expect(derived["companies/sent/created"]).toBe(1);
    const again = "2d181a199d4533053350be39fd404e107532aad8";
    const repeated = update({
      id: again,
      hullId: "bee000000000000000000003",
      type: "endusers",
      lane: WAITS,
      version: 0,
    });
    await store.accept([repeated]);
    expect((await store.tally(WAITS.tenant)).messages).toBe(5);
    expect(await store.claimNotification("1a1edf72-2563-14da-2f08-769b6cc5844b", NEIGHBOUR.tenant)).toBe(false);
    expect(await store.claimNotification("1a1edf72-2563-14da-2f08-769b6cc5844b", WAITS.tenant)).toBe(true);
    // Dead letters keep their ids, runs their orders.
    expect(await store.deadLetter(LETTER, WAITS.tenant)).toMatchObject({ tenant: WAITS.tenant, hullId: REFUSED });
    const runs = await store.openRuns();
    expect(runs.map(({ tenant, state }) => [tenant, state])).toEqual([
      [WAITS.tenant, "running"],
      [WAITS.tenant, "running"],
    ]);
    expect(await store.runs({ tenant: WAITS.tenant, limit: 9 })).toHaveLength(2);
    for (const run of runs) {
      expect(createSeal(OLD_SECRET).open(run.order ?? "", runPlace(run))).toContain('"url"');
    }
    expect((await store.remote(REMOTE)).senders).toEqual([WAITS.tenant]);
    // Nothing of the old key is left anywhere.
    for (const name of [
      "names",
      "tenants",
      "remotes",
      "outbox",
      "dead",
      "letterIds",
      "letterParents",
      "holds",
      "tally",
    ]) {
      for (const row of kv.table(name).range([])) {
        expect(JSON.stringify(row)).not.toContain(`"${OLD}"`);
      }
    }
    await store.close();
  }

  it("has the service written into its tenants' keys: nothing is lost, recounted or renamed", async () => {
    await load();
    await expectNamed(await openUpgraded(path, "planhat", undefined));
  });

  it.each([1, 2, 3, 5, 8, 12, 16])("goes on where it was broken off after %d steps", async (steps) => {
    await load();
    const broken = createLmdbKeyValue(path);
    let slices = 0;
    const stop: KeyValue["transact"] = (work) => {
      slices += 1;
      return slices > steps ? Promise.reject(new Error("no space left")) : broken.transact(work);
    };
    await expect(nameService({ ...broken, transact: stop }, "planhat")).rejects.toThrow("no space left");
    expect(broken.table("meta").get(["format"])).toBe(4.5);
    await broken.close();
    await expectNamed(await openUpgraded(path, "planhat", undefined));
  });

  it("is what a store of today without the service is", async () => {
    await load();
    const kv = await openUpgraded(path, "planhat", undefined);
    await kv.close();
    await makeFormatFour(path);
    await expectNamed(await openUpgraded(path, "planhat", undefined));
  });
});

describe("a store of format 4 with something in every table that names a tenant", () => {
  const SLASHES: Lane = { remote: "127.0.0.1:9|planhat|t2", tenant: "planhat/127.0.0.1:9/a/b/planhat/c" };
  const LANES = [LANE, NEIGHBOUR, SLASHES];

  /** Rows by table, whatever tables there are. */
  async function dump(): Promise<ReadonlyMap<string, string>> {
    const kv = createLmdbKeyValue(path);
    const names = new Set<string>();
    openTables({ ...kv, table: (name) => (names.add(name), kv.table(name)) }, now);
    const rows = [...names].map((name) => [name, JSON.stringify([...kv.table(name).range([])])] as const);
    await kv.close();
    return new Map(rows);
  }

  async function fill(): Promise<void> {
    const store = await createEmbeddedStore({ kv: createLmdbKeyValue(path), now });
    for (const [at, { tenant, remote }] of LANES.entries()) {
      await store.saveTenant(tenantRow({ key: tenant, connectorId: `c${at}` }));
      await store.assign(tenant, remote, "f");
      await store.claimNotification(`n${at}`, tenant);
      for (const kind of ["batch", "fetch", "drain"] as const) {
        const run = { kind, tenant, type: "companies", options: { verbose: true }, checkpoint: { rows: 1 } } as const;
        await store.beginRun({ ...run, id: `${kind}-${at}` }, false);
        await store.report(`${kind}-${at}`, [
          { type: "companies", hullId: "a", outcome: "sent", code: "updated", text: "" },
        ]);
        if (at === 0) await store.changeRun(`${kind}-${at}`, { state: "success" });
      }
      await store.pause({ remote, tenant }, "*", { kind: "auth", message: "no", sinceMs: 1, untilMs: 2 });
    }
    for (const [at, lane] of LANES.entries()) {
      const take = async (message: Parameters<typeof update>[0]): Promise<EntryRow> => {
        await store.accept([update({ id: `m-${at}-${message?.hullId ?? ""}`, lane, ...message })]);
        return firstReady(store, lane, message?.type ?? "companies");
      };
      const known = await take({ hullId: `told-${at}` });
      await store.settle(lane, [deliver(known, `p${at}`, { mirror: { facts: { name: { sent: "n" } } } })]);
      await store.settle(lane, [skipFor(await take({ hullId: `rival-${at}` }), `p${at}`)]);
      const user = await take({ type: "endusers", hullId: `refused-${at}`, parent: `dead-${at}` });
      await store.settle(lane, [blockOn(user)]);
      await store.settle(lane, [finish(await firstReady(store, lane, "companies"), "rejected", "refused")]);
      await store.settle(lane, [
        blockOn(await take({ type: "endusers", hullId: `child-${at}`, parent: `wait-${at}` })),
      ]);
      const flying = await firstReady(store, lane, "companies");
      await store.attempt(lane, [
        { type: "companies", hullId: flying.hullId, seq: workedOn(flying).seq, repeatable: false },
      ]);
    }
    await store.close();
  }

  it("is today's store, row by row, wherever the upgrade broke off", async () => {
    await fill();
    const today = await dump();
    const holding = [...today].filter(([, rows]) => LANES.some(({ tenant }) => rows.includes(`"${tenant}"`)));
    expect(holding.map(([name]) => name).toSorted()).toEqual(
      [
        ...[
          "blocked",
          "dead",
          "depth",
          "holds",
          "hours",
          "lastRuns",
          "letterIds",
          "letterParents",
          "names",
          "openRuns",
          "outbox",
        ],
        ...["remotes", "rivals", "rivalsFor", "runs", "runsByTime", "tally", "tells", "tenants"],
      ].toSorted(),
    );
    for (let most = 0, done = false; !done; most += 1) {
      await makeFormatFour(path);
      const kv = createLmdbKeyValue(path);
      let steps = 0;
      const stop: KeyValue["transact"] = (work) =>
        (steps += 1) > most ? Promise.reject(new Error("no space left")) : kv.transact(work);
      done = await nameService({ ...kv, transact: stop }, "planhat").then(
        () => true,
        () => false,
      );
      await kv.close();
      await (await openUpgraded(path, "planhat", undefined)).close();
      expect(await dump()).toEqual(today);
    }
  });
});

describe("a store that is new", () => {
  it("is opened as it is, and what an interrupted upgrade left behind is removed", async () => {
    mkdirSync(join(path, "upgrade"));
    const kv = await openUpgraded(path, "planhat", never);
    await createEmbeddedStore({ kv, now });
    await kv.close();
    expect(readdirSync(path)).not.toContain("upgrade");
  });
});

describe("a store in whose indexes blanks around a value still counted", () => {
  const MAIL = " ann@x.example\u00a0";

  it("finds its records without them, and forgets them wholly", async () => {
    const old = createLmdbKeyValue(path);
    const before = await createEmbeddedStore({ kv: old, now });
    await before.observe(LANE.remote, "endusers", now(), 0, [seen("p1", { keys: { email: MAIL } })]);
    await before.accept([{ ...update({ type: "endusers", hullId: "e1" }), claims: { email: MAIL } }]);
    await old.transact(() => {
      for (const name of ["mirrorKeys", "knownBy"]) {
        const index = old.table<number>(name);
        for (const [key] of [...index.range([])]) {
          index.remove(key);
          index.put([...key.slice(0, 3), MAIL, ...key.slice(4)], 1);
        }
      }
      old.table("meta").remove(["folded"]);
    });
    await before.close();

    const kv = createLmdbKeyValue(path);
    const store = await createEmbeddedStore({ kv, now });
    const asked = { name: "email", value: "ann@x.example" } as const;
    expect(await store.candidates(LANE, "endusers", [asked])).toMatchObject([{ id: "p1" }]);
    expect(await store.findBy(LANE, "endusers", asked, 9)).toEqual(["e1"]);
    await store.forgetEntity(LANE.tenant, { types: ["endusers"], children: [] }, "e1");
    expect([...kv.table("knownBy").range([])]).toEqual([]);
    await store.forgetGone(LANE.remote, "endusers", ["p1"]);
    expect([...kv.table("mirrorKeys").range([])]).toEqual([]);
    await store.close();
  });
});
