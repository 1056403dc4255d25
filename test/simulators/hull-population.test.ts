import {
  accountMessages,
  createHullSimulator,
  generatePopulation,
  seedProfiles,
  userMessages,
} from "../../simulators/hull";

const size = { users: 6, companies: 3 };
const rich = { ...size, eventsPerUser: 2, licensesPerAccount: 2 };

describe("events and licenses of a population", () => {
  it("change nothing else, and are not there unless asked for", () => {
    const plain = generatePopulation(size);
    const full = generatePopulation(rich);
    expect(full.users.map(({ events: _events, ...user }) => user)).toEqual(plain.users);
    expect(full.accounts.map(({ licenses: _licenses, ...account }) => account)).toEqual(plain.accounts);
    expect(Object.keys(plain.users[0] ?? {})).not.toContain("events");
    expect(Object.keys(plain.accounts[0] ?? {})).not.toContain("licenses");
    expect(generatePopulation(rich)).toEqual(full);
  });

  it("give each event an id of its own and a date in one of both forms", () => {
    const messages = userMessages(generatePopulation(rich));
    const events = messages.flatMap((message) => message.events);
    expect(new Set(events.map((event) => event["event_id"])).size).toBe(12);
    expect(events[0]).toMatchObject({ created_at: "2026-01-01T00:00:01.000Z", user_id: messages[0]?.user["id"] });
    expect(events[1]).toMatchObject({ created_at: "2026-01-01 00:00:02 UTC", properties: { position: 2 } });
    expect(messages[0]?.user).not.toHaveProperty("traits_events");
  });

  it("put licenses into the accounts, with ids that repeat from one to the next", () => {
    const population = generatePopulation(rich);
    for (const { account } of accountMessages(population)) {
      expect(account["licenses"]).toMatchObject([
        { external_id: "license-0", fixed_period: false, mrr: expect.any(Number) as unknown },
        { external_id: "license-1", fixed_period: true, value: expect.any(Number) as unknown },
      ]);
    }
  });

  it("reach the profiles as attributes of accounts, not of users", () => {
    const hull = createHullSimulator();
    const population = generatePopulation(rich);
    seedProfiles(population, hull.profiles);
    const [account] = population.accounts;
    expect(hull.profiles.accounts.get(account?.id ?? "")?.attributes["licenses"]).toEqual(account?.licenses);
    expect(hull.profiles.users.get(population.users[0]?.id ?? "")?.attributes).not.toHaveProperty("events");
  });
});
