/** How many calls to Planhat hundreds of people cost, against every form of Planhat's bulk answers that matters there. */
import {
  changedUserMessages,
  changePopulation,
  generatePopulation,
  seedProfiles,
  userMessages,
  type Population,
} from "../../simulators/hull";
import { errorShapes, nonupdatesForms } from "../../simulators/planhat";
import { CONNECTOR, openFixture, type Fixture } from "../fixture/fixture";

/** The production default; time enough for the answers that `send` holds back; and no line per record. */
const PACE = { LINGER_MS: "250", REQUEST_TIMEOUT_MS: "60000", LOG_LEVEL: "warn" };
const USERS = 400;
const COMPANIES = 50;
const population = generatePopulation({ seed: 7, users: USERS, companies: COMPANIES });
/** Enough for a search among many, where the form of the answer is all that differs. */
const fewer = generatePopulation({ seed: 7, users: 200, companies: COMPANIES });

/** Every value of both, since one says nothing about the other. */
const [usualShape] = errorShapes;
const [usualForm] = nonupdatesForms;
const forms = [
  ...errorShapes.map((errorShape) => ({ errorShape, nonupdates: usualForm })),
  ...nonupdatesForms.slice(1).map((nonupdates) => ({ errorShape: usualShape, nonupdates })),
].map((form) => ({ ...form, name: `${form.errorShape}, unchanged ${form.nonupdates}` }));

jest.setTimeout(120_000);
let fixture: Fixture;
afterEach(() => fixture.close());

async function open(switches: Pick<(typeof forms)[number], "errorShape" | "nonupdates">): Promise<void> {
  const { errorShape, nonupdates } = switches;
  fixture = await openFixture({ planhat: { switches: { errorShape, nonupdates } }, environment: PACE });
  seedProfiles(population, fixture.hull.profiles);
}

/**
 * Notifications of 200, back to back, until everything is delivered and told. Planhat answers when all of them are
 * taken in, so that the count does not depend on how fast this machine is.
 */
async function send(messages: readonly unknown[]): Promise<void> {
  fixture.planhat.books.reset();
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const forget = fixture.planhat.on("request", () => gate);
  const report = await fixture.hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages,
    shipmentSize: 200,
  });
  expect([report.shipments, report.messagesAccepted]).toEqual([messages.length / 200, messages.length]);
  open();
  await fixture.settled();
  forget();
}

/** Calls of the last shipments, after making sure that none of them was a waste. */
function calls(): number {
  const books = fixture.planhat.books.snapshot();
  expect(books).toMatchObject({ noOpWrites: 0, duplicates: [], ignoredEndusers: 0, concurrentBulkWrites: 0 });
  return books.calls;
}

/** Everybody as Hull shows him, as if somebody had imported them; every second one with another position. */
function seedPlanhat({ accounts, users }: Population): void {
  const tenant = fixture.planhat.tenant();
  const ids = accounts.map(({ external_id: externalId, name }) => tenant.seedCompany({ externalId, name })._id);
  users.forEach(({ external_id: externalId, email, name, position, accountIndex }, index) => {
    const there = index % 2 === 0 ? position : "Somebody";
    tenant.seedEnduser({ companyId: ids[accountIndex], externalId, email, name, position: there });
  });
}

/** People whom the connector never hears of. */
function seedOthers(count: number): void {
  const tenant = fixture.planhat.tenant();
  const ids = Array.from(
    { length: 500 },
    (_, index) => tenant.seedCompany({ externalId: `other-${index}`, name: `Other ${index}` })._id,
  );
  for (let index = 0; index < count; index += 1) {
    const companyId = ids[index % ids.length];
    tenant.seedEnduser({ companyId, externalId: `other-${index}`, email: `other-${index}@example.net`, name: "Other" });
  }
}

describe.each(forms)("$name", (switches) => {
  test("new people in an empty Planhat, and all of them changed with one who is refused", async () => {
    // A form that names nobody takes the longest search.
    const isLongest = switches.errorShape === "text" && switches.nonupdates === nonupdatesForms[0];
    const people = isLongest ? population : fewer;
    const count = people.users.length;
    await open(switches);
    await send(userMessages(people));
    expect(calls()).toBeLessThanOrEqual(12);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": count });
    const { companies, endusers } = fixture.planhat.snapshot();
    expect([companies.length, endusers.length]).toEqual([COMPANIES, count]);

    const victim = endusers.find(({ externalId }) => externalId === "user-150");
    fixture.planhat.poison((fields) => fields["_id"] === victim?._id, "The position is not welcome");
    await send(changedUserMessages(changePopulation(people, { percent: 100 })));
    expect(calls()).toBeLessThanOrEqual(8);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": count,
      "endusers/sent/updated": count - 1,
      "endusers/rejected/refused": 1,
    });
    expect(fixture.planhat.tenant().endusers.get(String(victim?._id))?.["position"]).toBe(victim?.["position"]);
  });
});

// Nobody is refused here, so that the form of an error says nothing.
describe.each(nonupdatesForms)("unchanged %s", (nonupdates) => {
  const switches = { errorShape: "text", nonupdates } as const;

  test("new people, the same once more, and all of them changed", async () => {
    await open(switches);
    await send(userMessages(population));
    const later = {
      ...population,
      users: population.users.map((user) => ({ ...user, indexed_at: "2026-01-02T00:00:00Z" })),
    };
    await send(userMessages(later));
    expect(calls()).toBe(0);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": USERS, "endusers/unchanged/in_sync": USERS });

    await send(changedUserMessages(changePopulation(later, { percent: 100 })));
    expect(calls()).toBeLessThanOrEqual(4);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": USERS,
      "endusers/unchanged/in_sync": USERS,
      "endusers/sent/updated": USERS,
    });
    const { companies, endusers } = fixture.planhat.snapshot();
    expect([companies.length, endusers.length]).toEqual([COMPANIES, USERS]);
  });

  test.each([
    { others: 0, most: 12 },
    { others: 4_000, most: 16 },
  ])("people who are there already, among $others others, when nothing is remembered", async ({ others, most }) => {
    await open(switches);
    seedPlanhat(population);
    seedOthers(others);
    await send(userMessages(population));
    expect(calls()).toBeLessThanOrEqual(most);
    expect(await fixture.outcomes()).toEqual({
      "endusers/unchanged/in_sync": USERS / 2,
      "endusers/sent/updated": USERS / 2,
    });
    expect(fixture.planhat.tenant().endusers.size).toBe(USERS + others);
  });
});
