import { json } from "../http/loopback";
import { useOpenApi, type OpenApi } from "./open-api";

const { open, openAt } = useOpenApi();

const ANN = { subscriber_code: "E-1", first_name: "Ann", last_name: "Lee" };
const bodyOfLast = ({ calls }: OpenApi) => calls.at(-1)?.body;

describe("several subscribers in one call", () => {
  const wrapped = {
    array: [{ id: "E-1", last_name: "Stone" }],
    subscribers: { subscribers: [{ id: "E-1", last_name: "Stone" }] },
  };

  test.each(["array", "subscribers"] as const)(
    "are sent in the wrapper that PlanSource takes: %s",
    async (bulkWrapper) => {
      const fixture = await open({ switches: { bulkWrapper } });
      fixture.sim.organization().seed(ANN);
      const first = await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
      expect(first.data).toMatchObject({ valid_count: 1, failed_count: 0 });
      expect(bodyOfLast(fixture)).toEqual(wrapped[bulkWrapper]);
      const before = fixture.calls.length;
      await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
      // Remembered, so it is tried first.
      expect(fixture.calls.slice(before).map(({ body }) => body)).toEqual([wrapped[bulkWrapper]]);
    },
  );

  test("are unwrapped if PlanSource wants it after all", async () => {
    const fixture = await open({ switches: { bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    await fixture.rest().bulk([{ id: "E-1", last_name: "Stone" }]);
    fixture.sim.configure({ bulkWrapper: "array" });
    await fixture.rest().bulk([{ id: "E-1", last_name: "Lee" }]);
    expect(fixture.sim.snapshot()[0]?.fields["last_name"]).toBe("Lee");
  });

  test("are not sent in another wrapper because a row was refused", async () => {
    const fixture = await open({ switches: { bulkFailure: "all" } });
    fixture.sim.organization().seed(ANN);
    const refused = fixture.rest().bulk([{ id: "E-1", gender: "X" }]);
    await expect(refused).rejects.toMatchObject({ status: 400 });
    expect(fixture.routes().filter((route) => route === "PUT /subscribers")).toHaveLength(1);
  });

  test("that are refused in the second wrapper are refused for their rows, and the wrapper is remembered", async () => {
    const fixture = await open({ switches: { bulkFailure: "all", bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    const error: unknown = await fixture
      .rest()
      .bulk([{ id: "E-1", gender: "X" }])
      .catch((caught: unknown) => caught);
    expect(JSON.stringify(error)).toContain("Invalid value for gender");
    await fixture.rest().bulk([{ id: "E-1", gender: "F" }]);
    expect(fixture.routes().filter((route) => route === "PUT /subscribers")).toHaveLength(3);
  });

  test("keep what stands beside them in a wrapper", async () => {
    const fixture = await open({ switches: { bulkWrapper: "subscribers" } });
    fixture.sim.organization().seed(ANN);
    await fixture.rest().bulk({ subscribers: [{ id: "E-1", last_name: "Stone" }], note: "x" });
    expect(bodyOfLast(fixture)).toEqual({ ...wrapped.subscribers, note: "x" });
  });

  test("that failed in part are an answer, even if it calls itself a failure", async () => {
    const data = { valid_count: 1, failed_count: 1, failed_rows: [{ id: "E-2" }] };
    const fixture = await openAt((_request, response) => json(response, 200, { status: "failure", errors: [], data }));
    expect((await fixture.rest().bulk([{ id: "E-1" }, { id: "E-2" }])).data).toEqual(data);
  });
});
