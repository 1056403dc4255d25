/**
 * One scenario per behaviour, as data: what Planhat holds, what Hull says, and what is there afterwards.
 *
 * A folder has `settings.json` (the connector's `private_settings`), `planhat.json` (`{companies, endusers, users}` that
 * exist before), `notification.json` (one step or a list of them) and `expected.json`. Everything is compared exactly;
 * ids that the simulator makes up are written as `company:<external id>` and `enduser:<e-mail>`.
 */
import { CONNECTOR, type House } from "../harness";
import { bag, hullState, namesOf, planhatState, type Bag } from "./states";
import { ends, folders, openStory, play, read } from "./story";

interface Expected {
  readonly planhat: { readonly companies?: readonly Bag[]; readonly endusers?: readonly Bag[] };
  /** What Hull was told, by Hull id. */
  readonly hull: { readonly users?: Readonly<Record<string, Bag>>; readonly accounts?: Readonly<Record<string, Bag>> };
  /** `type/outcome/code`, one per message. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The same for companies that only their users brought along. */
  readonly derived?: Readonly<Record<string, number>>;
  /** Calls to Planhat by route. */
  readonly calls?: Readonly<Record<string, number>>;
  /** All lines about records, in any order. */
  readonly logs?: readonly Bag[];
}

let house: House;
afterEach(() => house.close());

test.each(folders)("%s", async (folder) => {
  const expected = read<Expected | undefined>(folder, "expected.json", undefined);
  if (expected === undefined) throw new Error(`${folder} expects nothing.`);
  const story = await openStory(folder);
  const { seeded } = story;
  ({ house } = story);
  const messages = await play(story);

  const snapshot = house.planhat.snapshot();
  const names = namesOf(snapshot, seeded);
  const tally = await house.connector.store.tally(house.tenantKey);
  expect({
    planhat: planhatState(snapshot, names),
    hull: hullState(house, names),
    outcomes: tally.outcomes,
    derived: ends(tally.derived),
  }).toEqual({
    planhat: { companies: [], endusers: [], ...expected.planhat },
    hull: { users: {}, accounts: {}, ...expected.hull },
    outcomes: expected.outcomes,
    derived: expected.derived ?? {},
  });
  if (expected.calls !== undefined) expect(callsByRoute()).toEqual(expected.calls);
  // A line is written just after what it tells of is stored; a restart waits for it.
  if (expected.logs !== undefined) await house.restart();
  if (expected.logs !== undefined) expect(inOrder(linesAboutRecords())).toEqual(inOrder(expected.logs));

  // Whatever the scenario is about: as many ends as messages, and nothing doubled or said twice.
  expect(sum(tally.outcomes)).toBe(new Set(messages.map((each) => bag(each)["message_id"])).size);
  expect(sum(ends(tally.derived))).toBe(tally.derived["companies"] ?? 0);
  expect(house.planhat.books.snapshot().duplicates).toEqual([]);
  expect(house.hull.books.snapshot().unresolvedItems).toBe(0);
});

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function callsByRoute(): Readonly<Record<string, number>> {
  const { requests } = house.planhat.books.snapshot();
  return Object.fromEntries(Object.entries(requests).map(([route, results]) => [route, sum(results)]));
}

function linesAboutRecords(): readonly Bag[] {
  const { host } = house.hull;
  return house.logs
    .filter(({ message }) => message.startsWith("outgoing."))
    .map(({ level, message, context, data }) => {
      expect(context).toMatchObject({ organization: host, id: CONNECTOR.id });
      const { outcome, code, reason, warnings } = data ?? {};
      return Object.fromEntries(
        Object.entries({
          level,
          event: message,
          of: context?.["user_id"] ?? context?.["account_id"],
          outcome,
          code,
          reason,
          warnings,
        }).filter(([, value]) => value !== undefined),
      );
    });
}

function inOrder(lines: readonly Bag[]): readonly Bag[] {
  const key = ({ of, event, code }: Bag): string => JSON.stringify([of, event, code]);
  return lines.toSorted((left, right) => key(left).localeCompare(key(right)));
}
