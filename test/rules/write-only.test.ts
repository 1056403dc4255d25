/** A service with values that are written and never shown, and one whose list may leave out records. */
import { buildUserMessage } from "../../simulators/hull";
import { Payroll, payrollService } from "../fixture/services/payroll";
import { announce, ndjson } from "../fixture/batches";
import { minute, useFixtures, user, type Bag, type Fixture } from "../fixture/fixture";
import { tracesIn } from "../fixture/traces";
import { basic, queryOf, send } from "../integration/asking";

const open = useFixtures();
const CONNECTOR = { id: "5f00000000000000000000c1", secret: "payroll-secret-0000001" };
const ADMIN_TOKEN = "admin-token-of-this-house-0001";
const SECRETS = { ssn: "078-05-1120", salary: "86753091234", "next ssn": "219-09-9999" };
const PRIVATE = { ssn: SECRETS.ssn, salary: Number(SECRETS.salary), salary_since: "2026-01-01" };

async function openPayroll() {
  const payroll = new Payroll();
  const fixture = await open({ services: [payrollService(payroll)], environment: { ADMIN_TOKEN } });
  const { hull, baseUrl } = fixture;
  hull.addConnector({ ...CONNECTOR, privateSettings: {} });
  const lane = { remote: `${hull.host}|https://payroll.example|main`, tenant: `payroll/${hull.host}/${CONNECTOR.id}` };
  const own = { authorization: basic(CONNECTOR) };
  /** Everything that anybody was answered. */
  const answers: string[] = [];
  async function ask(path: string, sent: Parameters<typeof send>[2] = {}): Promise<Bag> {
    const answer = await send(baseUrl, path, sent);
    answers.push(answer.text);
    return answer.body;
  }
  return {
    ...{ fixture, payroll, lane, answers, ask },
    hear: async (...messages: readonly unknown[]): Promise<void> => {
      fixture.introduce(messages);
      const sent = { connectorId: CONNECTOR.id, channel: "user:update", messages, signed: false } as const;
      expect((await hull.send(`${baseUrl}/payroll/smart-notifier`, sent)).messagesAccepted).toBe(messages.length);
      await fixture.settled();
    },
    explain: (message: unknown): Promise<Bag> =>
      ask(`/payroll/explain?${queryOf({ org: hull.host })}`, {
        ...{ method: "POST", headers: own, body: { channel: "user:update", messages: [message] } },
      }),
    batch: async (row: Bag, simulate: boolean): Promise<void> => {
      const { url } = hull.publishExtract({ content: ndjson([row]), format: "json" });
      const at = { ...fixture, baseUrl: `${baseUrl}/payroll` };
      const answer = await announce(at, url, { simulate, verbose: true, connector: CONNECTOR });
      const { run = "" } = (await answer.json()) as { run?: string };
      expect(await fixture.ended(run)).toMatchObject({ state: "success", done: 1 });
      await ask(`/payroll/api/internal/runs/${run}?${queryOf({ org: hull.host })}`, { headers: own });
    },
    /** @param force as when a person asks for it */
    fetch: async (force?: "1"): Promise<void> => {
      const query = { organization: hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret, force };
      const { run } = (await ask(`/payroll/fetch/users?${queryOf(query)}`)) as { run?: string };
      expect(await fixture.ended(run ?? "")).toMatchObject({ state: "success" });
    },
    /** The one dead letter, as its connector and whoever runs the server see it. */
    deadLetter: async (): Promise<{ readonly id: string; readonly shown: readonly Bag[] }> => {
      const { dead_letters: list } = await ask(`/payroll/api/internal/dead-letters?${queryOf({ org: hull.host })}`, {
        headers: own,
      });
      const [{ id } = { id: "" }] = list as readonly { readonly id: string }[];
      const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
      await ask(`/payroll/console/dead-letters/${id}?${queryOf({ org: hull.host })}`, { headers: own });
      const shown = [
        await ask(`/payroll/api/internal/dead-letters/${id}?${queryOf({ org: hull.host })}`, { headers: own }),
        await ask(`/admin/dead-letters/${id}`, { headers: admin }),
      ];
      return { id, shown };
    },
    replay: async (id: string): Promise<void> => {
      const path = `/payroll/api/internal/dead-letters/${id}/replay?${queryOf({ org: hull.host })}`;
      await ask(path, { method: "POST", headers: own });
      await fixture.settled();
    },
  };
}

const employee = (number: number, more: Bag = {}, at = 0): unknown =>
  buildUserMessage(user(number, { code: `e-${number}`, indexed_at: minute(at), ...more }), {});

const learned = ({ hull }: Fixture, number: number): Bag => hull.profiles.users.get(user(number).id)?.attributes ?? {};

test("an unchanged one costs no call, a changed one is sent, and what goes alongside goes along", async () => {
  const { payroll, hear } = await openPayroll();
  await hear(employee(1, PRIVATE));
  await hear(employee(1, PRIVATE, 1));
  await hear(employee(1, { ...PRIVATE, ssn: SECRETS["next ssn"] }, 2));
  await hear(employee(1, { ...PRIVATE, ssn: SECRETS["next ssn"], salary: 1 }, 3));
  expect(payroll.calls.slice(1)).toEqual([
    `create emp-1 {"code":"e-1","name":"Person 1","ssn":"${SECRETS.ssn}","salary":${SECRETS.salary},"salary_since":"2026-01-01"}`,
    `update emp-1 {"ssn":"${SECRETS["next ssn"]}"}`,
    'update emp-1 {"salary":1,"salary_since":"2026-01-01"}',
  ]);
});

test("a dead letter keeps them, shows none, and is replayed with them", async () => {
  const { payroll, hear, deadLetter, replay } = await openPayroll();
  payroll.refusals.push("No.");
  await hear(employee(1, PRIVATE));
  const { id, shown } = await deadLetter();
  for (const { desired } of shown) expect(desired).toMatchObject({ fields: { ssn: "hidden", salary: "hidden" } });
  await replay(id);
  expect(payroll.employees.get("emp-1")).toMatchObject({ ssn: SECRETS.ssn, salary: PRIVATE.salary });
});

test("an explanation says that one would be sent, and not which", async () => {
  const { payroll, hear, explain } = await openPayroll();
  await hear(employee(1, PRIVATE));
  const calls = payroll.calls.length;
  const { records } = await explain(employee(1, { ...PRIVATE, ssn: SECRETS["next ssn"] }, 1));
  expect(records).toMatchObject([
    {
      mapped: { fields: { name: "Person 1", ssn: "hidden", salary: "hidden" } },
      fields: expect.arrayContaining([
        expect.objectContaining({ field: "ssn", value: "hidden", verdict: "send" }),
        expect.objectContaining({ field: "salary", value: "hidden", sent: "same" }),
      ]) as unknown,
      would: { outcome: "sent", code: "updated" },
      requests: [{ kind: "update", fields: { ssn: "hidden" } }],
    },
  ]);
  expect(payroll.calls).toHaveLength(calls);
});

test("no file, log line, answer or profile in Hull holds one after a day's work", async () => {
  const { fixture, payroll, answers, hear, explain, batch, fetch, deadLetter } = await openPayroll();
  await hear(employee(1, PRIVATE));
  await explain(employee(1, { ...PRIVATE, ssn: SECRETS["next ssn"] }, 1));
  await hear(employee(1, { ...PRIVATE, ssn: SECRETS["next ssn"] }, 1));
  payroll.refusals.push(`Somebody else has ${SECRETS.ssn} and earns ${SECRETS.salary}.`);
  await hear(employee(2, PRIVATE));
  await deadLetter();
  const row = { id: user(3).id, name: "Person 3", traits_code: "e-3", traits_ssn: SECRETS.ssn };
  await batch(row, true);
  await batch(row, false);
  await fetch();
  expect(learned(fixture, 1)).toMatchObject({ "payroll/id": "emp-1", "payroll/name": "Person 1" });
  expect(Object.keys(learned(fixture, 1)).filter((name) => /^payroll\/(ssn|salary)$/.test(name))).toEqual([]);
  const said = `${JSON.stringify(fixture.logs)}${answers.join("")}`;
  expect(Object.entries(SECRETS).filter(([, secret]) => said.includes(secret))).toEqual([]);
  const traces = await fixture.stopped(() => Promise.resolve(tracesIn(fixture.dataDir, SECRETS)));
  expect(traces).toEqual([]);
  // All of it was there to be found.
  expect(payroll.employees.size).toBe(2);
});

describe("a list that was read to its end", () => {
  test.each([
    ["may leave out records: it proves no absence", true as const],
    ["shows all records: what it does not show is missing", undefined],
  ])("and %s", async (_, partial) => {
    const { fixture, payroll, lane, hear, fetch } = await openPayroll();
    await hear(employee(1), employee(2));
    payroll.partial = partial;
    payroll.unlisted.add("emp-2");
    fixture.advance(5);
    await fetch("1");
    const [mirror] = await fixture.connector.store.mirrors(lane, "employees", ["emp-2"]);
    expect(mirror?.missing).toBe(partial === true ? undefined : true);
    expect(Object.keys(learned(fixture, 2)).includes("payroll/deleted_at")).toBe(partial !== true);
    // Whoever it did not show is looked for before they are made.
    payroll.calls.length = 0;
    await hear(employee(3));
    expect(payroll.calls.includes("find")).toBe(partial === true);
    expect(payroll.calls.at(-1)).toContain("create emp-3");
  });

  test("and leaves out most of what it showed before: nothing is wrong with one that says so", async () => {
    const { fixture, payroll, fetch } = await openPayroll();
    for (let number = 1; number <= 100; number += 1) payroll.employees.set(`emp-${number}`, { code: `e-${number}` });
    await fetch("1");
    payroll.partial = true;
    for (let number = 1; number <= 60; number += 1) payroll.unlisted.add(`emp-${number}`);
    fixture.advance(61);
    await fetch();
  });
});
