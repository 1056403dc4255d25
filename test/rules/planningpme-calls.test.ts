/** What PlanningPME is called for, counted by PlanningPME: as seldom as its reports allow, and never past the hour's budget. */
import groupBy from "lodash/groupBy";
import { buildAccountMessage } from "../../simulators/hull";
import { stockTemplates } from "../../simulators/planningpme";
import { begin, publish, type Order } from "../fixture/batches";
import { account, minute, type Bag } from "../fixture/fixture";
import { PLANNER, PLANNER_SETTINGS, usePlanningPme, type PlanningPmeFixture } from "../fixture/planningpme";
import { bag, list } from "../fixture/states";
import { askAsHull, operate } from "../integration/planningpme/asking";

const open = usePlanningPme();

/** IMPORTED_ROWS=10000 makes it a longer test, with imports as large as they may be: docs/architecture.md. */
const ROWS = Number(process.env["IMPORTED_ROWS"] ?? 400);
const BULK = ROWS / 10;
/** Many messages need no line each. */
const QUIET = { environment: { LOG_LEVEL: "error" }, settings: { bulk_max_items: BULK } };

const accounts = (count: number, more: Bag = {}) => Array.from({ length: count }, (_, at) => account(at + 1, more));
const told = (some: readonly Bag[]) => some.map((each) => buildAccountMessage(each));
const CHANNEL = { channel: "account:update" } as const;
const books = ({ planningpme }: PlanningPmeFixture) => planningpme.books.snapshot();
const customers = ({ planningpme }: PlanningPmeFixture) => planningpme.snapshot();

describe(`of ${ROWS} changed accounts`, () => {
  const changed = (): readonly Bag[] => accounts(ROWS, { city: "Lyon", indexed_at: minute(1) });

  test("those that were taken in before delivery begins go in 10 imports, and unchanged ones in none", async () => {
    const fixture = await open(QUIET);
    const all = accounts(ROWS);
    await fixture.together(() => fixture.send(told(all), CHANNEL));
    await fixture.fixture.settled();
    expect(books(fixture)).toMatchObject({ imports: 10, importedRows: ROWS, failedRows: 0 });

    await fixture.deliver(told(all.map((each) => ({ ...each, indexed_at: minute(1) }))), CHANNEL);
    expect(books(fixture).imports).toBe(10);
    expect(await fixture.outcomes()).toEqual({
      "customers/sent/created": ROWS,
      "customers/unchanged/in_sync": ROWS,
    });
  }, 120_000);

  test("those that come while others are delivered go in 14 imports at most", async () => {
    const fixture = await open({ ...QUIET, environment: { ...QUIET.environment, LINGER_MS: "1000" } });
    await fixture.deliver(told(changed()), CHANNEL);
    const { imports, importedRows, noOpRows } = books(fixture);
    expect(imports).toBeLessThanOrEqual(14);
    expect({ importedRows, noOpRows }).toEqual({ importedRows: ROWS, noOpRows: 0 });
  }, 120_000);
});

/** Which rows stand at their new value, and which PlanningPME will refuse, by their place. */
const isChanged = (index: number): boolean => index % 4 === 0;
const REFUSED = "The site is closed";

/** Half of so many accounts were delivered; then some are changed, some new, and those at the given places refused. */
async function openForBatch(count: number, refused: readonly number[]) {
  const opened = await open(QUIET);
  const { fixture, planningpme } = opened;
  await opened.together(() => opened.send(told(accounts(count / 2)), CHANNEL));
  await fixture.settled();
  const rows = accounts(count).map((each, index) => (isChanged(index) ? { ...each, city: "Lyon" } : each));
  for (const index of refused) {
    planningpme.brand().poison({ property: "ID", value: rows[index]?.external_id }, REFUSED);
  }
  planningpme.books.reset();
  /** A batch of all of them; answers what the API shows of the run. */
  const run = async (how: Order): Promise<Bag> => {
    const order: Order = { entity: "account", service: "planningpme", connector: PLANNER, ...how };
    const id = await begin(fixture, publish(fixture, rows).url, order);
    await fixture.ended(id);
    if (how.simulate !== true) await fixture.settled();
    return (await operate(opened, `GET /runs/${id}`, { query: { lines: "500" } })).body;
  };
  return { opened, run };
}
const linesOf = (run: Bag): readonly unknown[] =>
  list(bag(run["report"])["lines"])
    .map(bag)
    .map(({ hull_id, outcome, code }) => `${String(hull_id)} ${String(outcome)}/${String(code)}`)
    .toSorted();
const reportsOf = (run: Bag): readonly Bag[] => list(bag(run["report"])["service"]).map(bag);

describe("a batch that is only tried", () => {
  test(`writes nothing of ${ROWS} rows, shows PlanningPME's reports, and the real one does what they say`, async () => {
    const { opened, run } = await openForBatch(ROWS, [ROWS - 2, ROWS - 1]);
    const before = customers(opened);
    const tried = await run({ simulate: true });
    expect(customers(opened)).toEqual(before);
    const { imports, writes, simulations, simulatedRows } = books(opened);
    expect({ imports, writes, simulations, simulatedRows }).toEqual({
      ...{ imports: 0, writes: [] },
      ...{ simulations: 10, simulatedRows: ROWS },
    });
    expect(tried).toMatchObject({ state: "success", options: { simulate: true } });

    const reports = reportsOf(tried);
    expect(reports.map(({ simulate, rows }) => [simulate, list(rows).length])).toEqual(
      Array.from({ length: 10 }, () => [true, BULK]),
    );
    const lines = reports.flatMap(({ rows }) => list(rows)).map(bag);
    const actions = groupBy(lines, ({ action }) => action);
    expect(actions["failed"]).toMatchObject([
      { key: `acme-${ROWS - 1}`, message: REFUSED },
      { key: `acme-${ROWS}`, message: REFUSED },
    ]);

    const real = await run({});
    expect(real["counts"]).toEqual(tried["counts"]);
    expect(reportsOf(real)).toEqual([]);
    expect(books(opened)).toMatchObject({
      written: { Customer: { insert: actions["inserted"]?.length, update: actions["updated"]?.length } },
      noOpRows: actions["unchanged"]?.length,
    });
  }, 120_000);

  test("says of each row with verbose what the real one says", async () => {
    const { run } = await openForBatch(40, [7, 21]);
    const tried = linesOf(await run({ simulate: true, verbose: true }));
    expect(tried.filter((line) => String(line).endsWith(" rejected/refused"))).toHaveLength(2);
    expect(tried).toHaveLength(40);
    expect(linesOf(await run({ verbose: true }))).toEqual(tried);
  });

  test("keeps the first reports, up to a million characters", async () => {
    const { opened, run } = await openForBatch(1_200, []);
    opened.planningpme.configure({ rowNames: "row" });
    const constants = [{ property: "Address", value: "long ".repeat(200) }];
    await opened.saveSettings({ customer_defaults: constants, bulk_max_items: 100 });
    const tried = await run({ simulate: true });
    expect(books(opened).simulations).toBe(12);
    const kept = JSON.stringify(reportsOf(tried)).length;
    expect([kept > 800_000, kept < 1_000_100]).toEqual([true, true]);
    expect(tried).toMatchObject({ state: "success", done: 1_200 });
  });

  test("stops with stop_on_error behind the rows with the first failure, and tells PlanningPME to", async () => {
    const { opened, run } = await openForBatch(600, [250]);
    const tried = await run({ simulate: true, stopOnError: true });
    expect(tried).toMatchObject({ state: "stopped", done: 400, total: 400 });
    const bodies = opened.calls.slice(-books(opened).simulations).map(({ body }) => bag(body));
    expect(bodies.map(({ simulate, stopOnError }) => [simulate, stopOnError])).toEqual(bodies.map(() => [true, true]));
    expect(reportsOf(tried)).toHaveLength(bodies.length);
    expect(books(opened).imports).toBe(0);
  });
});

describe("requests_per_hour", () => {
  const LIMIT = 10;
  const COUNT = 12;

  test("is never passed, through a restart and a kill, and calls for tokens count", async () => {
    const settings = { requests_per_hour: LIMIT, model_layout: "single" };
    const opened = await open({
      settings,
      planningpme: { templates: stockTemplates, quotaPerHour: LIMIT, switches: { modelLayout: "single" } },
    });
    const { fixture } = opened;
    const calls = (): number => books(opened).calls;
    const isUsedUp = (): Promise<void> =>
      fixture.until(async () => calls() === LIMIT && (await fixture.engine("planningpme").budgetLeft()) === 0);
    await opened.send(told(accounts(COUNT)), CHANNEL);
    await isUsedUp();
    expect([books(opened).tokensIssued, customers(opened).length]).toEqual([1, LIMIT - 1]);

    // What was started before is remembered: with what is left, all would be done.
    for (const again of [fixture.restart, fixture.crash]) {
      await again();
      await isUsedUp();
      expect(customers(opened)).toHaveLength(LIMIT - 1);
    }

    // Whoever asks next sees that the hour is over.
    fixture.advance(61);
    await askAsHull(opened, "GET /status");
    await fixture.settled();
    expect(customers(opened)).toHaveLength(COUNT);
    const { maximumCallsPerHour, requests } = books(opened);
    expect(maximumCallsPerHour).toBe(LIMIT);
    expect(Object.values(requests).flatMap((results) => Object.keys(results))).not.toContain("429");
  });

  test("is shared by connectors that have one app key", async () => {
    const settings = { requests_per_hour: LIMIT, model_layout: "single" };
    const opened = await open({
      settings,
      planningpme: { templates: stockTemplates, quotaPerHour: LIMIT, switches: { modelLayout: "single" } },
    });
    const { fixture, url } = opened;
    const second = { id: "5f00000000000000000000e2", secret: "planningpme-secret-00002" };
    fixture.hull.addConnector({ ...second, privateSettings: { ...PLANNER_SETTINGS, ...settings } });
    const [mine, theirs] = [accounts(COUNT / 2), accounts(COUNT).slice(COUNT / 2)];
    fixture.introduce(told(theirs));
    await opened.send(told(mine), CHANNEL);
    const how = { connectorId: second.id, ...CHANNEL, messages: told(theirs), signed: false } as const;
    expect((await fixture.hull.send(`${url()}/smart-notifier`, how)).messagesAccepted).toBe(theirs.length);
    await fixture.until(
      async () => books(opened).calls === LIMIT && (await fixture.engine("planningpme").budgetLeft()) === 0,
    );

    fixture.advance(61);
    await askAsHull(opened, "GET /status");
    await fixture.settled();
    expect(customers(opened)).toHaveLength(COUNT);
    const { maximumCallsPerHour, requests } = books(opened);
    expect(maximumCallsPerHour).toBe(LIMIT);
    expect(Object.values(requests).flatMap((results) => Object.keys(results))).not.toContain("429");
  });
});
