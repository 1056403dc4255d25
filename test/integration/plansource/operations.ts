/** One fixture for all tests of a file about operations: two employees, and what became of the calls. */
import { employee, hire } from "../../fixture/employees";
import type { LogRecord } from "../../fixture/fixture";
import { openPlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import type { Organization } from "../../../simulators/plansource";
import { operate, SECRETS, type Asking } from "./asking";
import type { Answer } from "../asking";

export const LEAVE = { termination_reason: "QUIT", termination_date: "2026-01-31", voluntary: true };
export const NEW = { subscriber_code: "E-9", first_name: "Ann", last_name: "Lee" };

/** A call of every operation, with its body. */
export const EVERY: readonly (readonly [call: string, body: unknown])[] = [
  ["GET /subscribers", undefined],
  ["POST /subscribers", NEW],
  ["PUT /subscribers", [{ id: "emp-1", city: "Boston" }]],
  ["GET /subscribers/meta", undefined],
  ["GET /subscribers/emp-1", undefined],
  ["PUT /subscribers/emp-1", { city: "Boston" }],
  ["PUT /subscribers/emp-1/terminate", LEAVE],
  ["PUT /subscribers/emp-1/rehire", { rehire_date: "2026-03-02" }],
  ["GET /beneficiaries", undefined],
  ["POST /request", { method: "GET", endpoint: "/beneficiaries" }],
];

export interface Operations {
  readonly opened: PlanSourceFixture;
  /** The client; `emp-1` is an employee, and `emp-2` one that is marked as a test. */
  readonly organization: Organization;
  /** Calls that reached PlanSource, in order, those for tokens left out: `GET /subscriber/meta`. */
  readonly seen: readonly string[];
  /** PlanSource's id of `emp-1`. */
  readonly id: string;
  operate(call: string, asking?: Asking): Promise<Answer>;
  /** What was sent to PlanSource last. */
  sent(): unknown;
  auditLines(): readonly LogRecord[];
  logged(): string;
}

/** Opens the fixture before the first test of a file, and puts everything back before each of them. */
export function useOperations(): Operations {
  let opened: PlanSourceFixture;
  let id = "";
  const seen: string[] = [];
  const logged = (): string => JSON.stringify(opened.fixture.logs);

  beforeAll(async () => {
    opened = await openPlanSource();
    opened.plansource.on("request", ({ method, path, query, route }) => {
      const text = query.toString();
      if (!route.includes("/token")) seen.push(`${method} ${path.replace("/admin/v2", "")}${text && `?${text}`}`);
    });
  });
  beforeEach(() => {
    const organization = opened.plansource.organization();
    opened.plansource.faults.clear();
    for (const each of organization.subscribers.keys()) organization.remove(each);
    id = String(hire(organization, employee(1)).id);
    hire(organization, employee(2), { test_employee: true });
    seen.length = 0;
    opened.fixture.logs.length = 0;
  });
  afterEach(() => expect(SECRETS.filter((secret) => logged().includes(secret))).toEqual([]));
  afterAll(() => opened.close());

  return {
    get opened() {
      return opened;
    },
    get organization() {
      return opened.plansource.organization();
    },
    get id() {
      return id;
    },
    seen,
    operate: (call, asking) => operate(opened, call, asking),
    sent: () => opened.calls.at(-1)?.body,
    auditLines: () => opened.fixture.logs.filter(({ message }) => message === "connector.operation"),
    logged,
  };
}
