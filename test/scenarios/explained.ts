/** What `/explain` says of shipments, counted as the tally counts what happens. */
import type { Fixture } from "../fixture/fixture";
import type { Bag } from "../fixture/settings";
import { bag, list, text } from "../fixture/states";
import type { Shipment } from "./data";

type Counts = Readonly<Record<string, number>>;

interface Connector {
  readonly id: string;
  readonly secret: string;
  /** Where the service is served, `/plansource`; Planhat at the root. */
  readonly path?: string;
}

/** Counts by `type/outcome/code`, as the tally does. */
export function counting() {
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

/** Asks for the records of a shipment, none of which may be undecided. */
export async function ask(
  fixture: Fixture,
  { id, secret, path = "" }: Connector,
  { channel, messages, is_export = false }: Shipment,
): Promise<readonly Bag[]> {
  const login = Buffer.from(`${id}:${secret}`).toString("base64");
  const answer = await fetch(`${fixture.baseUrl}${path}/explain?org=${fixture.hull.host}`, {
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
