import { createManualClock } from "../../simulators/loopback";
import { createPlanSourceSimulator, type PlanSourceSimulator } from "../../simulators/plansource";
import { bearerOf, call } from "./plansource-calls";

let sim: PlanSourceSimulator;
let bearer: string;
beforeEach(async () => {
  sim = createPlanSourceSimulator({ clock: createManualClock(), maxBulkRows: 3 });
  await sim.listen();
  bearer = await bearerOf(sim);
  for (const code of ["E-1", "E-2"])
    sim.organization().seed({ subscriber_code: code, first_name: "A", last_name: "B" });
});
afterEach(() => sim.close());

const put = (body: unknown, path = "/subscribers?is_custom_id=true") => call(sim, bearer, "PUT", path, body);
const rows = [
  { id: "E-1", city: "Boston" },
  { id: "E-2", gender: "X" },
  { id: "E-9", city: "Austin" },
];
const cities = () => sim.snapshot().map(({ fields }) => fields["city"]);
const genderError = { message: "Invalid value for gender.  The valid values are M,F." };
const missingError = { http_status: 404, message: "No employee with id: E-9 found" };

describe("a bulk update", () => {
  it("writes the good rows, and tells of its rows in one of four ways", async () => {
    expect(await put(rows)).toMatchObject({
      status: 200,
      body: {
        data: {
          valid_count: 1,
          failed_count: 2,
          failed_rows: [
            { index: 1, id: "E-2", errors: [genderError] },
            { index: 2, id: "E-9", errors: [missingError] },
          ],
        },
      },
    });
    expect(cities()).toEqual(["Boston", undefined]);
    sim.configure({ bulkAnswer: "rows" });
    expect((await put(rows)).body).toMatchObject({
      data: [
        { id: "E-1", status: "success", errors: [] },
        { id: "E-2", status: "failure", errors: [genderError] },
        { id: "E-9", status: "failure", errors: [missingError] },
      ],
    });
    sim.configure({ bulkAnswer: "subscribers" });
    expect((await put(rows)).body).toMatchObject({
      errors: [
        { ...genderError, details: "id: E-2" },
        { ...missingError, details: "id: E-9" },
      ],
      data: [{ subscriber_code: "E-1", city: "Boston" }],
    });
    sim.configure({ bulkAnswer: "silent" });
    expect((await put(rows)).body).toEqual({ status: "success", errors: [], data: [] });
    expect(sim.books.snapshot()).toMatchObject({ bulkCalls: 4, bulkRows: 12, noOpWrites: 3 });
  });

  it("may be all or nothing", async () => {
    sim.configure({ bulkFailure: "all" });
    expect(await put(rows)).toMatchObject({ status: 400, body: { status: "failure", errors: [genderError] } });
    expect(cities()).toEqual([undefined, undefined]);
    expect(sim.books.snapshot().writes).toEqual([]);
    expect((await put(rows.slice(0, 1))).status).toBe(200);
  });

  it("takes one of two wrappers, and not too many rows", async () => {
    expect((await put({ subscribers: rows })).status).toBe(400);
    sim.configure({ bulkWrapper: "subscribers" });
    expect((await put({ subscribers: rows })).status).toBe(200);
    expect((await put(rows)).status).toBe(400);
    expect(await put({ subscribers: [...rows, ...rows] })).toMatchObject({
      status: 400,
      body: { errors: { message: "No more than 3 subscribers are allowed." } },
    });
  });

  it("terminates and rehires as well, by id", async () => {
    const ids = sim.snapshot().map(({ id }) => id);
    const leaving = { termination_reason: "QUIT", termination_date: "2026-01-31" };
    await put(
      ids.map((id) => ({ id, ...leaving })),
      "/subscribers/terminate",
    );
    await put([{ id: ids[0], rehire_date: "2026-02-28" }], "/subscribers/rehire");
    expect(sim.snapshot().map(({ status }) => status)).toEqual(["active", "terminated"]);
    expect(sim.books.snapshot().writes.map(({ kind }) => kind)).toEqual(["terminate", "terminate", "rehire"]);
  });
});
