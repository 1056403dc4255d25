/** Social security numbers, salaries and health: sent to PlanSource, and found nowhere else, in whatever form. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import type { Organization } from "../../simulators/plansource/organization";
import { ndjson } from "../fixture/batches";
import { about, employee, LIFE_CYCLE_SETTINGS, mapping, type Employee } from "../fixture/employees";
import { minute, row, type Bag } from "../fixture/fixture";
import { EMPLOYER, usePlanSource, type PlanSourceFixture } from "../fixture/plansource";
import { formsOf } from "../fixture/traces";
import { ask, basic, send } from "../integration/asking";

const ADMIN_TOKEN = "admin-token-of-this-house-0001";
const LOGIN = "metrics-token-of-this-house-0001";
const open = usePlanSource({ environment: { ADMIN_TOKEN, METRICS_TOKEN: LOGIN } });

/** By Hull attribute; none of them can occur by chance. The smoker's mark is in no list, so PlanSource refuses it. */
const PRIVATE = {
  ssn: "517-39-8264",
  current_salary: 71_717.71,
  pay_rate: 34.871_93,
  medicare_plan: 'quiet "plan" 88317',
  anthem_hcid: "hcid-551736-x",
};
const RAISED = 82_828.82;
const SMOKER = "chimney-612794";
const OTHER_SSN = "604-28-7193";
const ODD = `Odd pay of ${PRIVATE.current_salary} for 517-39-8267 with ${PRIVATE.anthem_hcid}`;
const REPEATED = `Ssn ${OTHER_SSN} (${OTHER_SSN.replaceAll("-", "")}) is taken by somebody who earns ${PRIVATE.current_salary}`;
/** What the social security numbers of all have in common. */
const SSN_BEGINS = "517-39-826";
const NEEDLES = [...Object.values(PRIVATE), SSN_BEGINS, RAISED, SMOKER, OTHER_SSN];

/** Every spelling in which a value might stand somewhere, as the bytes of each. */
const FORMS: readonly Buffer[] = NEEDLES.flatMap((value): readonly Buffer[] => {
  const text = String(value);
  const digits = text.replaceAll(/\D/g, "");
  const spellings = [
    text,
    JSON.stringify(text).slice(1, -1),
    text.replaceAll('"', "&quot;"),
    text.replaceAll('"', "&#34;"),
  ];
  if (/^\d{3}-\d{2}-\d+$/.test(text)) spellings.push(digits);
  // PlanSource shows numbers with other decimals; a database holds them as eight bytes.
  if (typeof value !== "number") return spellings.flatMap(formsOf);
  const [big, little] = [Buffer.alloc(8), Buffer.alloc(8)];
  big.writeDoubleBE(value);
  little.writeDoubleLE(value);
  return [...formsOf(text.slice(0, -1)), big, little];
});
const isIn = (content: Buffer): boolean => FORMS.some((form) => content.includes(form));

/** Files of the data folder that hold a value. */
const inFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isIn(readFileSync(file)));

/** Names of the places in which a value is shown. */
const inTexts = (places: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(places).flatMap(([name, text]) => (isIn(Buffer.from(text)) ? [name] : []));

const FIELDS = [...Object.keys(PRIVATE), "is_smoker", "hire_date", "union_code"];
const SETTINGS = { ...LIFE_CYCLE_SETTINGS, subscriber_attributes_outbound: mapping(...FIELDS) };
const person = (number: number, more: Bag = {}): Employee =>
  employee(number, { ...PRIVATE, hire_date: "2024-03-01", union_code: "ENG", ssn: `${SSN_BEGINS}${number}`, ...more });

/** Everything that is shown to whoever may ask, by the name of the place. */
async function askAround({ fixture, lane }: PlanSourceFixture): Promise<Readonly<Record<string, string>>> {
  const { baseUrl, hull, connector } = fixture;
  const login = { authorization: basic(EMPLOYER) };
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const letters = await connector.store.deadLetters({ tenant: lane.tenant, limit: 100 });
  const list = await send(baseUrl, `/plansource/api/internal/dead-letters?org=${hull.host}`, { headers: login });
  const ids = (list.body["dead_letters"] as readonly { id: string }[]).map(({ id }) => id);
  expect(ids).toHaveLength(letters.deadLetters.length);
  const places: Record<string, string> = { "dead letters": list.text };
  const see = async (path: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<void> => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await send(baseUrl, `${path}?org=${hull.host}`, { method, headers, body });
    expect([path, answer.status]).toEqual([path, 200]);
    places[`${path} ${Object.keys(places).length}`] = answer.text;
  };
  for (const id of ids) {
    await see(`/plansource/api/internal/dead-letters/${id}`, login);
    await see(`/plansource/console/letters/${id}`, login);
    await see(`/admin/dead-letters/${id}`, admin);
  }
  for (const path of ["console", "api/internal/runs"]) await see(`/plansource/${path}`, login);
  for (const path of ["/admin", "/admin/tenants", "/admin/dead-letters"]) await see(path, admin);
  await see("/metrics", { authorization: `Bearer ${LOGIN}` });
  for (const number of [1, 2, 3, 4]) {
    await see("/plansource/explain", login, { external_id: `emp-${number}` });
    const messages = [buildUserMessage(person(number, { is_smoker: SMOKER, indexed_at: minute(9) }))];
    await see("/plansource/explain", login, { channel: "user:update", messages });
  }
  const named = { ship: EMPLOYER.id, secret: EMPLOYER.secret };
  places["status"] = (await ask(fixture, "/plansource/status", named)).text;
  return places;
}

/** A batch that is only tried out, and what is said of it. */
async function dryRun({ fixture }: PlanSourceFixture, people: readonly Employee[]): Promise<string> {
  const { url } = fixture.hull.publishExtract({
    format: "json",
    content: ndjson(about(people).map(({ user }) => user)),
  });
  const query = { ship: EMPLOYER.id, secret: EMPLOYER.secret, simulate: "1", verbose: "1" };
  const body = { url, format: "json", object_type: "user_report" };
  const answer = await ask(fixture, "/plansource/batch", query, { method: "POST", body });
  const id = String(answer.body["run"]);
  await fixture.ended(id);
  const path = `/plansource/api/internal/runs/${id}?org=${fixture.hull.host}&lines=100`;
  const run = await send(fixture.baseUrl, path, { headers: { authorization: basic(EMPLOYER) } });
  expect(run.status).toBe(200);
  return answer.text + run.text;
}

const lettersOf = async ({ fixture, lane }: PlanSourceFixture) =>
  (await fixture.connector.store.deadLetters({ tenant: lane.tenant, limit: 100 })).deadLetters;

const CREATE = "/admin/v2/subscriber";

/** Created, raised, refused in four ways, tried out, and fetched. */
async function aDaysWork(fixture: PlanSourceFixture): Promise<Readonly<Record<string, string>>> {
  const { plansource } = fixture;
  const refuse = (code: string, message: string): void => {
    const errors = { http_status: 400, message, details: message, error_code: 400 };
    const body = JSON.stringify({ status: "failure", errors, data: [] });
    const isAbout = (sent: unknown): boolean => JSON.stringify(sent ?? "").includes(`"${code}"`);
    plansource.faults.add({
      kind: "status",
      status: 400,
      body,
      route: (call) => call.path === CREATE && isAbout(call.body),
    });
  };
  refuse("emp-4", REPEATED);
  refuse("emp-7", ODD);
  await fixture.deliver(about([person(1)]));
  await fixture.deliver(about([person(1, { current_salary: RAISED, indexed_at: minute(1) })]));
  const refused = [
    person(2, { ssn: PRIVATE.ssn, union_code: "NEW" }),
    person(3, { is_smoker: SMOKER }),
    person(4, { ssn: OTHER_SSN }),
    person(7),
  ];
  await fixture.deliver(about(refused));
  const tried = await dryRun(fixture, [...refused, person(5), person(1, { current_salary: 71_717.71 })]);
  await fixture.fetch("force=1&verbose=1");
  return { ...(await askAround(fixture)), "dry run": tried };
}

const heldBy = (organization: Organization, number: number) => organization.byCode(`emp-${number}`)?.fields;

test("nothing shown, logged, told or stored holds a value that is only ever written", async () => {
  const fixture = await open({ settings: SETTINGS, plansource: { switches: { ssn: "full" } } });
  const { fixture: house, plansource } = fixture;
  const organization = plansource.organization();
  const before = await aDaysWork(fixture);
  expect(before["dry run"]).toContain("is_smoker: hidden");
  expect(before["dead letters"]).toContain("is_smoker: hidden");
  expect(before["dead letters"]).toContain("Odd pay of");
  expect(heldBy(organization, 1)).toMatchObject({ ...PRIVATE, ssn: "517-39-8261", current_salary: RAISED });
  const codes = (await lettersOf(fixture)).map(({ ending }) => ending.code);
  expect(codes.toSorted()).toEqual(["refused", "ssn_exists", "value_not_allowed", "value_not_allowed"]);

  // Somebody waits while the server is stopped.
  const outage = plansource.faults.add({ kind: "status", status: 503 });
  await fixture.send(about([person(6)]));
  await house.until(async () => (await house.connector.store.lanes()).length > 0);
  await house.stopped(() => {
    expect(inFiles(house.dataDir)).toEqual([]);
    return Promise.resolve();
  });
  outage.remove();
  await house.settledWithHelp();
  expect(heldBy(organization, 6)).toMatchObject({ ...PRIVATE, ssn: "517-39-8266" });

  // What was sent last is known by its hash, after a restart too.
  const calls = fixture.calls.length;
  await fixture.deliver(about([person(1, { current_salary: RAISED, indexed_at: minute(2) })]));
  expect(fixture.calls).toHaveLength(calls);

  const after = await askAround(fixture);
  const profiles = JSON.stringify([...house.hull.profiles.users.values()].map(({ attributes }) => attributes));
  const shown = { ...before, ...after, log: JSON.stringify(house.logs), told: JSON.stringify(house.told()), profiles };
  expect(inTexts(shown)).toEqual([]);
});

test("a refused new employee is replayed with number and salary once the cause is mended", async () => {
  const fixture = await open({ settings: SETTINGS });
  const { fixture: house, plansource } = fixture;
  const organization = plansource.organization();
  await fixture.deliver(about([person(2, { union_code: "NEW" })]));
  await house.restart();
  organization.meta.set("union_code", { choices: [["New", "NEW"]] });
  house.advance(6);
  const [letter] = await lettersOf(fixture);
  expect(letter?.ending.code).toBe("value_not_allowed");
  const path = `/plansource/api/internal/dead-letters/replay?org=${house.hull.host}`;
  const answer = await send(house.baseUrl, path, { method: "POST", headers: { authorization: basic(EMPLOYER) } });
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ queued: 1 })]);
  await house.settled();
  expect(heldBy(organization, 2)).toMatchObject({ ...PRIVATE, ssn: "517-39-8262", union_code: "NEW" });
  expect(await lettersOf(fixture)).toEqual([]);
  expect(inTexts({ log: JSON.stringify(house.logs), answer: answer.text })).toEqual([]);
  await house.stopped(() => {
    expect(inFiles(house.dataDir)).toEqual([]);
    return Promise.resolve();
  });
});

test("the search would find them: in fields that are not write-only, they are all over the place", async () => {
  const rows = [...mapping("hire_date", "union_code"), row("current_salary", "udef_1"), row("medicare_plan", "udef_2")];
  const settings = { ...LIFE_CYCLE_SETTINGS, subscriber_attributes_outbound: rows };
  const fixture = await open({ settings });
  const { fixture: house } = fixture;
  await fixture.deliver(about([person(1), person(2, { union_code: "NEW" })]));
  const places = await askAround(fixture);
  expect(inTexts({ ...places, told: JSON.stringify(house.told()) })).toContain("told");
  expect(inTexts(places).some((name) => name.includes("explain"))).toBe(true);
  await house.stopped(() => {
    expect(inFiles(house.dataDir).length).toBeGreaterThan(0);
    return Promise.resolve();
  });
});
