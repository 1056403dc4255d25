/** `/planningpme/status`: what the dashboard sees of a connector to PlanningPME, and what Hull is told. */
import { buildAccountMessage } from "../../../simulators/hull";
import type { FaultRule } from "../../../simulators/loopback";
import type { PlanningPmeSwitches } from "../../../simulators/planningpme";
import { account, row } from "../../fixture/fixture";
import { PLANNER, usePlanningPme, type PlanningPmeFixture } from "../../fixture/planningpme";
import type { Bag } from "../../fixture/settings";
import { askAsHull, SECRETS } from "./asking";

const open = usePlanningPme();

/** The answer, which Hull is told too. */
async function statusOf(opened: PlanningPmeFixture): Promise<{ status: unknown; messages: unknown }> {
  const answer = await askAsHull(opened, "GET /status");
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(opened.fixture.hull.connector(PLANNER.id).status).toMatchObject(answer.body);
  const said = answer.text + JSON.stringify(opened.fixture.logs);
  expect(SECRETS.filter((secret) => said.includes(secret))).toEqual([]);
  return { status: answer.body["status"], messages: answer.body["messages"] };
}
const says = (status: string, ...messages: readonly RegExp[]) => ({
  status,
  messages: messages.map((each) => expect.stringMatching(each) as string),
});
/** The description that the simulator's list gives of each template. */
const DESCRIBED = /^The template "client-import": Import of customers\.$/;

test("a connector that is well says which template it feeds, and one call with a token suffices for a while", async () => {
  const opened = await open();
  expect(await statusOf(opened)).toEqual(says("ok", DESCRIBED));
  await statusOf(opened);
  const { calls, tokensIssued } = opened.planningpme.books.snapshot();
  expect([calls, tokensIssued]).toEqual([2, 1]);
});

test("without brand, key and token it says what to enter, and asks nobody", async () => {
  const opened = await open({ settings: { brand: "", app_key: null, auth_token: " " } });
  expect(await statusOf(opened)).toEqual(says("setupRequired", /^Brand is empty/, /^App key is/, /^Token is/));
  expect(opened.planningpme.books.snapshot().calls).toBe(0);
});

describe("what PlanningPME refuses:", () => {
  const refused = /^PlanningPME refuses App key or Token, so nothing is sent or fetched until it is right\./;
  test.each<readonly [string, Bag, RegExp]>([
    ["a mistyped app key", { app_key: "mistyped" }, refused],
    ["a mistyped token", { auth_token: "mistyped" }, refused],
    [
      "a token that should have been exchanged",
      { token_exchange: false },
      /The token is sent as Bearer as it is; PlanningPME may want it otherwise/,
    ],
    ["a scheme that it does not know", { authorization_scheme: "" }, refused],
    ["a brand that it does not have", { brand: "nobodys" }, /Check host and brand, which is nobodys\.$/],
  ])("%s", async (_what, settings, words) => {
    expect(await statusOf(await open({ settings }))).toEqual(says("error", words));
  });

  test.each<readonly [string, FaultRule]>([
    ["503", { kind: "status", status: 503 }],
    ["429", { kind: "rate-limit" }],
    ["a page", { kind: "wrong-shape", form: "html" }],
  ])("nothing, since it answers %s", async (_what, fault) => {
    const opened = await open();
    opened.planningpme.faults.add(fault);
    expect(await statusOf(opened)).toEqual(says("warning", /^PlanningPME could not be asked: /));
  });

  test("nothing, since it is not there", async () => {
    const opened = await open();
    await opened.planningpme.close();
    expect(await statusOf(opened)).toEqual(says("warning", /^PlanningPME could not be asked: .*look at the network/));
  });
});

describe("what the list of templates shows:", () => {
  const forProjects: Bag = {
    customer_entity: "none",
    customer_attributes_outbound: [],
    project_entity: "account",
    project_key_property: "ID",
    project_attributes_outbound: [row("name", "Name")],
  };
  test.each<readonly [string, Bag, RegExp]>([
    [
      "a template that is not there, and those that are",
      { customer_template: "nobodys" },
      /^PlanningPME has no template "nobodys", .* Choose one of "client-import", "project-import", "dossier-import", "order-import"\.$/,
    ],
    [
      "an export where an import is wanted",
      { customer_template: "client-export" },
      /^The template "client-export" exports, and does not import, so nothing is sent/,
    ],
    [
      "no property of the key's name",
      { customer_key_property: "Id" },
      /^The template "client-import" has no property "Id", .* Names are taken literally\. It has "ID", "Name"/,
    ],
    [
      "no export of that name",
      exported("nobodys"),
      /has no template "nobodys", so it is not fetched\. Choose one of "cl/,
    ],
    [
      "an import where an export is wanted",
      exported("client-import"),
      /^The template "client-import" imports, and does not export, so it is not fetched/,
    ],
  ])("%s", async (_what, settings, words) => {
    const { status, messages } = await statusOf(await open({ settings }));
    expect({ status, messages }).toMatchObject({ status: "error" });
    expect(messages).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
  });

  test("a stock template that is not there, and since which version it should be", async () => {
    const opened = await open({ settings: forProjects });
    opened.planningpme.brand().uninstall("project-import");
    const words =
      /^PlanningPME has no template "project-import".* It comes with version 4\.1\.1\.116 of PlanningPME\.$/;
    expect(await statusOf(opened)).toEqual(says("error", words));
  });

  test("properties that the template lacks, constants included, as a warning", async () => {
    const settings = {
      customer_attributes_outbound: [row("name", "Name"), row("industry", "Branche")],
      customer_defaults: [{ property: "Type", value: "1026" }],
    };
    const { status, messages } = await statusOf(await open({ settings }));
    expect(status).toBe("warning");
    expect(messages).toEqual(expect.arrayContaining([expect.stringMatching(/has no property "Branche", "Type"/)]));
  });

  test.each<Partial<PlanningPmeSwitches>>([
    { templateList: "items" },
    { templateList: "grouped" },
    { templateMark: "type-capital" },
    { templateMark: "direction" },
    { templateDescription: "types" },
    { templateDescription: "xml" },
    { templateDescription: "none" },
  ])("the same in each form that the list may have: %j", async (switches) => {
    const settings = { ...exported("client-export"), customer_template: "dossier-import" };
    const bent = { customer_template: "client-export" };
    const sound = { customer_key_property: "ID_DOSSIER", customer_attributes_outbound: [row("name", "Nom usage")] };
    const opened = await open({ settings: { ...settings, ...sound }, planningpme: { switches } });
    expect(await statusOf(opened)).toMatchObject({ status: "ok" });
    const other = await open({ settings: { ...settings, ...sound, ...bent }, planningpme: { switches } });
    expect(await statusOf(other)).toMatchObject({ status: "error" });
  });
});

test("a missing key property is an error, and nothing is imported", async () => {
  const opened = await open({ settings: { customer_key_property: "" } });
  const { status, messages } = await statusOf(opened);
  expect(status).toBe("error");
  expect(messages).toEqual(
    expect.arrayContaining([expect.stringMatching(/^Customer key property is empty, so no customer is imported/)]),
  );
});

test.each([
  [true, "warning"],
  [false, "ok"],
] as const)("a report that names no row is told with stop_on_error %s as %s", async (stopOnError, level) => {
  const settings = { stop_on_error: stopOnError };
  const opened = await open({ settings, planningpme: { switches: { report: "silent" } } });
  await opened.deliver([buildAccountMessage(account(1))], { channel: "account:update" });
  const { status, messages } = await statusOf(opened);
  expect(status).toBe(level);
  const warned = expect.stringMatching(
    /is on, and the reports of "client-import" name no rows: .* Switch it off\.$/,
  ) as string;
  if (stopOnError) expect(messages).toEqual(expect.arrayContaining([warned]));
  else expect(messages).not.toEqual(expect.arrayContaining([warned]));
  expect(messages).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^Once in the last 24 hours PlanningPME took a record, and its report/),
    ]),
  );
});

function exported(template: string): Bag {
  return { export_templates: [{ template, entity: "account", key_property: "ID", key_attribute: "external_id" }] };
}
