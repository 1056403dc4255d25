/**
 * An operation wrote to PlanSource, then Hull speaks of the same person: what is remembered is read again first, so that
 * nothing is reverted, and nobody is terminated, rehired or created by mistake.
 */
import { about, employee, hire, LIFE_CYCLE_SETTINGS, mapping } from "../../fixture/employees";
import { minute } from "../../fixture/fixture";
import { usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import type { Bag } from "../../fixture/settings";
import { operate } from "./asking";

const open = usePlanSource({
  settings: { ...LIFE_CYCLE_SETTINGS, subscriber_attributes_outbound: mapping("city", "hire_date") },
});

const AUSTIN = { city: "Austin", hire_date: "2024-03-01" };
const READ = "GET /subscriber/:id";
const UPDATE = "PUT /subscriber/:id";

/** Robin is in PlanSource, and what Hull says of them was delivered. */
async function openWithRobin(more: Bag = {}): Promise<PlanSourceFixture & { readonly id: string }> {
  const opened = await open();
  const { id } = hire(opened.plansource.organization(), employee(1), AUSTIN);
  await opened.deliver(about([employee(1, { ...AUSTIN, ...more })]));
  (opened.calls as unknown[]).length = 0;
  return Object.assign(opened, { id: String(id) });
}
const robin = ({ plansource }: PlanSourceFixture) => plansource.organization().byCode("emp-1");
const routes = ({ calls }: PlanSourceFixture) => calls.map(({ route }) => route);

let minutes = 0;
/** Hull speaks of Robin; the calls that it led to, the bodies of writes included. */
async function hear(opened: PlanSourceFixture, more: Bag = {}): Promise<readonly (readonly [string, unknown])[]> {
  const before = opened.calls.length;
  await opened.deliver(about([employee(1, { ...AUSTIN, ...more, indexed_at: minute((minutes += 1)) })]));
  return opened.calls.slice(before).map(({ route, body }) => [route, body]);
}

type Operated = readonly [about: string, call: string, body: object, route: string];
const BOSTON = { city: "Boston" };
const raw = (method: string, endpoint: string, body: unknown, query: Bag = {}) => ({ method, endpoint, body, query });
const BY_CODE = { is_custom_id: "true" };
/** `:id` stands for Robin's id in PlanSource. */
const WRITES: readonly Operated[] = [
  ["an update", "PUT /subscribers/emp-1", BOSTON, UPDATE],
  ["an update by PlanSource's id", "PUT /subscribers/:id?is_custom_id=false", BOSTON, UPDATE],
  ["a bulk update", "PUT /subscribers", [{ id: "emp-1", ...BOSTON }], "PUT /subscribers"],
  ["a raw PUT by code", "POST /request", raw("PUT", "/subscriber/emp-1", BOSTON, BY_CODE), UPDATE],
  ["a raw PUT by id", "POST /request", raw("PUT", "/subscriber/:id", BOSTON), UPDATE],
  [
    "a raw PUT of several",
    "POST /request",
    raw("PUT", "/subscribers", [{ id: "emp-1", ...BOSTON }], BY_CODE),
    "PUT /subscribers",
  ],
];

function call(opened: PlanSourceFixture & { readonly id: string }, [, path, body]: Operated) {
  const [address = "", query = ""] = path.replace(":id", opened.id).split("?");
  const sent: unknown = JSON.parse(JSON.stringify(body).replace(":id", opened.id));
  return operate(opened, address, { body: sent, query: Object.fromEntries(new URLSearchParams(query)) });
}

describe.each(WRITES)("after %s", (...write) => {
  test("the difference is computed from what was read, and nothing is reverted", async () => {
    const opened = await openWithRobin();
    expect((await call(opened, write)).status).toBe(200);
    expect(await hear(opened, { last_name: "Stone" })).toEqual([
      [READ, undefined],
      [UPDATE, { last_name: "Stone" }],
    ]);
    expect(robin(opened)?.fields).toMatchObject({ last_name: "Stone", ...BOSTON });
    // Now it is known again.
    expect(await hear(opened, { last_name: "Moss" })).toEqual([[UPDATE, { last_name: "Moss" }]]);
  });

  test("what Hull says later and PlanSource has already is not sent", async () => {
    const opened = await openWithRobin();
    await call(opened, write);
    expect(await hear(opened, BOSTON)).toEqual([[READ, undefined]]);
    expect(await opened.outcomes()).toMatchObject({ "subscribers/unchanged/in_sync": 2 });
  });

  test("whose answer was lost it is the same", async () => {
    const opened = await openWithRobin();
    const [, , , route] = write;
    opened.plansource.faults.add({ kind: "reset-after", route });
    expect((await call(opened, write)).status).toBe(502);
    opened.plansource.faults.clear();
    expect(robin(opened)?.fields).toMatchObject(BOSTON);
    expect(await hear(opened, { last_name: "Stone" })).toEqual([
      [READ, undefined],
      [UPDATE, { last_name: "Stone" }],
    ]);
    expect(robin(opened)?.fields).toMatchObject({ last_name: "Stone", ...BOSTON });
  });
});

describe("a call that changes nothing marks nothing:", () => {
  test.each<readonly [string, object | undefined]>([
    ["GET /subscribers", undefined],
    ["GET /subscribers/meta", undefined],
    ["GET /subscribers/emp-1", undefined],
    ["GET /beneficiaries", undefined],
    ["POST /request", raw("GET", "/subscriber/emp-1", undefined, BY_CODE)],
    // Refused here, and by PlanSource.
    ["PUT /subscribers/emp-1", {}],
    ["PUT /subscribers/emp-1", { gender: "X" }],
    ["POST /request", raw("PUT", "/subscriber/emp-1", { gender: "X" }, BY_CODE)],
  ])("%s %j", async (path, body) => {
    const opened = await openWithRobin();
    await operate(opened, path, { body });
    expect(await hear(opened, { last_name: "Stone" })).toEqual([[UPDATE, { last_name: "Stone" }]]);
  });
});

const LEAVE = { termination_reason: "QUIT", termination_date: "2025-06-30" };
const terminate = (opened: PlanSourceFixture) => operate(opened, "PUT /subscribers/emp-1/terminate", { body: LEAVE });
const rehire = (opened: PlanSourceFixture, rehire_date: string) =>
  operate(opened, "PUT /subscribers/emp-1/rehire", { body: { rehire_date } });

describe("somebody whom an operation terminated", () => {
  test.each<readonly [string, Bag, boolean]>([
    ["is not rehired because Hull says nothing of it", { last_name: "Stone" }, true],
    ["is not terminated again by the same day in Hull", { left_on: "2025-06-30", left_because: "QUIT" }, false],
    ["is not terminated again by another day in Hull", { left_on: "2025-07-31", left_because: "FIRED" }, false],
    ["is not rehired by an earlier rehire in Hull", { back_on: "2025-01-01" }, false],
  ])("%s", async (_name, said, isWritten) => {
    const opened = await openWithRobin();
    await terminate(opened);
    const reads = [READ, undefined] as const;
    expect(await hear(opened, said)).toEqual(isWritten ? [reads, [UPDATE, said]] : [reads]);
    expect(robin(opened)).toMatchObject({ status: "terminated", fields: { termination_date: "2025-06-30" } });
  });

  test("is rehired by a later rehire in Hull, once", async () => {
    const opened = await openWithRobin();
    await terminate(opened);
    const said = { back_on: "2025-09-01" };
    expect(await hear(opened, said)).toEqual([
      [READ, undefined],
      ["PUT /subscriber/:id/rehire", { rehire_date: "2025-09-01" }],
    ]);
    expect(await hear(opened, said)).toEqual([]);
  });

  test("is left to PlanSource where it takes no updates of the terminated", async () => {
    const opened = await openWithRobin();
    opened.plansource.configure({ terminatedUpdate: "refused" });
    await terminate(opened);
    await hear(opened, { last_name: "Stone" });
    expect(robin(opened)).toMatchObject({ status: "terminated", fields: { last_name: "Marsh 1" } });
    expect(await opened.outcomes()).toMatchObject({ "subscribers/rejected/refused": 1 });
  });

  test("is not taken for an active one when the answer was lost", async () => {
    const opened = await openWithRobin();
    opened.plansource.faults.add({ kind: "reset-after", route: "PUT /subscriber/:id/terminate" });
    expect((await terminate(opened)).status).toBe(502);
    opened.plansource.faults.clear();
    expect(await hear(opened, { left_on: "2025-07-31", left_because: "FIRED" })).toEqual([[READ, undefined]]);
    expect(robin(opened)?.fields).toMatchObject(LEAVE);
  });
});

describe("somebody whom an operation rehired", () => {
  const LEFT = { left_on: "2025-06-30", left_because: "QUIT" };

  test("is not terminated again by the old day in Hull, and keeps the new hire date", async () => {
    const opened = await openWithRobin(LEFT);
    expect(robin(opened)?.status).toBe("terminated");
    await rehire(opened, "2025-09-01");
    expect(await hear(opened, { ...LEFT, last_name: "Stone" })).toEqual([
      [READ, undefined],
      [UPDATE, { last_name: "Stone" }],
    ]);
    expect(robin(opened)).toMatchObject({
      status: "active",
      fields: { hire_date: "2025-09-01", original_hire_date: "2024-03-01" },
    });
  });

  test("is terminated by a later day in Hull", async () => {
    const opened = await openWithRobin(LEFT);
    await rehire(opened, "2025-09-01");
    const again = { left_on: "2025-12-31", left_because: "QUIT" };
    expect((await hear(opened, again)).map(([route]) => route)).toEqual([READ, "PUT /subscriber/:id/terminate"]);
  });
});

describe("somebody whom an operation created is found and not created again,", () => {
  const CREATED = { subscriber_code: "emp-7", first_name: "Robin", last_name: "Marsh 7" };
  const LOST = { kind: "reset-after", route: "POST /subscriber" } as const;

  /** Afterwards it is certain that there is nobody else: the list shows those who have left, too. */
  async function fetchAll(opened: PlanSourceFixture): Promise<void> {
    const organization = opened.plansource.organization();
    for (const each of [1, 2]) hire(organization, employee(each));
    organization.seed({ subscriber_code: "emp-3", termination_date: "2024-01-31" }, "terminated");
    await opened.fetch();
    await opened.fixture.settled();
  }

  test.each<readonly [string, string, object, boolean]>([
    ["by its own operation", "POST /subscribers", CREATED, false],
    ["by its own operation, whose answer was lost", "POST /subscribers", CREATED, true],
    ["by a raw request", "POST /request", raw("POST", "/subscriber", CREATED), false],
    ["by a raw request, whose answer was lost", "POST /request", raw("POST", "/subscriber", CREATED), true],
    [
      "by an update that gave somebody the code",
      "PUT /subscribers/emp-2",
      { subscriber_code: "emp-7", last_name: "Marsh 7" },
      false,
    ],
    [
      "by a bulk update that gave somebody the code",
      "PUT /subscribers",
      [{ id: "emp-2", subscriber_code: "emp-7", last_name: "Marsh 7" }],
      false,
    ],
    [
      "by a raw request that gave somebody the code",
      "POST /request",
      raw("PUT", "/subscriber/emp-2", { subscriber_code: "emp-7", last_name: "Marsh 7" }, BY_CODE),
      false,
    ],
  ])("%s", async (_name, path, body, isLost) => {
    const opened = await open();
    const { plansource } = opened;
    await fetchAll(opened);
    if (isLost) plansource.faults.add(LOST);
    expect((await operate(opened, path, { body })).status).toBe(isLost ? 502 : 200);
    plansource.faults.clear();
    const before = opened.calls.length;
    await opened.deliver(about([employee(7, { indexed_at: minute((minutes += 1)) })]));
    expect(routes(opened).slice(before)).toEqual(expect.not.arrayContaining(["POST /subscriber"]));
    const codes = plansource.snapshot().map(({ fields }) => fields["subscriber_code"]);
    expect(codes.filter((code) => code === "emp-7")).toHaveLength(1);
    expect(await opened.outcomes()).toMatchObject({ "subscribers/sent/updated": 1 });
  });

  test("by an operation whose answer was lost, with a code that is somebody else's id", async () => {
    const opened = await open();
    await fetchAll(opened);
    const { plansource } = opened;
    const code = String(plansource.snapshot()[0]?.id);
    plansource.faults.add(LOST);
    const body = { ...CREATED, subscriber_code: code };
    expect((await operate(opened, "POST /subscribers", { body })).status).toBe(502);
    plansource.faults.clear();
    await opened.deliver(about([employee(7, { external_id: code, indexed_at: minute((minutes += 1)) })]));
    const codes = plansource.snapshot().map(({ fields }) => fields["subscriber_code"]);
    expect(codes.filter((each) => each === code)).toHaveLength(1);
  });

  test("and without an operation the fetch's proof is believed", async () => {
    const opened = await open();
    await fetchAll(opened);
    const before = opened.calls.length;
    await opened.deliver(about([employee(7)]));
    expect(routes(opened).slice(before)).toEqual(["POST /subscriber"]);
  });
});
