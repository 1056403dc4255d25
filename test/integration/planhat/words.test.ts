/** Planhat's own words are kept, shortened, and without the token that they may repeat, wherever it stands in them. */
import type { Applied } from "../../../src/services/connection";
import { create, openPlanhat, update, type PlanhatFixture } from "./planhat";

const TOKEN = `planhat-token-${"0123456789abcdef".repeat(24)}`;
const MOST = 500;

let planhat: PlanhatFixture;
beforeEach(async () => (planhat = await openPlanhat({ token: TOKEN, settings: { personal_acccess_token: TOKEN } })));
afterEach(() => planhat.close());

const messagesOf = ({ results, problem }: Applied): readonly string[] => [
  ...results.flatMap((each) => ("message" in each ? [each.message] : [])),
  ...(problem === undefined ? [] : [problem.message]),
];

function expectSafe(applied: Applied): void {
  const messages = messagesOf(applied);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    expect(message.length).toBeLessThanOrEqual(MOST);
    for (let at = 0; at + 10 <= TOKEN.length; at += 1) expect(message).not.toContain(TOKEN.slice(at, at + 10));
  }
}

// Before it, over the place where words are cut, and so often that what is left is short.
describe.each([
  ["at the beginning", `${TOKEN} is wrong`],
  ["where the words are cut", `${"x".repeat(MOST - 20)} ${TOKEN}`],
  ["again and again", TOKEN.repeat(40)],
])("the token %s", (_name, words) => {
  it.each(["item", "payload"] as const)("is taken out of the refusal of an %s", async (mode) => {
    planhat.sim.poison(() => true, words, mode);
    const company = planhat.tenant(TOKEN).seedCompany({ name: "Acme" });
    const chunk = [create({ externalId: "a" }, { name: "A", externalId: "a" }), update(company._id, { name: "B" })];
    expectSafe(await planhat.apply("companies", chunk));
  });

  it("is taken out of the refusal of a single call", async () => {
    planhat.sim.faults.add({ kind: "status", status: 400, body: words });
    const single = { ...create({ externalId: "a" }, { name: "A", externalId: "a" }), namesake: true };
    expectSafe(await planhat.apply("companies", [single]));
  });

  it("is taken out of the refusal of a right, and what to do stays", async () => {
    planhat.sim.faults.add({ kind: "status", status: 403, body: words });
    const applied = await planhat.apply("companies", [create({ externalId: "a" }, { name: "A" })]);
    expectSafe(applied);
    expect(applied.problem?.message).toMatch(/Check the (token|rights)/);
  });
});
