/** PlanSource's demo: hires, changes, leavers and returners, and why somebody was refused. */
import { createPlanSourceSimulator, DEFAULT_API_USER, type PlanSourceSimulator } from "../../plansource";
import { whyNot } from "../asking";
import type { Demo, Step, Volume } from "../demo";
import { count } from "../screen";
import { openStage } from "../stage";
import { differences, lineOf, tell } from "../telling";
import {
  CHANGED,
  changeOf,
  expectedEmployees,
  hires,
  isRefused,
  LEAVERS,
  leavingOf,
  RETURN,
  RETURNERS,
  type Person,
} from "./people";

/** Attribute in Hull → field in PlanSource. */
const MAPPING = [
  ["external_id", "subscriber_code"],
  ["email", "email"],
  ["first_name", "first_name"],
  ["last_name", "last_name"],
  ["address", "address_1"],
  ["city", "city"],
  ["state", "state"],
  ["zip", "zip_code"],
  ["phone", "home_phone"],
  ["gender", "gender"],
  ["born_on", "birthdate"],
  ["hired_on", "hire_date"],
  ["ssn", "ssn"],
  ["salary", "current_salary"],
  ["level", "employment_level"],
] as const;

const SETTINGS = {
  client_id: DEFAULT_API_USER.clientId,
  client_secret: DEFAULT_API_USER.clientSecret,
  logged_in_user: DEFAULT_API_USER.loggedInUser,
  synchronized_segments: ["ALL"],
  subscriber_attributes_outbound: MAPPING.map(([hull_field_name, service_field_name]) => ({
    hull_field_name,
    service_field_name,
    clear_when_blank: false,
  })),
  termination_date_attribute: "left_on",
  termination_reason_attribute: "left_why",
  rehire_date_attribute: "back_on",
  bulk_updates: true,
  requests_per_minute: 100_000,
  concurrent_requests: 4,
};

export function plansourceDemo(volume: Volume): Demo<PlanSourceSimulator> {
  const people = hires(volume);
  return {
    title: "PlanSource",
    introduction: [
      'The client of PlanSource wants an employment level of every employee. "Look up and write" is what',
      "a connector needs that looks everybody up before it writes, one by one. Calls for tokens and for the",
      "description of fields are among those that are shown.",
    ],
    steps: stepsOf(people),
    open(start) {
      const simulator = createPlanSourceSimulator({ control: true });
      simulator.organization().meta.set("employment_level", { required: true });
      return openStage(
        {
          simulator,
          path: "/plansource",
          privateSettings: SETTINGS,
          environment: ({ url }) => ({ PLANSOURCE_API_URL: url }),
        },
        start,
      );
    },
    tell: (stage) => whyNot(stage, "PlanSource", people.find((_, index) => isRefused(index))?.external_id ?? "nobody"),
    judge(stage) {
      const expected = expectedEmployees(people);
      const subscribers = stage.simulator.snapshot();
      const held = subscribers.map(({ status, fields }) => {
        const { subscriber_code, last_name, current_salary, employment_level, hire_date } = fields;
        return lineOf(subscriber_code, last_name, current_salary, employment_level, hire_date, status);
      });
      const wrong = differences(expected, held);
      const { duplicates, noOpWrites } = stage.simulator.books.snapshot();
      const told = new Set(stage.hull.profiles.snapshot().users.map(({ attributes }) => attributes["plansource/id"]));
      const known = subscribers.filter(({ id }) => told.has(String(id))).length;
      const active = subscribers.filter(({ status }) => status === "active").length;
      return [
        {
          holds: wrong.length === 0,
          text: `PlanSource holds what Hull's people ask for: ${count(active)} active, ${count(subscribers.length - active)} terminated`,
          details: wrong,
        },
        {
          holds: duplicates.length === 0,
          text: `${count(duplicates.length)} created twice, ${count(noOpWrites)} writes that changed nothing`,
          details: duplicates,
        },
        {
          holds: known === subscribers.length,
          text: `Hull knows the PlanSource id of ${count(known)} of ${count(subscribers.length)} employees`,
        },
      ];
    },
    addresses: ({ url }) => [`  PlanSource         ${url}/__sim/books  /__sim/snapshot`],
  };
}

function stepsOf(people: readonly Person[]): readonly Step<PlanSourceSimulator>[] {
  const step = (
    name: string,
    title: string,
    positions: readonly number[],
    change: (index: number) => Readonly<Record<string, unknown>>,
  ): Step<PlanSourceSimulator> => ({
    name,
    title,
    messages: positions.length,
    play: (stage) => tell(stage, "user", people, positions, change),
  });
  const all = [...people.keys()];
  const created = all.filter((index) => !isRefused(index));
  return [
    {
      name: "hires",
      title: `${people.length} people are hired, some with a level that does not exist`,
      messages: people.length,
      play(stage) {
        for (const person of people) stage.hull.profiles.seedUser({ ...person, attributes: { ...person.attributes } });
        return tell(stage, "user", people, all, () => ({}));
      },
    },
    step(
      "unchanged",
      "All who were created again, since our own write-back changed their profiles",
      created,
      () => ({}),
    ),
    step("changes", `${CHANGED.length} change name and salary`, CHANGED, changeOf),
    step("leavers", `${LEAVERS.length} leave, two for a reason that PlanSource does not know`, LEAVERS, leavingOf),
    step("returners", `${RETURNERS.length} of them return, part time`, RETURNERS, () => RETURN),
  ];
}
