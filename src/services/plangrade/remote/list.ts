/**
 * The pages of a fetch: all companies in one, then the participants of one company after the other. Dependents are not
 * shown. Whether lists show archived participants is not known, so nothing follows from the absence of one.
 */
import type { Claims } from "../../../record";
import type { ListPage } from "../../connection";
import { textOf } from "../../mapping/attributes";
import { claimsBy, type ClaimRule } from "../../mapping/claims";
import { attempt, isFailed } from "../../failure";
import { isNotThere, problemOf } from "../api/failure";
import type { Row } from "../api/envelope";
import { COMPANIES, fieldSpec, PARTICIPANTS } from "../objects";
import type { PlangradeSettings } from "../settings/settings";
import { eventsPage } from "./events";
import type { Reading } from "./find";
import { eachCompany } from "./pages";
import { emailClaim, isEmployee, listedRecord, valueOf } from "./record";

export interface ListOptions {
  /** The EIN is the external id of the Hull account. */
  readonly claimsEin: boolean;
  /** What the settings say instead. */
  readonly claims: PlangradeSettings["claims"];
}

/** @param from `next` of the page before */
export async function listPage(
  reading: Reading,
  type: string,
  fields: readonly string[],
  from: string | undefined,
  options: ListOptions,
): Promise<ListPage> {
  if (type === COMPANIES.name) return companiesPage(reading, fields, options);
  return type === PARTICIPANTS.name ? participantsPage(reading, fields, from, options) : eventsPage(reading, from);
}

async function companiesPage(
  { rest, lists }: Reading,
  fields: readonly string[],
  { claimsEin, claims }: ListOptions,
): Promise<ListPage> {
  const rows = await attempt(() => lists.companies(rest, true));
  if (isFailed(rows)) return { rows: [], problem: problemOf(rows) };
  const einClaim = (row: Row): Claims => {
    const ein = claimsEin ? textOf(row["ein"]) : undefined;
    return ein === undefined ? {} : { external_id: ein };
  };
  const claimsOf = claimsIn(COMPANIES.name, claims.companies, einClaim);
  return { rows: rows.map((row) => listedRecord(COMPANIES.name, row, fields, claimsOf(row))) };
}

/** By what Hull knows a row. @param otherwise without rules of the settings */
function claimsIn(
  type: string,
  rules: readonly ClaimRule[] | undefined,
  otherwise: (row: Row) => Claims,
): (row: Row) => Claims | undefined {
  if (rules === undefined) return otherwise;
  const read = (row: Row, field: string) => (field === "id" ? row["id"] : valueOf(row, fieldSpec(type, field)));
  return (row) => claimsBy(rules, (field) => read(row, field));
}

function participantsPage(
  reading: Reading,
  fields: readonly string[],
  from: string | undefined,
  { claims }: ListOptions,
): Promise<ListPage> {
  const claimsOf = claimsIn(PARTICIPANTS.name, claims.participants, emailClaim);
  return eachCompany(reading, from, async (companyId) => {
    const found = await attempt(() => reading.lists.participants(reading.rest, companyId, true));
    if (isFailed(found)) return isNotThere(found) ? [] : problemOf(found);
    return found
      .filter(isEmployee)
      .map((row) => listedRecord(PARTICIPANTS.name, row, fields, claimsOf(row), companyId));
  });
}
