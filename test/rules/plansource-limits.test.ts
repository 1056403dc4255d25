/** Tokens, calls at once and calls per minute: no more than the settings allow, counted by PlanSource. */
import { about, employee, hire, staff } from "../fixture/employees";
import { minute } from "../fixture/fixture";
import { EMPLOYER, usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import { ask } from "../integration/asking";

const open = usePlanSource();

const statusOf = ({ fixture }: PlanSourceFixture) =>
  ask(fixture, "/plansource/status", { ship: EMPLOYER.id, secret: EMPLOYER.secret });
const issued = ({ plansource }: PlanSourceFixture): number => plansource.books.snapshot().tokensIssued;

describe("tokens", () => {
  test("one serves all calls of four minutes, however many come at once", async () => {
    const fixture = await open({ settings: { concurrent_requests: 10 } });
    await fixture.deliver(about(staff(40)));
    expect(issued(fixture)).toBe(1);
    fixture.fixture.advance(3);
    await fixture.deliver(about(staff(5, 41)));
    expect(issued(fixture)).toBe(1);
    fixture.fixture.advance(2);
    await fixture.deliver(about(staff(5, 46)));
    expect(issued(fixture)).toBe(2);
  });

  test("each call has its own where token_per_call is on", async () => {
    const fixture = await open({ settings: { token_per_call: true } });
    await fixture.deliver(about(staff(5)));
    const { tokensIssued, calls } = fixture.plansource.books.snapshot();
    expect(tokensIssued).toBe(calls - tokensIssued);
    const shown = fixture.calls.map(({ headers }) => headers.authorization);
    expect(new Set(shown).size).toBe(shown.length);
  });

  test("one that ends before its time is renewed once, and the call is made", async () => {
    const fixture = await open({ settings: { concurrent_requests: 10 } });
    await fixture.deliver(about(staff(10)));
    fixture.plansource.expireTokens();
    fixture.plansource.books.reset();
    await fixture.deliver(about(staff(10).map((each) => ({ ...each, first_name: "Kim", indexed_at: minute(1) }))));
    expect(issued(fixture)).toBe(1);
    expect(await fixture.outcomes()).toEqual({ "subscribers/sent/created": 10, "subscribers/sent/updated": 10 });
  });

  test("who is refused with a new one as well is not asked again and again: the lane waits for a person", async () => {
    const fixture = await open();
    fixture.plansource.faults.add({ kind: "status", status: 401, route: "GET /subscriber/:id" });
    await fixture.send(about([employee(1)]));
    const { store } = fixture.fixture.connector;
    await fixture.fixture.until(async () => (await store.pauses(fixture.lane)).length > 0);
    expect(issued(fixture)).toBe(2);
    expect(await store.pauses(fixture.lane)).toMatchObject([{ scope: "*", kind: "auth" }]);
  });
});

describe.each([1, 2, 5])("with concurrent_requests %i", (most) => {
  test("there are never more calls at once, with a fetch and the status beside what is sent", async () => {
    const fixture = await open({ settings: { concurrent_requests: most } });
    const { plansource } = fixture;
    for (const person of staff(300, 1_000)) hire(plansource.organization(), person);
    // So that calls would meet if they could.
    plansource.faults.add({ kind: "latency", min: 2, max: 6 });
    await Promise.all([fixture.deliver(about(staff(30))), fixture.fetch(), statusOf(fixture)]);
    expect(plansource.books.snapshot().mostAtOnce).toBe(most);
  });
});

describe("requests_per_minute", () => {
  /** A page of the list, six look-ups and six creates: one more than may be. */
  const LIMIT = 12;
  const PEOPLE = 6;

  test("used up, calls wait for the next minute; those for tokens and meta are not counted", async () => {
    const settings = { requests_per_minute: LIMIT, token_per_call: true };
    const fixture = await open({ settings, plansource: { quotaPerMinute: LIMIT } });
    const { fixture: house, calls, plansource } = fixture;
    await fixture.send(about(staff(PEOPLE)));
    await house.until(() => plansource.snapshot().length === PEOPLE - 1);
    const { requests, tokensIssued } = plansource.books.snapshot();
    expect(requests["GET /subscriber/meta"]).toEqual({ "200": 1 });
    expect(tokensIssued).toBeGreaterThanOrEqual(LIMIT);
    expect(await house.connector.store.lanes()).toHaveLength(1);
    expect(calls).toHaveLength(LIMIT);

    // Whoever asks next sees that the minute is over.
    house.advance(1.1);
    await fixture.fetch();
    await house.settled();
    expect(plansource.snapshot()).toHaveLength(PEOPLE);
    expect(plansource.books.snapshot().maximumCallsPerMinute).toBeLessThanOrEqual(LIMIT);
    const answers = Object.values(plansource.books.snapshot().requests).flatMap((results) => Object.keys(results));
    expect(answers).not.toContain("429");
  });
});
