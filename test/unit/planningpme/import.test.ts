import { createRedactor } from "../../../src/http/guards/redact";
import { RemoteError } from "../../../src/http/errors";
import type { Intent, Result } from "../../../src/services/connection";
import { importRows } from "../../../src/services/planningpme/write/import";
import { bag, list } from "../../fixture/states";

const FACTS = { system: "planningpme", method: "POST", route: "/api/integration/:template" };
const refused = (status: number, body: string) =>
  new RemoteError({ ...FACTS, kind: status === 500 ? "transient" : "validation", applied: "maybe", status, body });

/** Imports rows with the keys `r0`, `r1` and so on; answers what is said of each, and which rows each call carried. */
async function imported(
  count: number,
  answer: (keys: readonly string[]) => unknown,
  { stopOnError = false, dryRun }: { readonly stopOnError?: boolean; readonly dryRun?: true } = {},
) {
  const calls: (readonly string[])[] = [];
  const rest = {
    import: (_template: string, model: unknown) => {
      const keys = list(model).map((row) => String(bag(row)["ID"]));
      calls.push(keys);
      const told = answer(keys);
      return told instanceof Error ? Promise.reject(told) : Promise.resolve(told);
    },
  };
  const intents = Array.from({ length: count }, (_, place): Intent => {
    return { kind: "create", keys: {}, fields: { ID: `r${place}` }, namesake: false };
  });
  const settings = { layout: "list", modelProperty: undefined, stopOnError } as const;
  const into = { template: "client-import", keyProperty: "ID" };
  const { value: redact } = createRedactor(["app-key-1", "user-token-1"]);
  const deps = { rest, settings, into, redact, onSilence: () => undefined };
  const { results, problem, reports } = await importRows(deps, intents, { dryRun });
  return { kinds: results.map(({ kind }: Result) => kind), results, problem, reports, calls };
}

const written = (keys: readonly string[]) => ({ rows: keys.map((key) => ({ key, action: "updated" })) });
const isPoisoned = (keys: readonly string[], ...poison: readonly string[]) => keys.some((key) => poison.includes(key));

test("a page in place of a report says nothing: the rows wait", async () => {
  const { kinds, problem } = await imported(2, () => "<!DOCTYPE html><title>Works on the server</title>");
  expect(kinds).toEqual(["later", "later"]);
  expect(problem).toMatchObject({ scope: "lane", kind: "transient" });
  expect(problem?.message).toContain("with a page");
});

test.each([500, 400])("adjacent rows that are refused with %d do not stop those behind them", async (status) => {
  const poison = ["r0", "r1", "r2", "r3"];
  const answer = (keys: readonly string[]) => (isPoisoned(keys, ...poison) ? refused(status, "No") : written(keys));
  const { kinds, problem } = await imported(8, answer);
  expect(kinds.slice(0, 3)).toEqual(["rejected", "rejected", "rejected"]);
  expect(kinds.slice(3, -1)).not.toContain("rejected");
  expect(kinds.at(-1)).toBe("updated");
  expect(problem).toBeUndefined();
});

test("a server that falls over every row is out of order, and asked no further", async () => {
  const { kinds, problem, calls } = await imported(64, () => refused(500, "Oops"));
  expect(new Set(kinds)).toEqual(new Set(["later"]));
  expect(problem).toMatchObject({ scope: "lane", kind: "transient" });
  expect(calls.length).toBeLessThan(14);
});

test("rows from everywhere that are refused for one reason show that the mapping is wrong: they wait", async () => {
  const { kinds, problem, calls } = await imported(64, () => refused(400, "Unknown layout"));
  expect(new Set(kinds)).toEqual(new Set(["later"]));
  expect(problem).toMatchObject({ scope: "type", kind: "mapping" });
  expect(problem?.message).toContain("Unknown layout");
  expect(calls.length).toBeLessThan(14);
});

test.each([
  [3, () => "The name is missing"],
  [8, (keys: readonly string[]) => `${keys.join()} is unknown`],
])("few rows, or those that are refused for reasons of their own, are rejected (%d)", async (count, words) => {
  const { kinds, problem } = await imported(count, (keys) => refused(400, words(keys)));
  expect(kinds.slice(0, 3)).toEqual(["rejected", "rejected", "rejected"]);
  expect(problem).toBeUndefined();
});

test.each([false, true])(
  "a row that is never processed, even by itself, does not come again (stop_on_error %s)",
  async (stopOnError) => {
    const { results } = await imported(1, ([key]) => ({ rows: [{ key, action: "notAttempted" }] }), {
      stopOnError,
    });
    expect(results).toMatchObject([{ kind: "rejected", message: "PlanningPME did not process the row" }]);
  },
);

test("the report of a dry run is shown as it came, without the credentials that an error may repeat", async () => {
  const row = { key: "r0", action: "failed", message: "No" };
  const answer = {
    rows: [row],
    request: { "X-APPKEY": "app-key-1", Authorization: "Bearer abcdefgh", note: "user-token-1" },
  };
  const { reports } = await imported(1, () => answer, { dryRun: true });
  const hidden = "[redacted]";
  expect(reports).toEqual([{ rows: [row], request: { "X-APPKEY": hidden, Authorization: hidden, note: hidden } }]);
  expect((await imported(1, () => answer)).reports).toEqual([]);
});
