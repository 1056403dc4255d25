import { captionOf, writableFields } from "./fields";
import { states } from "./places";

/** A choice of a list-validated field: label first, value second (sheet 6). */
export type Choice = readonly [label: string, value: string | number];

export interface FieldRule {
  readonly required?: boolean;
  /** False: an update may not change it. */
  readonly update?: boolean;
  /** Empty: any value will do. */
  readonly choices?: readonly Choice[];
}

export interface TerminationReason {
  readonly lookup_code: string;
  readonly name: string;
  readonly description: string;
}

/** What one client demands of its subscribers. Required fields and choices differ per client (sheet 6). */
export interface Meta {
  rule(field: string): FieldRule;
  /** Changes what is named and keeps the rest. Throws on an unknown field. */
  set(field: string, rule: FieldRule): void;
  readonly reasons: readonly TerminationReason[];
  /** `data` of `GET /subscriber/meta`. */
  answer(): Record<string, unknown>;
}

const reasons: readonly TerminationReason[] = [
  ["QUIT", "Resignation", "The employee resigned"],
  ["FIRED", "Dismissal", "The employee was dismissed"],
  ["RETIRED", "Retirement", "The employee retired"],
  ["DECEASED", "Death", "The employee died"],
].map(([lookup_code = "", name = "", description = ""]) => ({ lookup_code, name, description }));

const choices: Readonly<Record<string, readonly Choice[]>> = {
  state: states,
  country: [
    ["United States", "US"],
    ["Canada", "CA"],
  ],
  gender: [
    ["Male", "M"],
    ["Female", "F"],
  ],
  marital_status: [
    ["Single", "S"],
    ["Married", "M"],
    ["Unknown", "U"],
  ],
  is_smoker: [
    ["Yes", "Y"],
    ["No", "N"],
  ],
  written_language: [
    ["English", "en"],
    ["Spanish", "es"],
  ],
  spoken_language: [
    ["English", "en"],
    ["Spanish", "es"],
  ],
  employment_level: [
    ["Full Time", "F"],
    ["Part Time", "P"],
  ],
  union_code: [
    ["Engineering", "ENG"],
    ["Sales", "SLS"],
  ],
  division: [
    ["Head Office", "HQ"],
    ["Field", "FLD"],
  ],
  location: [
    ["Boston", "BOS"],
    ["Austin", "AUS"],
  ],
  org_class: [
    ["Salaried", "SAL"],
    ["Hourly", "HRL"],
  ],
  org_payroll_id: [
    ["Monthly", 119_298],
    ["Weekly", 119_299],
  ],
};

const payrollSchedules = [
  { id: 119_298, name: "Monthly", lookup_code: "MONTHLY" },
  { id: 119_299, name: "Weekly", lookup_code: "WEEKLY" },
];

/** Creates the demands of a client that requires nothing beyond names. */
export function createMeta(): Meta {
  const rules = new Map<string, FieldRule>(Object.entries(choices).map(([field, list]) => [field, { choices: list }]));
  const rule = (field: string): FieldRule => rules.get(field) ?? {};

  return {
    rule,
    set(field, change) {
      if (!writableFields.has(field)) throw new RangeError(`There is no field ${field}.`);
      rules.set(field, { ...rule(field), ...change });
    },
    reasons,
    answer() {
      const fields = [...writableFields].map(([field, kind]): [string, unknown] => {
        const { required = false, update = true, choices: list = [] } = rule(field);
        const data_type = kind === "number" || field === "org_payroll_id" ? "NUMBER" : "STRING";
        return [field, { update, required, caption: captionOf(field), data_type, validation_data: list }];
      });
      const reason = { update: true, required: true, caption: "Termination reason", data_type: "STRING" };
      return {
        ...Object.fromEntries(fields),
        termination_reason: { ...reason, validation_data: reasons },
        payroll_schedules: payrollSchedules,
      };
    },
  };
}
