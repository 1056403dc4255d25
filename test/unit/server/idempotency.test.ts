/** Calls that carry an `Idempotency-Key` are made once: whichever process is asked, after a restart, and if one is killed. */
import pino from "pino";
import { HttpError } from "../../../server/http-error";
import { createOnce, keyIn, type IdempotencyOptions, type Once } from "../../../server/routes/operations/idempotency";
import { OperationError, type OperationAnswer } from "../../../src/services/operations";
import { connectRedis } from "../../../src/storage/database/redis/connection";
import { createRedisDatabase } from "../../../src/storage/database/redis/database";
import type { Database } from "../../../src/storage/database/rows";
import { createSeal } from "../../../src/storage/port/seal";
import type { Store } from "../../../src/storage/port/store";
import { resealed } from "../../../src/storage/tables/sealed";
import { KEYED_CALLS } from "../../../src/storage/tables/tables";
import { sharedRedis } from "../../fixture/redis";
import { LANE, NEIGHBOUR, tenantRow } from "../storage/builders";
import { DAY_MS, MINUTE_MS, openStore, setUpDatabases, START_MS } from "../storage/fixture";

describe("a key", () => {
  test.each([
    ["8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ["order:17/a+b=~._-", "order:17/a+b=~._-"],
    ["k".repeat(255), "k".repeat(255)],
    [undefined, undefined],
  ])("is read, in double quotes and without (%#)", (header, key) => {
    expect(keyIn(header)).toBe(key);
  });

  test.each([
    ...[
      "",
      " ",
      '""',
      '"k',
      'k"',
      "a, b",
      '"a", "b"',
      '"a";b=1',
      "ann@acme.example",
      "a b",
      "a\\b",
      "ä",
      "k\u0000",
      "\n",
    ],
    ...["k".repeat(256), `"${"k".repeat(256)}"`, "k".repeat(100_000)],
  ])("of another form is refused, and not repeated in the answer (%#)", (header) => {
    let refused: unknown;
    try {
      keyIn(header);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({
      status: 400,
      code: "invalid_idempotency_key",
      details: [{ path: "Idempotency-Key" }],
    });
    const { message } = refused as HttpError;
    expect(message).toContain("must be 1 to 255 letters, digits");
    if (header.includes("@")) expect(message).not.toContain(header);
  });
});

const { makeFolder, openDatabase } = setUpDatabases();
let spaces = 0;

/** A database that several processes have open, or one after the other. */
function openShared(adapter: "lmdb" | "redis"): () => Promise<Database> {
  if (adapter === "redis") {
    spaces += 1;
    const prefix = `idempotency ${spaces}:`;
    return () => Promise.resolve(createRedisDatabase({ connection: connectRedis(sharedRedis().address), prefix }));
  }
  const folder = makeFolder();
  let last: Database | undefined;
  return async () => {
    // Only one process at a time has the folder.
    await last?.close();
    last = openDatabase("lmdb", folder);
    return last;
  };
}

interface Process {
  readonly store: Store;
  readonly once: Once;
  /** Sends the usual call. @returns what came of it */
  readonly call: (work: () => Promise<OperationAnswer>, more?: object) => Promise<unknown>;
  readonly logged: () => string;
}

const clock = { nowMs: START_MS };
const opened: Store[] = [];
beforeEach(() => (clock.nowMs = START_MS));
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close().catch(() => undefined);
});

async function startProcess(
  database: Database,
  {
    secret = "a secret of some length",
    change = {},
  }: { secret?: string; change?: Partial<IdempotencyOptions["store"]> } = {},
): Promise<Process> {
  const store = await openStore({ database, now: () => clock.nowMs });
  opened.push(store);
  for (const { tenant } of [LANE, NEIGHBOUR]) await store.saveTenant(tenantRow({ key: tenant }));
  const lines: string[] = [];
  const once = createOnce({
    store: {
      beginCall: (...given) => store.beginCall(...given),
      endCall: (...given) => store.endCall(...given),
      ...change,
    },
    seal: createSeal(secret),
    now: () => clock.nowMs,
    logger: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  return {
    store,
    once,
    call: async (work, more = {}) => {
      let repeated = false;
      const usual = { tenant: LANE.tenant, key: "k1", request: ["createThing", { body: { size: 1 } }], context: {} };
      try {
        const answer = await once({ ...usual, onRepeated: () => (repeated = true), ...more }, work);
        return { ...answer, repeated };
      } catch (error) {
        if (error instanceof HttpError)
          return { status: error.status, code: error.code, retryAfter: error.headers["retry-after"] };
        if (error instanceof OperationError) return { status: error.status, code: error.code, repeated };
        throw error;
      }
    },
    logged: () => lines.join(""),
  };
}

/** Work that counts, and ends when it is told to. */
function work(answer: OperationAnswer | Error = { body: { id: "t1" } }) {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const made = { times: 0 };
  const end = (): Promise<OperationAnswer> =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  return {
    made,
    go: () => open(),
    atOnce: () => {
      made.times += 1;
      return end();
    },
    held: async () => {
      made.times += 1;
      await gate;
      return end();
    },
  };
}

const DONE = { body: { id: "t1" }, repeated: false };
const AGAIN = { body: { id: "t1" }, repeated: true };
const UNKNOWN = { status: 409, code: "outcome_unknown", retryAfter: undefined };
const UNDERWAY = { status: 409, code: "call_in_progress", retryAfter: "5" };

describe.each(["lmdb", "redis"] as const)("on %s", (adapter) => {
  test("of many that come at once one is made, and the others are told to ask again", async () => {
    const next = openShared(adapter);
    const one = await startProcess(await next());
    const other = adapter === "lmdb" ? one : await startProcess(await next());
    const { made, held, go } = work();
    const calls = [one, other, one, other, one].map(({ call }) => call(held));
    // The first to be refused says that another one has begun.
    expect(await Promise.race(calls)).toEqual(UNDERWAY);
    go();
    const ends = await Promise.all(calls);
    expect(ends.filter((end) => JSON.stringify(end) === JSON.stringify(DONE))).toHaveLength(1);
    expect(made.times).toBe(1);
    expect(await other.call(held)).toEqual(AGAIN);
    expect(made.times).toBe(1);
  });

  test("the answer is the same after a restart, bytes and headers too", async () => {
    const next = openShared(adapter);
    const headers = { "content-type": "application/pdf" };
    const raw = work({ status: 201, headers, body: Buffer.from([0, 255, 7]) });
    const before = await startProcess(await next());
    await before.call(raw.atOnce);
    await before.call(work({}).atOnce, { key: "without-a-body" });
    const after = await startProcess(await next());
    expect(await after.call(raw.atOnce)).toEqual({
      ...{ status: 201, headers, body: Buffer.from([0, 255, 7]), repeated: true },
    });
    expect(await after.call(raw.atOnce, { key: "without-a-body" })).toEqual({ repeated: true });
    expect(raw.made.times).toBe(1);
  });

  test("what was cut off in the middle is not made again, and the answer says so", async () => {
    const next = openShared(adapter);
    const killed = await startProcess(await next());
    const { made, held } = work();
    void killed.call(held);
    while (made.times === 0) await new Promise(setImmediate);
    const after = await startProcess(await next());
    // It may still live, as far as anybody knows.
    expect(await after.call(held)).toEqual(UNDERWAY);
    clock.nowMs += MINUTE_MS;
    expect(await after.call(held)).toEqual(UNKNOWN);
    // A clock that is an hour behind the one that began it knows no better.
    clock.nowMs = START_MS - 60 * MINUTE_MS;
    expect(await after.call(held)).toEqual(UNKNOWN);
    expect(made.times).toBe(1);
  });

  test("after a day the key may be used for something else, and until then it may not", async () => {
    const { call, store } = await startProcess(await openShared(adapter)());
    const { made, atOnce } = work();
    const other = { request: ["createThing", { body: { size: 2 } }] };
    expect(await call(atOnce)).toEqual(DONE);
    clock.nowMs += DAY_MS;
    await store.housekeep(1);
    expect(await call(atOnce, other)).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    expect(await call(atOnce)).toEqual(AGAIN);
    clock.nowMs += 1;
    expect(await call(atOnce, other)).toEqual(DONE);
    clock.nowMs += DAY_MS + 1;
    expect(await store.housekeep(1)).toBeGreaterThan(0);
    expect(await call(atOnce)).toEqual(DONE);
    expect(made.times).toBe(3);
  });

  test("another connector's key is another key, and an erased connector's is forgotten", async () => {
    const { call, store } = await startProcess(await openShared(adapter)());
    const { made, held, atOnce, go } = work();
    expect(await call(atOnce)).toEqual(DONE);
    expect(await call(atOnce, { tenant: NEIGHBOUR.tenant })).toEqual(DONE);
    const late = call(held, { key: "k2" });
    while (made.times < 3) await new Promise(setImmediate);
    await store.forgetTenant(LANE.tenant);
    go();
    // What ends later leaves nothing behind.
    expect(await late).toEqual(DONE);
    await expect(call(atOnce)).rejects.toThrow("The connector was erased meanwhile");
    await store.saveTenant(tenantRow());
    expect([await call(atOnce), await call(atOnce, { key: "k2" })]).toEqual([DONE, DONE]);
    expect(await call(atOnce, { tenant: NEIGHBOUR.tenant })).toEqual(AGAIN);
  });
});

describe("what came of it", () => {
  const startOne = (more?: Parameters<typeof startProcess>[1]) =>
    openShared("lmdb")().then((d) => startProcess(d, more));

  test("what was certainly not done may be tried again; what may have been is answered as before", async () => {
    const { call } = await startOne();
    const busy = work(new OperationError(503, "acme_busy", "Try again later."));
    expect(await call(busy.atOnce)).toMatchObject({ status: 503, repeated: false });
    const slow = work({ status: 429, body: Buffer.from("slow down") });
    for (const times of [1, 2]) {
      expect(await call(slow.atOnce, { key: "passed-on" })).toMatchObject({ status: 429, repeated: false });
      expect(slow.made.times).toBe(times);
    }
    const lost = work(new OperationError(502, "outcome_unknown", "It may exist.", { mayHaveActed: true }));
    expect(await call(lost.atOnce)).toMatchObject({ status: 502, repeated: false });
    expect(await call(lost.atOnce)).toEqual({ status: 502, code: "outcome_unknown", repeated: true });
    expect([busy.made.times, lost.made.times]).toEqual([1, 1]);
  });

  test("after a fault of the program nobody knows", async () => {
    const { call } = await startOne();
    const broken = work(new TypeError("x is not a function"));
    await expect(call(broken.atOnce)).rejects.toThrow(TypeError);
    expect(await call(broken.atOnce)).toEqual(UNKNOWN);
    expect(broken.made.times).toBe(1);
  });

  test("an answer that is too large is not kept, and not made again", async () => {
    const { call } = await startOne();
    for (const body of [{ text: "x".repeat(20_000) }, Buffer.alloc(20_000)]) {
      const { made, atOnce } = work({ body });
      const key = { key: Buffer.isBuffer(body) ? "bytes" : "json" };
      expect(await call(atOnce, key)).toEqual({ body, repeated: false });
      expect(await call(atOnce, key)).toMatchObject({ status: 409, code: "already_done" });
      expect(made.times).toBe(1);
    }
  });

  test("an answer that cannot be stored reaches the caller, and the log says why", async () => {
    const { call, logged } = await startOne({
      change: { endCall: () => Promise.reject(new Error("The disk is full.")) },
    });
    const { made, atOnce } = work();
    expect(await call(atOnce)).toEqual(DONE);
    expect(logged()).toContain("The disk is full.");
    clock.nowMs += MINUTE_MS;
    expect([await call(atOnce), made.times]).toEqual([UNKNOWN, 1]);
  });

  test("neither key nor answer can be read in the store, and with another secret nobody knows", async () => {
    const next = openShared("lmdb");
    const database = await next();
    const { call } = await startProcess(database);
    const { made, atOnce } = work({ body: { email: "ann@acme.example" } });
    await call(atOnce, { key: "a-key-that-tells" });
    const rows = await database.read((all) => JSON.stringify([...all.range(KEYED_CALLS.name, [])]));
    expect(rows).toContain(LANE.tenant);
    expect(rows).not.toMatch(/ann@|a-key-that-tells/);
    const other = await startProcess(await next(), { secret: "another secret of some length" });
    expect([await other.call(atOnce, { key: "a-key-that-tells" }), made.times]).toEqual([UNKNOWN, 1]);
  });

  test("a store that is moved takes them along, encrypted for the secret of its new place", async () => {
    const next = openShared("lmdb");
    const database = await next();
    const { call } = await startProcess(database);
    const { made, atOnce } = work();
    await call(atOnce);
    const [ours, theirs] = [createSeal("a secret of some length"), createSeal("another secret of some length")];
    await database.write((rows) => ({
      result: undefined,
      changes: [...rows.range(KEYED_CALLS.name, [])].map(([key, value]) => ({
        ...{ table: KEYED_CALLS.name, key },
        value: resealed(
          KEYED_CALLS.name,
          key,
          value,
          (text, place) => theirs.seal(ours.open(text, place), place),
          () => undefined,
        ),
      })),
    }));
    const moved = await startProcess(await next(), { secret: "another secret of some length" });
    expect([await moved.call(atOnce), made.times]).toEqual([AGAIN, 1]);
  });

  test("a connector has ten thousand of them, and further ones are refused before anything is done", async () => {
    const database = openDatabase("lmdb");
    const { call } = await startProcess(database);
    const rowOf = (n: number) => ({
      table: KEYED_CALLS.name,
      key: [LANE.tenant, `k${n}`] as const,
      value: [START_MS, "", ""],
    });
    await database.write(() => ({ result: undefined, changes: Array.from({ length: 10_000 }, (_, n) => rowOf(n)) }));
    const { made, atOnce } = work();
    expect(await call(atOnce)).toEqual({ status: 429, code: "too_many_idempotency_keys", retryAfter: "3600" });
    expect(made.times).toBe(0);
    expect(await call(atOnce, { tenant: NEIGHBOUR.tenant })).toEqual(DONE);
  });
});
