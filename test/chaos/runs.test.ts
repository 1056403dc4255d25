/**
 * A large batch and a large fetch under fire: the connector is killed again and again at every point where a kill could
 * lose or double a record, and goes on where it was. At the end every record has exactly one outcome.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { generatePopulation, prefixTraits, seedProfiles, type Population } from "../../simulators/hull";
import { createRandom } from "../../simulators/loopback";
import type { RunRow } from "../../src/storage/port/rows";
import { CONNECTOR, sum } from "../fixture/fixture";
import { differences, everybodyTold, inStore, useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage, type Sabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 20_260_102;
/** RUN_RECORDS=100000 makes it a longer test. In twenties: pieces and companies are whole. */
const RECORDS = Number(process.env["RUN_RECORDS"] ?? (IS_FULL ? 400 : 160));
const COMPANIES = RECORDS / 5;
/** Rows of one piece of the file. */
const PIECE = Math.min(500, RECORDS / 4);

const random = createRandom(SEED);
/** Somewhere between two shares of a number of passages. */
const at = (least: number, most: number, passages: number): number =>
  random.integer(Math.max(1, Math.floor(least * passages)), Math.max(1, Math.floor(most * passages)));

const fixtures = useProcessFixtures();

/** Asks for a run as Hull does, and answers its id. */
async function ask({ server, hull }: ProcessFixture, path: string, body?: unknown): Promise<string> {
  const query = `organization=${hull.host}&ship=${CONNECTOR.id}&secret=${CONNECTOR.secret}&force=1`;
  const answer = await fetch(`${server.baseUrl}/${path}?${query}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { run } = (await answer.json()) as { readonly run?: string };
  if (answer.status !== 200 || run === undefined) throw new Error(`${path} answered ${answer.status}.`);
  return run;
}

/** Resolves once the internal API says that the run has ended; while nobody listens it is asked again. */
async function ended({ server, hull }: ProcessFixture, run: string): Promise<string> {
  const credentials = Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64");
  for (;;) {
    const answer = await fetch(`${server.baseUrl}/api/internal/runs/${run}?org=${hull.host}`, {
      headers: { authorization: `Basic ${credentials}` },
    }).catch(() => undefined);
    const { state } = ((await answer?.json().catch(() => undefined)) ?? {}) as { readonly state?: string };
    if (answer?.status === 200 && state !== undefined && state !== "waiting" && state !== "running") return state;
    await sleep(100);
  }
}

/** The row of a run, from the store of a connector that has stopped. */
const rowOf = async ({ dataDir }: ProcessFixture, run: string): Promise<RunRow> => {
  const row = await inStore(dataDir, (store) => store.run(run));
  if (row === undefined) throw new Error(`The store has no run ${run}.`);
  return row;
};

test(`a batch of ${RECORDS} rows that is killed five times ends exact`, async () => {
  type Point = "rows read" | "bulk not applied" | "bulk applied" | "write-back applied";
  const pieces = Math.ceil(RECORDS / PIECE);
  const plan: Record<Point, readonly number[]> = {
    "rows read": [at(0.2, 0.4, pieces)],
    // All rows may leave in one call.
    "bulk not applied": [1],
    "bulk applied": [1],
    "write-back applied": [random.integer(2, Math.max(2, Math.ceil(RECORDS / 200)))],
  };
  const sabotage: Sabotage<Point> = createSabotage(plan, () => fixtures.kill());
  const fixture = await fixtures.open({ seed: SEED });
  const { planhat, hull, server } = fixture;
  const population = generatePopulation({ seed: SEED, users: RECORDS, companies: COMPANIES });
  seedProfiles(population, hull.profiles);
  planhat.on("request", async ({ route }) => {
    if (route === "PUT /endusers" && (await sabotage.strike("bulk not applied"))) throw new Error("Killed.");
  });
  planhat.on("applied", async ({ route }) => {
    if (route === "PUT /endusers") await sabotage.strike("bulk applied");
  });
  hull.on("applied", async ({ route }) => {
    if (route === "POST /firehose") await sabotage.strike("write-back applied");
  });
  const file = piecesOf(population);
  // The first kill happens by itself, however much of the file was sent by then.
  let counts = false;
  const extract = hull.publishExtract({
    content: function* () {
      for (const piece of file) {
        yield piece;
        // The piece is being sent; how much of it was read at the time of the kill is unknown.
        if (counts) void sabotage.strike("rows read");
      }
    },
  });

  const run = await ask(fixture, "batch", { url: extract.url, format: "json", object_type: "user_report" });
  // Hull has its answer and never asks again.
  await server.kill();
  counts = true;
  expect(await ended(fixture, run)).toBe("success");
  const remains = await fixture.drained(() => everybodyTold(population, hull));
  const row = await rowOf(fixture, run);
  console.info(`${RECORDS} rows, ${server.kills} kills, ${extract.downloads} downloads, ${JSON.stringify(row.counts)}`);

  expect(sabotage.missing()).toEqual({});
  expect(server.kills).toBe(5);
  expect(server.crashes).toEqual([]);
  expect(differences(population, fixture)).toEqual([]);
  expect(planhat.books.snapshot()).toMatchObject({ duplicates: [], overlappingItems: 0, ignoredEndusers: 0 });
  expect(planhat.books.snapshot().created).toMatchObject({ companies: COMPANIES, endusers: RECORDS });
  expect({ state: row.state, done: row.done, total: row.total }).toEqual({
    state: "success",
    done: RECORDS,
    total: RECORDS,
  });
  expect(sum(row.counts)).toBe(RECORDS);
  expect(Object.keys(row.counts).every((name) => name.startsWith("endusers/sent/"))).toBe(true);
  expect(remains).toMatchObject({ lanes: [], depths: [], deadLetters: 0 });
  expect(remains.tally.messages).toBe(RECORDS);
  expect(sum(remains.tally.outcomes)).toBe(RECORDS);
}, 600_000);

/** The rows of a file, some of them at a time. */
function piecesOf({ users, accounts }: Population): readonly string[] {
  const lines = users.map(({ accountIndex, events: _, ...user }) => {
    const row = { ...prefixTraits(user), account: accounts[accountIndex] ?? {} };
    return `${JSON.stringify(row)}\n`;
  });
  return Array.from({ length: Math.ceil(RECORDS / PIECE) }, (_, piece) =>
    lines.slice(piece * PIECE, (piece + 1) * PIECE).join(""),
  );
}

test(`a fetch of ${RECORDS} endusers that is killed five times ends exact`, async () => {
  type Point = "list asked" | "list answered" | "write-back not applied" | "write-back applied" | "write-back answered";
  const tells = Math.ceil(RECORDS / 500);
  const plan: Record<Point, readonly number[]> = {
    "list asked": [2],
    "list answered": [3],
    "write-back not applied": [at(0.05, 0.2, tells)],
    "write-back applied": [at(0.3, 0.5, tells)],
    "write-back answered": [at(0.6, 0.9, tells)],
  };
  const sabotage: Sabotage<Point> = createSabotage(plan, () => fixtures.kill());
  const fixture = await fixtures.open({ seed: SEED });
  const { planhat, hull, server } = fixture;
  const { users, accounts } = generatePopulation({ seed: SEED, users: RECORDS, companies: COMPANIES });
  const tenant = planhat.tenant();
  const companies = accounts.map(({ external_id, name }) => tenant.seedCompany({ externalId: external_id, name }));
  for (const { external_id, email, name, position, accountIndex } of users) {
    const companyId = companies[accountIndex]?._id;
    tenant.seedEnduser({ externalId: external_id, email, name, position, companyId });
  }
  planhat.on("request", async ({ route }) => {
    if (route === "GET /endusers" && (await sabotage.strike("list asked"))) throw new Error("Killed.");
  });
  planhat.on("answered", async ({ route }) => {
    if (route === "GET /endusers") await sabotage.strike("list answered");
  });
  hull.on("request", async ({ route }) => {
    if (route !== "POST /firehose") return;
    if (await sabotage.strike("write-back not applied")) throw new Error("Killed.");
  });
  hull.on("applied", async ({ route }) => {
    if (route === "POST /firehose") await sabotage.strike("write-back applied");
  });
  hull.on("answered", async ({ route }) => {
    if (route === "POST /firehose") await sabotage.strike("write-back answered");
  });

  const run = await ask(fixture, "fetch/users");
  expect(await ended(fixture, run)).toBe("success");
  expect(sabotage.missing()).toEqual({});
  expect(server.kills).toBe(5);
  const told = hull.books.snapshot();

  // What was told is known to be told: the next fetch finds nothing to say.
  const again = await ask(fixture, "fetch/users");
  expect(await ended(fixture, again)).toBe("success");
  expect(hull.books.snapshot().firehoseItems).toBe(told.firehoseItems);
  const remains = await fixture.drained(() => true);
  const row = await rowOf(fixture, run);
  const second = await rowOf(fixture, again);
  console.info(
    `${RECORDS} endusers, ${server.kills} kills, ${told.firehoseItems} items (${told.noOpItems} of them again), ` +
      `${JSON.stringify(row.counts)}, then ${JSON.stringify(second.counts)}`,
  );

  expect(server.crashes).toEqual([]);
  expect(row).toMatchObject({ state: "success", done: RECORDS });
  expect(row.counts).toEqual({ "endusers/sent/told": RECORDS });
  expect(second).toMatchObject({ state: "success", done: RECORDS });
  expect(sum(second.counts)).toBe(RECORDS);
  expect(Object.keys(second.counts).every((name) => name.startsWith("endusers/unchanged/"))).toBe(true);
  expect(told.noOpItems).toBe(told.firehoseItems - RECORDS);
  const known = new Map([...hull.profiles.users.values()].map((each) => [each.external_id, each]));
  expect(known.size).toBe(RECORDS);
  const wrong = planhat
    .snapshot()
    .endusers.filter((each) => known.get(String(each["externalId"]))?.attributes["planhat/id"] !== each._id);
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(remains).toMatchObject({ lanes: [], depths: [], deadLetters: 0, tally: { messages: 0 } });
}, 600_000);
