/** plangrade's demo: a person lets the connector in, companies come before their employees, and grades come back. */
import { createPlangradeSimulator, DEFAULT_APPLICATION, type PlangradeSimulator } from "../../plangrade";
import { fetchAll, whyNot } from "../asking";
import type { Demo, Step, Volume } from "../demo";
import { count, type Check } from "../screen";
import { openStage, type Stage } from "../stage";
import { differences, lineOf, tell } from "../telling";
import { authorize } from "./person";
import { cast, CHANGED, changeOf, expectedEmployees, gradeOf, isIncomplete, MOVED, type Cast } from "./staff";

type PlangradeStage = Stage<PlangradeSimulator>;

const SETTINGS = {
  application_key: DEFAULT_APPLICATION.key,
  application_secret: DEFAULT_APPLICATION.secret,
  account_synchronized_segments: ["ALL"],
  synchronized_segments: ["ALL"],
  ssn_attribute: "ssn",
  fetch_company_events: true,
  requests_per_minute: 100_000,
};

export function plangradeDemo(volume: Volume): Demo<PlangradeSimulator> {
  const all = cast(volume);
  return {
    title: "plangrade",
    introduction: [
      "plangrade wants a day of birth of every employee, and finds nobody by a key: who is there is read from lists.",
      '"Look up and write" is what a connector needs that looks every record up before it writes it, one by one.',
      "Calls of the authorization are among those that are shown.",
    ],
    steps: stepsOf(all),
    async open(start) {
      const simulator = createPlangradeSimulator({ control: true });
      const stage = await openStage(
        {
          simulator,
          path: "/plangrade",
          privateSettings: SETTINGS,
          environment: ({ url }) => ({ PLANGRADE_URL: url }),
        },
        start,
      );
      simulator.addRedirectUri(`${stage.url}/authorize/callback`);
      return stage;
    },
    tell: (stage) => whyNot(stage, "plangrade", all.people.find((_, index) => isIncomplete(index))?.external_id ?? ""),
    judge: (stage) => judgements(stage, all),
    addresses: ({ url }) => [`  plangrade          ${url}/__sim/books  /__sim/snapshot`],
  };
}

function stepsOf({ firms, people }: Cast): readonly Step<PlangradeSimulator>[] {
  const everybody = [...people.keys()];
  const created = everybody.filter((index) => !isIncomplete(index));
  return [
    {
      name: "authorization",
      title: `${firms.length} accounts wait for a person, who lets the connector in`,
      messages: firms.length,
      async play(stage) {
        const { hull } = stage;
        const profiles = firms.map((firm) => hull.profiles.seedAccount(firm));
        const messages = profiles.map((profile) => ({ ...hull.accountMessage(profile) }));
        const taken = await stage.send({ channel: "account:update", messages });
        await authorize(stage);
        return taken;
      },
    },
    {
      name: "employees",
      title: `${people.length} people become their employees, if their day of birth is known`,
      messages: people.length,
      play(stage) {
        for (const person of people) stage.hull.profiles.seedUser(person);
        return tell(stage, "user", people, everybody, () => ({}));
      },
    },
    {
      name: "unchanged",
      title: "All who were created again, since our own write-back changed their profiles",
      messages: created.length,
      play: (stage) => tell(stage, "user", people, created, () => ({})),
    },
    {
      name: "changes",
      title: `${CHANGED.length} change name and street: two calls each, and what is not mapped stays`,
      messages: CHANGED.length,
      play: (stage) => tell(stage, "user", people, CHANGED, changeOf),
    },
    {
      name: "another company",
      title: `${MOVED.length} move to another account, which plangrade cannot follow`,
      messages: MOVED.length,
      play(stage) {
        const [destination] = firms;
        for (const index of MOVED) {
          const profile = stage.hull.profiles.users.get(people[index]?.id ?? "");
          if (profile !== undefined && destination !== undefined) profile.account_id = destination.id;
        }
        return tell(stage, "user", people, MOVED, () => ({ employer: destination?.attributes.name }));
      },
    },
    {
      name: "grades",
      title: "plangrade grades the companies and makes a notice, and a fetch tells Hull",
      messages: 0,
      async play(stage) {
        const { records } = stage.simulator;
        [...records.companies.keys()].forEach((id, index) => records.editCompany(id, { grade: gradeOf(index) }));
        const [company_id = 0] = records.companies.keys();
        const [start_time, created_at] = ["2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"];
        records.seedActivity({ company_id, name: "Annual notices", start_time });
        records.seedNotice({
          company_id,
          name: "COBRA",
          plan_name: "Health",
          link: "https://example.com/1",
          created_at,
        });
        await fetchAll(stage, "accounts");
        return 0;
      },
    },
    {
      name: "fetched again",
      title: "The same fetch again, which has nothing new to tell",
      messages: 0,
      play: (stage) => fetchAll(stage, "accounts").then(() => 0),
    },
  ];
}

function judgements({ simulator, hull }: PlangradeStage, all: Cast): readonly Check[] {
  const expected = expectedEmployees(all);
  const { companies, participants } = simulator.snapshot();
  const nameOf = new Map(companies.map(({ id, name }) => [id, name]));
  const held = participants.map(({ company_id, email, last_name, street1, dob, ssn }) =>
    lineOf(nameOf.get(company_id), email, last_name, street1, dob, ssn),
  );
  const wrong = differences(expected, held);
  const { duplicates, noOpUpdates, written } = simulator.books.snapshot();
  const ended = [written.company, written.participant].reduce((sum, each) => sum + each.delete + each.archive, 0);
  const { accounts } = hull.profiles.snapshot();
  const graded = companies.filter(({ id, grade }) =>
    accounts.some(
      ({ attributes }) => attributes["plangrade/id"] === String(id) && attributes["plangrade/grade"] === grade,
    ),
  ).length;
  const { tracks } = hull.books.snapshot();
  return [
    {
      holds: companies.length === all.firms.length && wrong.length === 0,
      text: `plangrade holds what Hull asks for: ${count(companies.length)} companies, ${count(held.length)} employees`,
      details: wrong,
    },
    {
      holds: duplicates.length === 0 && noOpUpdates === 0 && ended === 0,
      text: `${count(duplicates.length)} created twice, ${count(noOpUpdates)} updates that changed nothing, ${count(ended)} deleted or archived`,
      details: duplicates.map(({ type, id, other }) => `${type} ${id} is ${other}`),
    },
    {
      holds: graded === all.firms.length && tracks === 2 && hull.events.size === 2,
      text: `Hull knows the grade of ${count(graded)} of ${count(all.firms.length)} companies, and was told ${count(tracks)} events`,
    },
  ];
}
