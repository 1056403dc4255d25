/** Digits of social security numbers, tokens, codes and states: used where they must be, and found nowhere else. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { isObject, type Call } from "../../simulators/loopback/call";
import { DEFAULT_APPLICATION } from "../../simulators/plangrade";
import { ndjson } from "../fixture/batches";
import { row } from "../fixture/fixture";
import { aboutPeople, changed, participant, ssnOf, type Participant } from "../fixture/participants";
import { BENEFITS, usePlangrade, type PlangradeFixture } from "../fixture/plangrade";
import { digitsAlone, formsOf } from "../fixture/traces";
import { ask, basic, send } from "../integration/asking";
import { createAsking } from "../integration/service-asking";

const ADMIN_TOKEN = "admin-token-of-this-house-0001";
const LOGIN = "metrics-token-of-this-house-0001";
const ENVIRONMENT = { ADMIN_TOKEN, METRICS_TOKEN: LOGIN };
const open = usePlangrade();
const { operate } = createAsking("plangrade", BENEFITS, [BENEFITS.secret]);

/** A value that is no number of anybody's, and is refused for its form. */
const ODD = "quiet-0481-x";
/** Whole, as Hull may hold it; plangrade is given the end alone. */
const WHOLE = "517-39-0264";
const NUMBERS = [1, 2, 3, 4, 5, 6].map(ssnOf);

const WORDS = digitsAlone([...NUMBERS, WHOLE.slice(-4)]);
const TEXTS = [ODD, WHOLE, WHOLE.replaceAll("-", "")];

/** Whether a text, or the bytes of a file, hold digits of a number or one of these secrets. */
function isIn(content: Buffer, secrets: readonly string[]): boolean {
  if (WORDS.test(content.toString("latin1"))) return true;
  return [...TEXTS, ...secrets].flatMap(formsOf).some((form) => content.includes(form));
}

/** Files of the data folder that hold one. */
const inFiles = (folder: string, secrets: readonly string[]): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isIn(readFileSync(file), secrets));

/** Names of the places in which one is shown. */
const inTexts = (places: Readonly<Record<string, string>>, secrets: readonly string[] = []): readonly string[] =>
  Object.entries(places).flatMap(([name, text]) => (isIn(Buffer.from(text), secrets) ? [name] : []));

/** Whatever plangrade is shown that opens something: tokens, codes, states and the application's secret. */
function gatherSecrets({ plangrade }: PlangradeFixture): ReadonlySet<string> {
  const found = new Set<string>([DEFAULT_APPLICATION.secret]);
  plangrade.on("request", ({ headers, body, query }: Call) => {
    const token = /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1];
    const form = new URLSearchParams(typeof body === "string" ? body : "");
    // A participant lives in a state, too.
    const names = form.has("first_name") ? [] : ["code", "refresh_token", "state"];
    const named = names.flatMap((name) => [form.get(name), query.get(name)]);
    for (const secret of [token, ...named]) if (typeof secret === "string" && secret !== "") found.add(secret);
  });
  return found;
}

/** The pair in use, which plangrade may not have been shown yet. */
async function pairOf({ fixture, lane }: PlangradeFixture): Promise<readonly string[]> {
  const stored: unknown = JSON.parse((await fixture.engine("plangrade").grantOf(lane.tenant).read()) ?? "{}");
  const pair = isObject(stored) && isObject(stored["pair"]) ? stored["pair"] : {};
  const { accessToken, refreshToken } = pair;
  return [String(accessToken), String(refreshToken)];
}

/** Everything that is shown to whoever may ask, by the name of the place. */
async function askAround({ fixture, lane }: PlangradeFixture): Promise<Readonly<Record<string, string>>> {
  const { baseUrl, hull, connector } = fixture;
  const login = { authorization: basic(BENEFITS) };
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const places: Record<string, string> = {};
  const see = async (path: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<void> => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await send(baseUrl, `${path}?org=${hull.host}`, { method, headers, body });
    expect([path, answer.status]).toEqual([path, 200]);
    places[`${path} ${Object.keys(places).length}`] = answer.text;
  };
  const list = await send(baseUrl, `/plangrade/api/internal/dead-letters?org=${hull.host}`, { headers: login });
  const letters = Array.isArray(list.body["dead_letters"]) ? list.body["dead_letters"].filter(isObject) : [];
  const { deadLetters } = await connector.store.deadLetters({ tenant: lane.tenant, limit: 100 });
  expect(letters).toHaveLength(deadLetters.length);
  for (const id of letters.map((letter) => String(letter["id"]))) {
    await see(`/plangrade/api/internal/dead-letters/${id}`, login);
    await see(`/plangrade/console/letters/${id}`, login);
    await see(`/admin/dead-letters/${id}`, admin);
  }
  for (const path of ["console", "api/internal/runs", "api/internal/dead-letters"])
    await see(`/plangrade/${path}`, login);
  for (const path of ["/admin", "/admin/tenants", "/admin/dead-letters"]) await see(path, admin);
  await see("/metrics", { authorization: `Bearer ${LOGIN}` });
  for (const number of [1, 2, 3, 4, 5]) {
    const messages = aboutPeople([changed(participant(number), 9)]);
    await see("/plangrade/explain", login, { channel: "user:update", messages });
    await see("/plangrade/explain", login, { email: participant(number).user["email"] });
  }
  places["status"] = (await ask(fixture, "/plangrade/status", { ship: BENEFITS.id, secret: BENEFITS.secret })).text;
  return places;
}

/** A batch that is only tried out, and what is said of it. */
async function dryRun({ fixture }: PlangradeFixture, people: readonly Participant[]): Promise<string> {
  const rows = people.map(({ user, account }) => ({ ...buildUserMessage(user).user, account }));
  const { url } = fixture.hull.publishExtract({ format: "json", content: ndjson(rows) });
  const query = { ship: BENEFITS.id, secret: BENEFITS.secret, simulate: "1", verbose: "1" };
  const body = { url, format: "json", object_type: "user_report" };
  const answer = await ask(fixture, "/plangrade/batch", query, { method: "POST", body });
  const id = String(answer.body["run"]);
  await fixture.ended(id);
  const path = `/plangrade/api/internal/runs/${id}?org=${fixture.hull.host}&lines=100`;
  const run = await send(fixture.baseUrl, path, { headers: { authorization: basic(BENEFITS) } });
  expect(run.status).toBe(200);
  return answer.text + run.text;
}

const CREATE = "POST /participants";

test("nothing shown, logged, told or stored holds digits of a number, a token, a code or a state", async () => {
  const fixture = await open({ environment: ENVIRONMENT, authorized: false });
  const { fixture: house, plangrade } = fixture;
  const secrets = gatherSecrets(fixture);
  expect((await fixture.authorize()).status).toBe(200);

  await fixture.deliver(aboutPeople([participant(1), participant(2, 1, { ssn: WHOLE })]));
  // Refused here for its form, and by plangrade in words that repeat what was sent.
  const words = JSON.stringify([`Ssn ${ssnOf(4)} is taken by ${WHOLE}`, `Ssn ${ssnOf(4)}`]);
  plangrade.faults.add({ kind: "status", status: 422, body: words, route: CREATE, count: 1 });
  await fixture.deliver(aboutPeople([participant(3, 1, { ssn: ODD }), participant(4)]));
  plangrade.expireTokens();
  await fixture.deliver(aboutPeople([changed(participant(1), 1, { city: "Salem", ssn: ssnOf(6) })]));
  const tried = await dryRun(fixture, [participant(3, 1, { ssn: ODD }), participant(5), changed(participant(2), 2)]);
  await fixture.fetch("force=1&verbose=1");
  expect(await fixture.outcomes()).toEqual({
    "participants/sent/created": 2,
    "participants/skipped/incomplete": 1,
    "participants/rejected/refused": 1,
    "participants/sent/updated": 1,
  });
  // The last four digits, in the create alone.
  expect(plangrade.snapshot().participants.map(({ ssn }) => ssn)).toEqual([ssnOf(1), WHOLE.slice(-4)]);
  expect(plangrade.books.snapshot().ssnUpdates).toBe(0);

  // Somebody waits while the server is stopped.
  const outage = plangrade.faults.add({ kind: "status", status: 503 });
  await fixture.send(aboutPeople([participant(5)]));
  await house.until(async () => (await house.connector.store.lanes()).length > 0);
  const known = [...secrets, ...(await pairOf(fixture))];
  // Two pairs, the code, the state and the application's secret.
  expect(new Set(known).size).toBeGreaterThanOrEqual(6);
  await house.stopped(() => {
    expect(inFiles(house.dataDir, known)).toEqual([]);
    return Promise.resolve();
  });
  outage.remove();
  await house.settledWithHelp();
  expect(plangrade.snapshot().participants.map(({ ssn }) => ssn)).toContain(ssnOf(5));

  const places = await askAround(fixture);
  const profiles = JSON.stringify([...house.hull.profiles.users.values()].map(({ attributes }) => attributes));
  const shown = { ...places, tried, profiles, log: JSON.stringify(house.logs), told: JSON.stringify(house.told()) };
  expect(inTexts(shown, known)).toEqual([]);
  // plangrade's words are shown without them, and what was refused here by its form.
  expect(Object.values(places).join("\n")).toContain("is taken by");
  expect(tried).toContain("ssn");
});

test("a refused participant is replayed with the digits, which waited unseen", async () => {
  const fixture = await open();
  const { fixture: house, plangrade } = fixture;
  plangrade.faults.add({ kind: "status", status: 422, body: '["Not now"]', route: CREATE, count: 1 });
  await fixture.deliver(aboutPeople([participant(1)]));
  await house.stopped(() => {
    expect(inFiles(house.dataDir, [])).toEqual([]);
    return Promise.resolve();
  });
  const answer = await operate(fixture, "POST /dead-letters/replay");
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ queued: 1 })]);
  await house.settled();
  expect(plangrade.snapshot().participants).toMatchObject([{ ssn: ssnOf(1) }]);
  expect(inTexts({ answer: answer.text, log: JSON.stringify(house.logs) })).toEqual([]);
});

test("the search would find them: in a field that is shown, they are all over the place", async () => {
  const rows = ["first_name", "last_name", "email", "street1", "city", "state", "zip", "dob"].map((name) =>
    row(name, name),
  );
  const settings = { participant_attributes_outbound: [...rows, row("ssn", "street2")] };
  const fixture = await open({ settings, environment: ENVIRONMENT });
  const { fixture: house } = fixture;
  await fixture.deliver(aboutPeople([participant(1)]));
  const places = { ...(await askAround(fixture)), told: JSON.stringify(house.told()) };
  const found = inTexts(places);
  expect([found.includes("told"), found.some((name) => name.includes("explain"))]).toEqual([true, true]);
  const known = await pairOf(fixture);
  expect(inTexts({ headers: `authorization: Bearer ${known[0] ?? ""}` }, known)).toEqual(["headers"]);
  await house.stopped(() => {
    expect(inFiles(house.dataDir, []).length).toBeGreaterThan(0);
    return Promise.resolve();
  });
});
