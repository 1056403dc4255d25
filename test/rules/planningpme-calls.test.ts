/** What PlanningPME is called for, counted by PlanningPME: as seldom as its reports allow, and never past the hour's budget. */
import { buildAccountMessage } from "../../simulators/hull";
import { begin, publish, type Order } from "../fixture/batches";
import { account, minute, type Bag } from "../fixture/fixture";
import { PLANNER, usePlanningPme, type PlanningPmeFixture } from "../fixture/planningpme";
import { bag, list } from "../fixture/states";
import { operate } from "../integration/planningpme/asking";

const open = usePlanningPme();

const ROWS = 10_000;
/** Many messages need no line each. */
const QUIET = { environment: { LOG_LEVEL: "error" } };

const accounts = (count: number, more: Bag = {}) => Array.from({ length: count }, (_, at) => account(at + 1, more));
const told = (some: readonly Bag[]) => some.map((each) => buildAccountMessage(each));
const CHANNEL = { channel: "account:update" } as const;
const books = ({ planningpme }: PlanningPmeFixture) => planningpme.books.snapshot();
const customers = ({ planningpme }: PlanningPmeFixture) => planningpme.snapshot();

describe("of 10,000 changed accounts", () => {
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
    const fixture = await open({ environment: { ...QUIET.environment, LINGER_MS: "1000" } });
    await fixture.deliver(told(changed()), CHANNEL);
    const { imports, importedRows, noOpRows } = books(fixture);
    expect(imports).toBeLessThanOrEqual(14);
    expect({ importedRows, noOpRows }).toEqual({ importedRows: ROWS, noOpRows: 0 });
  }, 120_000);
});
