/** PlanningPME's demo: many accounts in few calls, a dry run with PlanningPME's own report, and an export that comes back. */
import {
  createPlanningPmeSimulator,
  DEFAULT_CREDENTIALS,
  orderedTemplates,
  stockTemplates,
  type PlanningPmeSimulator,
} from "../../planningpme";
import { fetchAll } from "../asking";
import type { Demo, Step, Volume } from "../demo";
import { count, type Check } from "../screen";
import { openStage, type Stage } from "../stage";
import { differences, lineOf, tell } from "../telling";
import {
  accounts,
  CHANGED,
  changeOf,
  CORRECTED,
  CORRECTION,
  expectedCustomers,
  isRefused,
  NOWHERE,
  type Account,
} from "./accounts";
import { tryImport, type ReportedRow } from "./orders";

type PlanningPmeStage = Stage<PlanningPmeSimulator>;

const SETTINGS = {
  brand: DEFAULT_CREDENTIALS.brand,
  app_key: DEFAULT_CREDENTIALS.appKey,
  auth_token: DEFAULT_CREDENTIALS.authToken,
  account_synchronized_segments: ["ALL"],
  customer_key_property: "ID",
  customer_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "Name" },
    { hull_field_name: "city", service_field_name: "City" },
  ],
  export_templates: [
    { template: "client-export", entity: "account", key_property: "ID", key_attribute: "external_id" },
  ],
};

export function planningpmeDemo(volume: Volume): Demo<PlanningPmeSimulator> {
  const all = accounts(volume);
  const reported: ReportedRow[] = [];
  return {
    title: "PlanningPME",
    introduction: [
      `PlanningPME refuses customers in ${NOWHERE}. "Look up and write" is what a connector needs that looks every`,
      "account up before it writes, one by one. Calls for tokens are among those that are shown.",
    ],
    steps: stepsOf(all, reported),
    open(start) {
      const simulator = createPlanningPmeSimulator({
        control: true,
        templates: [...stockTemplates, ...orderedTemplates],
      });
      simulator.brand().poison({ property: "City", value: NOWHERE }, `Nothing is planned in ${NOWHERE}`);
      return openStage(
        {
          simulator,
          path: "/planningpme",
          privateSettings: SETTINGS,
          environment: ({ url }) => ({
            PLANNINGPME_API_URL: `${url}/{brand}`,
            HULL_ALLOWED_EXTRACT_HOSTS: "127.0.0.1:*",
          }),
        },
        start,
      );
    },
    tell: () => Promise.resolve(reportLines(reported)),
    judge: (stage) => judgements(stage, all, reported),
    addresses: ({ url }) => [`  PlanningPME        ${url}/__sim/books  /__sim/snapshot`],
  };
}

function stepsOf(all: readonly Account[], reported: ReportedRow[]): readonly Step<PlanningPmeSimulator>[] {
  const imported = [...all.keys()].filter((index) => !isRefused(index));
  return [
    {
      name: "imports",
      title: `${count(all.length)} accounts are imported, some with a city that PlanningPME refuses`,
      messages: all.length,
      play(stage) {
        for (const { id, external_id, ...attributes } of all) {
          stage.hull.profiles.seedAccount({ id, external_id, attributes });
        }
        return tell(stage, "account", all, [...all.keys()], () => ({}));
      },
    },
    {
      name: "unchanged",
      title: "All who were imported again, since our own write-back changed their profiles",
      messages: imported.length,
      play: (stage) => tell(stage, "account", all, imported, () => ({})),
    },
    {
      name: "tried",
      title: `${CHANGED.length} changes are tried with PlanningPME's own simulation`,
      messages: 0,
      async play(stage) {
        const rows = CHANGED.map((index) => ({ ...all[index], ...changeOf(index) }));
        reported.push(...(await tryImport(stage, rows)));
        return 0;
      },
    },
    {
      name: "changes",
      title: "The same changes in earnest",
      messages: CHANGED.length,
      play: (stage) => tell(stage, "account", all, CHANGED, changeOf),
    },
    {
      name: "export",
      title: `Somebody corrects ${CORRECTED.length} cities in PlanningPME, and an export brings them back`,
      messages: 0,
      async play(stage) {
        const brand = stage.simulator.brand();
        for (const index of CORRECTED) {
          const [customer] = brand.find("Customer", "_ID", all[index]?.external_id ?? "");
          if (customer !== undefined) brand.edit(customer.id, { City: CORRECTION });
        }
        await fetchAll(stage, "accounts");
        return 0;
      },
    },
  ];
}

const those = (reported: readonly ReportedRow[], action: string): readonly ReportedRow[] =>
  reported.filter((row) => row.action === action);

function reportLines(reported: readonly ReportedRow[]): readonly string[] {
  const failed = those(reported, "failed").map(({ key, message }) => `    ${key}: ${message ?? ""}`);
  return [
    `  What PlanningPME reported of the dry run: ${those(reported, "updated").length} updated, ${failed.length} failed`,
    ...failed,
    "",
  ];
}

function judgements(
  { simulator, hull }: PlanningPmeStage,
  all: readonly Account[],
  reported: readonly ReportedRow[],
): readonly Check[] {
  const expected = expectedCustomers(all);
  const held = simulator.snapshot().map(({ fields }) => lineOf(fields["_ID"], fields["LastName"], fields["City"]));
  const wrong = differences(expected, held);
  const { written, duplicates, simulations, imports } = simulator.books.snapshot();
  const updated = written["Customer"]?.update ?? 0;
  const back = CORRECTED.filter((index) => {
    return hull.profiles.accounts.get(all[index]?.id ?? "")?.attributes["planningpme/ville"] === CORRECTION;
  });
  return [
    {
      holds: wrong.length === 0,
      text: `PlanningPME holds what Hull's accounts ask for: ${count(held.length)} customers, ${count(duplicates.length)} created twice`,
      details: wrong,
    },
    {
      holds: simulations > 0 && updated === those(reported, "updated").length,
      text: `${count(updated)} were updated, as the dry run had said; ${count(imports)} imports in all`,
    },
    {
      holds: back.length === CORRECTED.length,
      text: `Hull knows ${count(back.length)} of ${count(CORRECTED.length)} corrections that were made in PlanningPME`,
    },
  ];
}
