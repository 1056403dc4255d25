/** Runs of a fetch on the stage: lists that are short, lists of several pages, and what was read and logged of them. */
import type { RunRow } from "../../src/storage/port/rows";
import type { Call } from "../../simulators/loopback";
import type { HouseOptions, LogRecord } from "../harness";
import { useFetching, type FetchStage } from "./fetching";

/** Licenses are read with the companies, and nobody is told of them: the cheapest long list. */
export const LICENSES = {
  account_licenses_attribute: "licenses",
  account_licenses_attributes_outbound: [{ hull_field_name: "mrr", service_field_name: "mrr" }],
};
/** More than one page of licenses. */
export const LONG = 2_050;

type Open = (options?: HouseOptions) => Promise<FetchStage>;

/** `openLong` opens a stage whose Planhat has one company with as many licenses as LONG. */
export function useRuns(): { readonly open: Open; readonly openLong: Open } {
  const open = useFetching();
  const openLong: Open = async (more = {}) => {
    const stage = await open({ ...more, settings: { ...LICENSES, ...more.settings } });
    stage.planhat.tenant().seedCompany({ _id: "c1", externalId: "acme-1", name: "Acme" });
    for (let number = 0; number < LONG; number += 1) {
      const _id = `l${number.toString().padStart(5, "0")}`;
      stage.planhat.tenant().seedLicense({ _id, externalId: _id, companyId: "c1", mrr: number });
    }
    return stage;
  };
  return { open, openLong };
}

/** Puts so many companies into Planhat. */
export function fill(stage: FetchStage, companies: number, more: Readonly<Record<string, unknown>> = {}): void {
  for (let number = 1; number <= companies; number += 1) {
    stage.planhat.tenant().seedCompany({ externalId: `acme-${number}`, name: `Acme ${number}`, ...more });
  }
}

/** Calls for the pages of a list. */
export const listed = (stage: FetchStage, route = "GET /companies"): readonly Call[] =>
  stage.calls.filter((call) => call.route === route);

export const jobLines = (stage: FetchStage): readonly LogRecord[] =>
  stage.logs.filter(({ message }) => message.startsWith("incoming.job."));

/** The licenses' run that came with the companies'. */
export async function licenseRun(stage: FetchStage): Promise<RunRow> {
  const runs = await stage.connector.store.runs({ tenant: stage.tenantKey, limit: 10 });
  const found = runs.find(({ type }) => type === "licenses");
  if (found === undefined) throw new Error("No licenses were fetched.");
  return stage.announced(found.id);
}
