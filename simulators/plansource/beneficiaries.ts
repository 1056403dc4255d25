/** Who gets the benefits of a coverage when a subscriber dies (sheet 8). Read by a list; ended one by one. */
import type { Reply } from "../loopback/call";
import { failure, success } from "./envelope";
import type { PlanSourceSwitches } from "./switches";

export interface Beneficiary {
  readonly id: number;
  readonly subscriber_id: number;
  readonly coverage_id: number;
  readonly first_name: string;
  readonly last_name: string;
  readonly relationship: string;
  /** Belongs to a test employee, and is listed only if asked for. */
  readonly test?: boolean;
  readonly termination_date?: string;
}

export interface Beneficiaries {
  readonly all: readonly Beneficiary[];
  seed(beneficiary: Omit<Beneficiary, "id">): Beneficiary;
  /** Ends all of a coverage. Answers how many there were. */
  end(coverageId: number, terminationDate: string): number;
}

/** Creates an empty list. */
export function createBeneficiaries(): Beneficiaries {
  let all: Beneficiary[] = [];
  return {
    get all() {
      return all;
    },
    seed(beneficiary) {
      const added = { id: 1 + all.length, ...beneficiary };
      all.push(added);
      return added;
    },
    end(coverageId, terminationDate) {
      const meant = (beneficiary: Beneficiary): boolean => beneficiary.coverage_id === coverageId;
      const count = all.filter(meant).length;
      all = all.map((each) => (meant(each) ? { ...each, termination_date: terminationDate } : each));
      return count;
    },
  };
}

/** `GET /beneficiaries` and `GET /subscriber/{id}/beneficiaries`. */
export function listBeneficiaries(beneficiaries: Beneficiaries, query: URLSearchParams, subscriberId?: number): Reply {
  const meant = beneficiaries.all.filter(
    (each) =>
      (subscriberId === undefined || each.subscriber_id === subscriberId) &&
      (each.test !== true || query.get("include_test") === "true"),
  );
  return success(meant.map(({ test: _test, ...shown }) => shown));
}

/** `DELETE /coverage/{id}/beneficiaries?termination_date=`, the only DELETE that there is. */
export function endBeneficiaries(
  beneficiaries: Beneficiaries,
  coverageId: string,
  query: URLSearchParams,
  switches: Readonly<PlanSourceSwitches>,
): Reply {
  const date = query.get("termination_date");
  if (date === null) return failure([{ status: 422, message: "termination_date is missing" }], switches);
  if (beneficiaries.end(Number(coverageId), date) > 0) return success([]);
  return failure([{ status: 404, message: `No coverage with id: ${coverageId} found`, code: 404 }], switches);
}
