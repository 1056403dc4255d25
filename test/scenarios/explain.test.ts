/** Every scenario once more: what `/explain` says before each shipment is what happens then, and asking writes nothing. */
import { CONNECTOR, sum, type Bag, type Fixture } from "../fixture/fixture";
import { bag, list, text } from "../fixture/states";
import { ends, folders, openScenario, play, type Shipment, type Scenario } from "./scenario";

type Counts = Readonly<Record<string, number>>;

let scenario: Scenario;
afterEach(() => scenario.fixture.close());

test.each(folders)("%s", async (folder) => {
  scenario = await openScenario(folder);
  const { fixture, isRefused } = scenario;
  const said = counting();
  await play(scenario, async (shipment) => {
    const before = written(fixture);
    said.note(await ask(fixture, shipment));
    expect(written(fixture)).toEqual(before);
  });
  const { outcomes, derived } = await fixture.connector.store.tally(fixture.tenantKey);
  const { outcomes: foretold, derived: made } = said.counts();
  // What Planhat refuses nobody knows before it does.
  if (isRefused) expect(sum(foretold)).toBe(sum(outcomes));
  else expect({ outcomes: foretold, derived: made }).toEqual({ outcomes, derived: ends(derived) });
});

/** Counts by `type/outcome/code`, as the tally does. */
function counting() {
  const outcomes: Record<string, number> = {};
  const derived: Record<string, number> = {};
  const seen = new Set<unknown>();
  const count = (into: Record<string, number>, name: string): void => void (into[name] = (into[name] ?? 0) + 1);
  /** A message that comes twice counts once. */
  const isNew = (messageId: unknown): boolean => !seen.has(messageId) && seen.add(messageId).size > 0;
  return {
    note: (records: readonly Bag[]): void => {
      for (const record of records) {
        const type = text(record["type"]) ?? "";
        for (const merged of list(record["merged"])) if (isNew(merged)) count(outcomes, `${type}/superseded/merged`);
        const { outcome, code } = bag(record["would"]);
        const name = `${type}/${text(outcome) ?? "?"}/${text(code) ?? "?"}`;
        if (record["derived"] === true) {
          if (outcome !== undefined) count(derived, name);
        } else if (isNew(`${type} ${String(record["hull_id"])} ${String(record["message_id"])}`)) count(outcomes, name);
      }
    },
    counts: (): { readonly outcomes: Counts; readonly derived: Counts } => ({ outcomes, derived }),
  };
}

async function ask(fixture: Fixture, { channel, messages, is_export = false }: Shipment): Promise<readonly Bag[]> {
  const login = Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64");
  const answer = await fetch(`${fixture.baseUrl}/explain?org=${fixture.hull.host}`, {
    method: "POST",
    headers: { authorization: `Basic ${login}`, "content-type": "application/json" },
    body: JSON.stringify({ channel, messages, is_export }),
  });
  const body = bag(await answer.json());
  expect({ status: answer.status, error: body["error"], undecided: body["undecided"] }).toEqual({
    status: 200,
    error: undefined,
    undecided: null,
  });
  return list(body["records"]).map(bag);
}

/** Calls to Planhat that write, and what Hull took. */
function written(fixture: Fixture) {
  const { requests } = fixture.planhat.books.snapshot();
  const calls = Object.entries(requests).filter(([route]) => !route.startsWith("GET "));
  return { calls, items: fixture.hull.books.snapshot().firehoseItems };
}
