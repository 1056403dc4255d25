/** Planhat's demo: 4,444 messages, with the calls that the connector saves. */
import { createPlanhatSimulator, type PlanhatSimulator } from "../../planhat";
import { CALLS_PER_MINUTE } from "../baseline";
import type { Demo, Volume } from "../demo";
import { count } from "../screen";
import { openStage, type Stage } from "../stage";
import { compareHolding, EMPLOYEES, expectedHolding } from "./expected";
import { readFixtures } from "./fixtures";
import { createPlay } from "./steps";

const TOKEN = "demo-planhat-token";

/** Every user and account with the needed keys is sent, and the mapping has one custom field. */
const SETTINGS = {
  personal_acccess_token: TOKEN,
  api_prefix: "api",
  tenant_id: "0b7e1f3a-0000-4000-8000-0000000000de",
  contact_synchronized_segments: ["ALL"],
  account_synchronized_segments: ["ALL"],
  contact_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "email", service_field_name: "email" },
    { hull_field_name: "external_id", service_field_name: "externalId" },
    { hull_field_name: "traits_position", service_field_name: "position" },
  ],
  account_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "phase", service_field_name: "phase" },
  ],
  account_custom_attributes_outbound: [{ hull_field_name: "employees", service_field_name: EMPLOYEES }],
  requests_per_minute: CALLS_PER_MINUTE,
};

/** @throws Error outside the repository, where there are no recorded notifications */
export function planhatDemo(volume: Volume): Demo<PlanhatSimulator> {
  const fixtures = readFixtures(process.cwd());
  const { steps, population } = createPlay(fixtures, volume);
  return {
    title: "Planhat",
    introduction: [
      `Planhat grants ${CALLS_PER_MINUTE} calls a minute. "Look up and write" is what a connector needs that`,
      "looks up every record before it writes it: one look-up per record that passes the",
      "filters, one write if it is new or changed, two calls per company not known yet.",
    ],
    callsPerMinute: CALLS_PER_MINUTE,
    steps,
    async open(start) {
      const simulator = createPlanhatSimulator({ token: TOKEN, quotaPerMinute: CALLS_PER_MINUTE, control: true });
      simulator.tenant().seedCustomField({ name: EMPLOYEES, type: "number", parent: "Company" });
      return openStage(
        {
          simulator,
          path: "",
          privateSettings: SETTINGS,
          environment: ({ url }) => ({ PLANHAT_API_URL: `${url}/{api_prefix}` }),
        },
        start,
      );
    },
    judge({ simulator, hull }) {
      const expected = expectedHolding(population, fixtures);
      const { companies, endusers, missing, surplus } = compareHolding(expected, simulator.snapshot(TOKEN));
      const books = simulator.books.snapshot();
      const { known, delivered } = knownInHull({ simulator, hull });
      return [
        {
          holds: missing.length === 0 && surplus.length === 0,
          text: `Planhat holds what Hull's people ask for: ${count(companies)} companies, ${count(endusers)} endusers`,
          details: [...missing.map((each) => `missing ${each}`), ...surplus.map((each) => `surplus ${each}`)],
        },
        {
          holds: books.duplicatesCreated === 0,
          text: `${count(books.duplicatesCreated)} duplicates created, ${count(books.noOpWrites)} writes that changed nothing`,
          details: books.duplicates,
        },
        {
          holds: known === delivered,
          text: `Hull knows the Planhat id of ${count(known)} of ${count(delivered)} records`,
        },
      ];
    },
    addresses: ({ url }) => [
      `  Planhat simulator  ${url}/__sim/books  /__sim/snapshot`,
      `                     curl -H 'authorization: Bearer ${TOKEN}' '${url}/endusers?limit=1'`,
    ],
  };
}

/** How many of Planhat's records a profile in Hull names by their id. */
function knownInHull({ simulator, hull }: Pick<Stage<PlanhatSimulator>, "simulator" | "hull">): {
  readonly known: number;
  readonly delivered: number;
} {
  const { companies, endusers } = simulator.snapshot(TOKEN);
  const { users, accounts } = hull.profiles.snapshot();
  const told = new Set([...users, ...accounts].map(({ attributes }) => attributes["planhat/id"]));
  const records = [...companies, ...endusers];
  return { known: records.filter(({ _id }) => told.has(_id)).length, delivered: records.length };
}
