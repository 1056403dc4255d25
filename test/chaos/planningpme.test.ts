/** A year of accounts under fire: PlanningPME has each of them once and as Hull has it last, however often it is killed. */
import { buildAccountMessage } from "../../simulators/hull";
import { createRandom } from "../../simulators/loopback";
import { createPlanningPmeSimulator, type PlanningPmeSimulator } from "../../simulators/planningpme";
import { account, minute, sum, type Bag } from "../fixture/fixture";
import { PLANNER, PLANNER_SETTINGS } from "../fixture/planningpme";
import { useProcessFixtures, type ProcessFixture } from "../fixture/process";
import { createSabotage } from "./sabotage";
import { IS_FULL } from "../full";

const SEED = 43;
/** PLANNINGPME_ROWS makes it a longer test: docs/architecture.md. */
const IS_LONG = IS_FULL || process.env["PLANNINGPME_ROWS"] !== undefined;
const ROWS = Number(process.env["PLANNINGPME_ROWS"] ?? (IS_LONG ? 300 : 100));
/** Rows of an import: few, so that there are many calls to go wrong. */
const BULK = Math.ceil(ROWS / 20);
/** Messages per burst of Hull. */
const BURST = 2 * BULK;
/** Calls between two moments at which all tokens end. */
const TOKEN_CALLS = 15;
const POISON = "The site is closed";

const IMPORT = "POST /api/integration/:template";
/** The calls at which the process is killed: once they have come, or once they are done and the answer is not out yet. */
const PLAN = {
  [`request ${IMPORT}`]: IS_LONG ? [3, 18] : [3],
  [`applied ${IMPORT}`]: IS_LONG ? [8, 23] : [18],
} as const;
type Point = keyof typeof PLAN;
const isPoint = (name: string): name is Point => Object.hasOwn(PLAN, name);
const KILLS = Object.values(PLAN).flat().length;

const fixtures = useProcessFixtures();
let planningpme: PlanningPmeSimulator;
beforeEach(async () => {
  planningpme = createPlanningPmeSimulator({ seed: SEED, quotaPerHour: null });
  await planningpme.listen();
});
afterEach(() => planningpme.close());

async function post({ hull, url, introduce }: ProcessFixture, accounts: readonly Bag[]): Promise<void> {
  const notifier = url.replace("/smart-notifier", "/planningpme/smart-notifier");
  for (let from = 0; from < accounts.length; from += BURST) {
    const messages = accounts.slice(from, from + BURST).map((each) => buildAccountMessage(each));
    introduce(messages);
    const how = { connectorId: PLANNER.id, channel: "account:update", messages, signed: false } as const;
    expect((await hull.send(notifier, how)).messagesAccepted).toBe(messages.length);
  }
}

/** What PlanningPME has of the accounts, by their keys. */
const held = (): ReadonlyMap<unknown, Bag> =>
  new Map(planningpme.snapshot().map(({ fields }) => [fields["_ID"], fields]));
const wanted = ({ external_id, name, city }: Bag): Bag => ({ _ID: external_id, LastName: name, City: city });

describe.each([false, true])("with stop_on_error %s", (stopOnError) => {
  test(`${ROWS} accounts are imported and changed through ${KILLS} kills, and a poisoned one hurts only itself`, async () => {
    const startedAt = Date.now();
    const random = createRandom(SEED);
    const fixture = await fixtures.open({
      seed: SEED,
      environment: { SERVICES: "planhat,planningpme", PLANNINGPME_API_URL: `${planningpme.url}/{brand}` },
      furtherCalls: () => planningpme.books.snapshot().calls,
    });
    const { hull, server } = fixture;
    const privateSettings = { ...PLANNER_SETTINGS, bulk_max_items: BULK, stop_on_error: stopOnError };
    hull.addConnector({ ...PLANNER, privateSettings });

    const sabotage = createSabotage<Point>(PLAN, () => server.kill());
    let calls = 0;
    for (const moment of ["request", "applied"] as const) {
      planningpme.on(moment, async ({ route }) => {
        if (moment === "request" && (calls += 1) % TOKEN_CALLS === 0) planningpme.expireTokens();
        const point = `${moment} ${route}`;
        if (isPoint(point)) await sabotage.strike(point);
      });
    }
    planningpme.faults.add({ kind: "status", status: 503, probability: 0.05 });
    planningpme.faults.add({ kind: "status", status: 502, applied: true, probability: 0.03 });
    planningpme.faults.add({ kind: "reset-before", probability: 0.03 });
    planningpme.faults.add({ kind: "reset-after", probability: 0.05 });
    const victim = `acme-${Math.floor(ROWS * 0.642)}`;
    planningpme.brand().poison({ property: "ID", value: victim }, POISON);

    let now: readonly Bag[] = Array.from({ length: ROWS }, (_, at) => account(at + 1, { city: "Lyon" }));
    const others = () => now.filter(({ external_id: key }) => key !== victim);
    const isAsWanted = (): boolean => {
      const found = held();
      return others().every(({ external_id: key, city }) => found.get(key)?.["City"] === city);
    };
    await post(fixture, random.shuffle(now));
    await fixture.reached(isAsWanted);
    const changed: Bag[] = [];
    now = now.map((each, index) => {
      if (index % 3 !== 0) return each;
      const after = { ...each, city: `Paris ${index}`, indexed_at: minute(1) };
      changed.push(after);
      return after;
    });
    await post(fixture, random.shuffle(changed));
    await fixture.reached(isAsWanted);
    const remains = await fixture.drained(isAsWanted, `planningpme/${hull.host}/${PLANNER.id}`);

    const { duplicates, calls: all, noOpRows } = planningpme.books.snapshot();
    console.info(
      `${ROWS + changed.length} messages of ${ROWS} accounts in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, ` +
        `${server.kills} kills, ${all} calls to PlanningPME, ${noOpRows} rows imported twice`,
    );
    expect(server.crashes).toEqual([]);
    expect(sabotage.missing()).toEqual({});
    expect(duplicates).toEqual([]);
    expect([...held().values()]).toHaveLength(ROWS - 1);
    expect(new Set(held().values())).toEqual(new Set(others().map(wanted)));
    const untold = others().filter(({ id, city }) => {
      return hull.profiles.accounts.get(String(id))?.attributes["planningpme/city"] !== city;
    });
    expect(untold).toEqual([]);
    expect(remains).toMatchObject({ lanes: [], deadLetters: 1 });
    expect(remains.tally.messages).toBe(ROWS + changed.length);
    expect(sum(remains.tally.outcomes)).toBe(ROWS + changed.length);
    const isSent = (name: string): boolean => name.startsWith("customers/sent/");
    const ended = Object.entries(remains.tally.outcomes).filter(([name]) => !isSent(name));
    const hurt = changed.some(({ external_id: key }) => key === victim) ? 2 : 1;
    expect(Object.fromEntries(ended)).toEqual({ "customers/rejected/refused": hurt });
  });
});
