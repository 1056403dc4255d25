import type { Organization } from "./organization";
import { shownSubscriber } from "./show";
import type { PlanSourceSwitches } from "./switches";

const MAX_PER_PAGE = 500;

/** `GET /subscribers`: by id, test employees only if asked for. No paging data (sheet 5). */
export function listSubscribers(
  organization: Organization,
  query: URLSearchParams,
  switches: Readonly<PlanSourceSwitches>,
): Record<string, unknown>[] {
  const page = wholeNumber(query.get("page"), 1);
  const perPage = Math.min(wholeNumber(query.get("per_page"), MAX_PER_PAGE), Number(switches.longestPage));
  const isAll = query.get("include_test") === "true";
  return [...organization.subscribers.values()]
    .filter(({ fields }) => isAll || fields["test_employee"] !== true)
    .filter(({ status }) => status !== "terminated" || switches.terminatedInLists === "listed")
    .sort((left, right) => left.id - right.id)
    .slice((page - 1) * perPage, page * perPage)
    .map((subscriber) => shownSubscriber(subscriber, organization, switches));
}

function wholeNumber(text: string | null, fallback: number): number {
  return text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : fallback;
}
