/** Operations of PlanningPME through the running server: what reaches PlanningPME, what the caller gets, what is logged. */
import { buildAccountMessage } from "../../../simulators/hull";
import type { FaultRule } from "../../../simulators/loopback";
import { account, minute, type Bag } from "../../fixture/fixture";
import { PLANNER, usePlanningPme, type PlanningPmeFixture } from "../../fixture/planningpme";
import { bag, list } from "../../fixture/states";
import { send } from "../asking";
import { errorOf } from "../edge";
import { operate, SECRETS, type Asking } from "./asking";

const open = usePlanningPme();

const MODEL = [{ ID: "ACME-1", Name: "Acme, a name that no log shows" }];
const IMPORT = "POST /templates/client-import";
const EXPORT = "GET /templates/client-export";

const audited = ({ fixture }: PlanningPmeFixture): readonly unknown[] =>
  fixture.logs.filter(({ message }) => message === "connector.operation").map(({ data }) => data);
/** What PlanningPME was sent last. */
const reached = ({ calls }: PlanningPmeFixture): string => {
  const { method = "", path = "", query } = calls.at(-1) ?? {};
  const text = query?.toString() ?? "";
  return `${method} ${path}${text === "" ? "" : `?${text}`}`;
};
const ROOT = "/acme/api/integration";

describe("a good call", () => {
  test("lists the templates as PlanningPME describes them", async () => {
    const opened = await open({ planningpme: { switches: { templateList: "grouped" } } });
    const { status, headers, body } = await operate(opened, "GET /templates");
    expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(list(body["in"]).map((each) => bag(each)["name"])).toContain("client-import");
    expect([reached(opened), audited(opened)]).toEqual([`GET ${ROOT}/templates`, []]);
  });

  test("exports everything where nothing is said, and passes the rows on", async () => {
    const opened = await open({ planningpme: { switches: { exportForm: "items" } } });
    opened.planningpme.brand().seed("Customer", { _ID: "ACME-1", LastName: "Acme" });
    const { status, body } = await operate(opened, EXPORT);
    expect([status, body["items"]]).toMatchObject([200, [{ ID: "ACME-1", Nom: "Acme" }]]);
    expect([reached(opened), audited(opened)]).toEqual([`GET ${ROOT}/client-export`, []]);
  });

  test.each([
    ["an instant, written in the zone of the settings", "2026-07-01T10:00:00Z", "20260701120000"],
    ["an instant with an offset", "2026-01-01T00:30:00+02:00", "20251231233000"],
    ["a literal, as it is", "20181231045803", "20181231045803"],
  ])("exports since %s", async (_what, since, written) => {
    const opened = await open({ settings: { since_zone: "Europe/Paris" } });
    expect((await operate(opened, EXPORT, { query: { since } })).status).toBe(200);
    expect(reached(opened)).toBe(`GET ${ROOT}/client-export?since=${written}`);
  });

  test("imports with everything off that is not asked for, and says so in the log", async () => {
    const opened = await open();
    const { status, text } = await operate(opened, IMPORT, { body: { model: MODEL } });
    expect([status, text]).toEqual([200, ""]);
    const off = { simulate: false, verbose: false, stopOnError: false };
    expect(opened.calls.at(-1)?.body).toEqual({ ...off, model: MODEL });
    expect(opened.planningpme.snapshot()).toMatchObject([{ fields: { _ID: "ACME-1" } }]);
    const call = { operation: "importTemplate", method: "POST", path: "/templates/{name}", status: 200 };
    expect(audited(opened)).toEqual([call]);
    const [line] = opened.fixture.logs.filter(({ message }) => message === "connector.operation");
    expect(line?.context).toMatchObject({ organization: opened.fixture.hull.host, id: PLANNER.id });
    const logged = JSON.stringify(opened.fixture.logs);
    expect([...SECRETS, "ACME-1", "no log shows"].filter((secret) => logged.includes(secret))).toEqual([]);
  });

  test.each(["simulate", "verbose", "stopOnError"] as const)("passes %s on, and the report back", async (option) => {
    const opened = await open();
    const { status, body } = await operate(opened, IMPORT, { body: { [option]: true, model: MODEL } });
    expect(opened.calls.at(-1)?.body).toMatchObject({ [option]: true });
    const reported = [{ key: "ACME-1", action: "inserted" }];
    expect([status, body]).toMatchObject([200, option === "stopOnError" ? {} : { rows: reported }]);
    expect(opened.planningpme.snapshot()).toHaveLength(option === "simulate" ? 0 : 1);
  });

  test("sends a model as it is, whatever the settings' layout", async () => {
    const opened = await open({ planningpme: { switches: { modelLayout: "items" } } });
    const model = { items: MODEL };
    expect((await operate(opened, IMPORT, { body: { model } })).status).toBe(200);
    expect(bag(opened.calls.at(-1)?.body)["model"]).toEqual(model);
  });

  test("names a template that has blanks and accents", async () => {
    const opened = await open();
    const [template] = opened.planningpme.brand().templates;
    if (template !== undefined) opened.planningpme.brand().install({ ...template, name: "Clients été" });
    const { status } = await operate(opened, `POST /templates/${encodeURIComponent("Clients été")}`, {
      body: { model: MODEL },
    });
    expect([status, opened.planningpme.snapshot().length]).toEqual([200, 1]);
  });
});

describe("what is refused names field and remedy, and calls nothing:", () => {
  test.each<readonly [string, Asking, string, readonly string[], RegExp]>([
    [EXPORT, { query: { since: "yesterday" } }, "invalid_query", ["since"], /Send an instant such as 2025-01-31T12/],
    [EXPORT, { query: { since: "2018-13-45" } }, "invalid_query", ["since"], /20250131120000/],
    [IMPORT, { body: {} }, "invalid_import", ["model"], /Send the rows, as a list or an object/],
    [IMPORT, { body: { model: "rows" } }, "invalid_import", ["model"], /Send the rows/],
    [IMPORT, { body: { model: MODEL, simulate: "true" } }, "invalid_import", ["simulate"], /Send true or false/],
    [
      IMPORT,
      { body: { model: MODEL, verbose: 1, stopOnError: null } },
      "invalid_import",
      ["verbose", "stopOnError"],
      /Send true or false/,
    ],
    [IMPORT, { body: { model: MODEL, dryRun: true } }, "invalid_import", ["(body)"], /nothing else/],
    [IMPORT, { body: [MODEL] }, "invalid_import", ["(body)"], /Send a JSON object with model/],
    [
      "POST /templates/a%2Fb",
      { body: { model: MODEL } },
      "invalid_template",
      ["name"],
      /name of a template, as the list/,
    ],
  ])("%s %j", async (call, asking, code, fields, remedy) => {
    const opened = await open();
    const answer = await operate(opened, call, asking);
    expect([answer.status, errorOf(answer).code]).toEqual([400, code]);
    expect(errorOf(answer).details.map(({ path }) => path)).toEqual(fields);
    expect(answer.text).toMatch(remedy);
    expect(opened.calls).toEqual([]);
  });

  test.each<readonly [string, Asking, string]>([
    ["nobody", { login: null }, "401 missing_credentials"],
    ["a wrong secret", { login: { ...PLANNER, secret: "planningpme-secret-00009" } }, "401 wrong_credentials"],
  ])("every operation for %s", async (_who, asking, refusal) => {
    const opened = await open();
    for (const call of ["GET /templates", EXPORT, IMPORT]) {
      const answer = await operate(opened, call, { body: call === IMPORT ? { model: MODEL } : undefined, ...asking });
      expect(`${answer.status} ${errorOf(answer).code}`).toBe(refusal);
    }
    expect(opened.calls).toEqual([]);
  });

  test("every operation while the credentials are missing, and says what to enter", async () => {
    const opened = await open({ settings: { app_key: "" } });
    const answer = await operate(opened, "GET /templates");
    expect([answer.status, errorOf(answer).code, opened.calls]).toEqual([409, "missing_token", []]);
    expect(errorOf(answer).message).toMatch(/lacks its Brand, App key or Token for PlanningPME/);
  });
});

describe("PlanningPME's refusals:", () => {
  test.each(["GET /templates/nobodys", "GET /templates/client-import", "POST /templates/nobodys"])(
    "a template that is not there, or goes the other way, is a 404: %s",
    async (call) => {
      const opened = await open();
      const answer = await operate(opened, call, { body: call.startsWith("POST") ? { model: MODEL } : undefined });
      expect([answer.status, errorOf(answer).code]).toEqual([404, "template_not_found"]);
      expect(errorOf(answer).message).toMatch(/^PlanningPME has no such template: There is no .* template/);
    },
  );

  test("a brand that PlanningPME does not have is its refusal, and no missing template", async () => {
    const opened = await open({ settings: { brand: "nobodys", token_exchange: false } });
    const answer = await operate(opened, "GET /templates");
    expect([answer.status, errorOf(answer).code]).toEqual([404, "refused_by_planningpme"]);
  });

  test("a model of another layout is refused in PlanningPME's words", async () => {
    const opened = await open({ planningpme: { switches: { modelLayout: "items", errors: "json" } } });
    const answer = await operate(opened, IMPORT, { body: { model: MODEL } });
    expect([answer.status, errorOf(answer).code]).toEqual([400, "refused_by_planningpme"]);
    expect(errorOf(answer).message).toBe("PlanningPME refuses it: The model is not laid out as client-import defines.");
    expect(audited(opened)).toMatchObject([{ status: 400 }]);
  });

  test.each<readonly [string, FaultRule, string, RegExp]>([
    ["403", { kind: "status", status: 403 }, "502 planningpme_token_refused", /Check the rights of the user/],
    [
      "a page",
      { kind: "status", status: 502, body: "<html>Bad Gateway</html>" },
      "502 planningpme_unavailable",
      /no usable answer/,
    ],
    ["too many calls", { kind: "rate-limit" }, "503 planningpme_busy", /try again later/],
  ])("%s is not taken for the caller's own", async (_what, fault, refusal, words) => {
    const opened = await open();
    opened.planningpme.faults.add({ ...fault, route: "GET /api/integration/templates" });
    const answer = await operate(opened, "GET /templates");
    expect(`${answer.status} ${errorOf(answer).code}`).toBe(refusal);
    expect(errorOf(answer).message).toMatch(words);
  });

  test.each(["auth_token", "app_key"])("a mistyped %s is no failed log-in of the caller", async (setting) => {
    const opened = await open({ settings: { [setting]: "mistyped" } });
    const answer = await operate(opened, "GET /templates");
    expect([answer.status, errorOf(answer).code]).toEqual([502, "planningpme_token_refused"]);
    expect(errorOf(answer).message).toMatch(/Enter valid ones in the connector's settings/);
  });
});

test("what an operation imported stays until Hull's own value changes, and then the whole row is sent", async () => {
  const opened = await open();
  const tell = (at: number, more: Bag = {}) =>
    opened.deliver([buildAccountMessage(account(1, { city: "Lyon", indexed_at: minute(at), ...more }))], {
      channel: "account:update",
    });
  const held = () => opened.planningpme.snapshot().map(({ fields }) => [fields["LastName"], fields["City"]]);
  await tell(0);
  await operate(opened, IMPORT, { body: { model: [{ ID: "acme-1", Name: "By hand" }] } });
  await tell(1);
  expect(held()).toEqual([["By hand", "Lyon"]]);
  await tell(2, { city: "Paris" });
  expect(held()).toEqual([["Acme 1", "Paris"]]);
});

test("the page of the API has the three operations", async () => {
  const { fixture } = await open();
  const { body } = await send(fixture.baseUrl, "/planningpme/openapi.json");
  const calls = Object.entries(bag(body["paths"])).flatMap(([path, item]) =>
    path.includes("/templates") ? Object.keys(bag(item)).map((method) => `${method} ${path}`) : [],
  );
  expect(calls).toEqual([
    "get /api/internal/templates",
    "get /api/internal/templates/{name}",
    "post /api/internal/templates/{name}",
  ]);
  const page = await send(fixture.baseUrl, "/planningpme/docs");
  expect(page.text).toContain("<title>Hull PlanningPME connector: API</title>");
});
