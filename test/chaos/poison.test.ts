/** One record that Planhat will never take, in a chunk of up to 5,000: it hurts only itself, and a person can read why. */
import { generatePopulation, userMessages } from "../../simulators/hull";
import type { PlanhatSwitches } from "../../simulators/planhat";
import { CONNECTOR, useFixtures } from "../fixture/fixture";

const COMPANIES = 20;
/** POISON_USERS makes the longest search longer: docs/architecture.md. */
const LONGEST = Number(process.env["POISON_USERS"] ?? 600);
const WORDS = "The position cannot be stored";
const NAMELESS = "Planhat refused the record without naming a reason.";

const open = useFixtures();

interface Case {
  readonly title: string;
  readonly mode: "item" | "payload";
  readonly switches: Partial<PlanhatSwitches>;
  /** What the outcome must quote. */
  readonly words: string;
  /** The largest chunk in one of the two forms that name no record, so that the bad one is found by halving. */
  readonly users: number;
  readonly most: number;
}

const cases: readonly Case[] = [
  {
    title: "a 206 that names its keys",
    mode: "item",
    switches: { errorShape: "keys" },
    words: WORDS,
    users: 200,
    most: 2,
  },
  {
    title: "a 206 that names nobody",
    mode: "item",
    switches: { errorShape: "text" },
    words: WORDS,
    users: 200,
    most: 2,
  },
  {
    title: "a bare 400 for the whole call",
    mode: "payload",
    switches: { badRequestBody: "text" },
    words: "Bad Request",
    users: 200,
    most: 22,
  },
  {
    title: "an empty 400 envelope for the whole call",
    mode: "payload",
    switches: { badRequestBody: "envelope" },
    words: NAMELESS,
    users: LONGEST,
    most: 30,
  },
];

test.each(cases)(
  "answered with $title, all of $users but one arrive within $most bulk calls, and the one is rejected",
  async ({ mode, switches, words, users, most }) => {
    const fixture = await open({ planhat: { switches }, environment: { LOG_LEVEL: "error" } });
    const population = generatePopulation({ seed: 3, users, companies: COMPANIES });
    const victim = population.users[Math.floor(users * 0.642)];
    fixture.planhat.poison({ type: "endusers", field: "externalId", value: victim?.external_id }, WORDS, mode);

    // All of them are in one chunk, however slowly they come: as Hull sends them, and again whenever that is asked for.
    await fixture.together(async () => {
      const messages = userMessages(population);
      const order = { connectorId: CONNECTOR.id, channel: "user:update", isExport: true, messages } as const;
      expect(await fixture.hull.send(fixture.url, order)).toMatchObject({
        messagesAccepted: users,
        messagesDropped: 0,
      });
    });
    await fixture.settled();

    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": users - 1, "endusers/rejected/refused": 1 });
    const { endusers } = fixture.planhat.snapshot();
    const arrived = new Set(endusers.map((enduser) => enduser["externalId"]));
    expect(population.users.filter((user) => !arrived.has(user.external_id))).toEqual([victim]);
    const books = fixture.planhat.books.snapshot();
    expect(books).toMatchObject({ created: { endusers: users - 1, companies: COMPANIES }, duplicates: [] });
    const calls = Object.values(books.requests["PUT /endusers"] ?? {}).reduce((total, count) => total + count, 0);
    expect(calls).toBeLessThanOrEqual(most);

    const tenant = await fixture.connector.store.tenant(fixture.tenantKey);
    const deadLetters = await fixture.connector.store.deadLettersOf({
      remote: tenant?.remote ?? "",
      tenant: fixture.tenantKey,
    });
    expect(deadLetters).toMatchObject([{ hullId: victim?.id, ending: { outcome: "rejected", code: "refused" } }]);
    expect(deadLetters[0]?.ending.text).toContain(words);
    expect(fixture.logs).toMatchObject([{ level: "error", message: "outgoing.user.error" }]);
  },
  180_000,
);
