/** The list of fields that Hull's dashboard reads while PlanSource's connector is set up. */
import { usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import { list, bag } from "../../fixture/states";
import { send } from "../asking";
import { askAsHull } from "./asking";

const open = usePlanSource();
const get = ({ fixture }: PlanSourceFixture, path: string) => send(fixture.baseUrl, `/plansource${path}`);

describe("the list of fields", () => {
  const optionsOf = async (opened: PlanSourceFixture, path = "GET /schema/subscribers") => {
    const { status, body } = await askAsHull(opened, path);
    expect(status).toBe(200);
    return { ...body, labels: new Map(list(body["options"]).map((each) => [bag(each)["value"], bag(each)["label"]])) };
  };

  test("shows what the client requires and allows", async () => {
    const opened = await open();
    opened.plansource.organization().meta.set("division", { required: true });
    opened.plansource.organization().meta.set("birthdate", { update: false });
    const { labels } = await optionsOf(opened);
    expect(labels.get("division")).toBe("Division (required; allowed: HQ (Head Office), FLD (Field))");
    expect(labels.get("birthdate")).toBe("Birthdate (only of new employees)");
    expect(labels.get("gender")).toBe("Gender (allowed: M (Male), F (Female))");
    expect(labels.get("ssn")).toBe("Ssn (sent only, never shown)");
    for (const fixed of ["id", "employment_status", "termination_date"]) expect(labels.has(fixed)).toBe(false);
  });

  test("has the fields alone where PlanSource does not say more, and says why", async () => {
    const opened = await open();
    opened.plansource.faults.add({ kind: "status", status: 500 });
    const { labels, ...answer } = await optionsOf(opened);
    expect(answer).toMatchObject({ ok: true, error: expect.stringContaining("500") as string });
    expect(labels.get("gender")).toBe("Gender");
    const { body } = await get(opened, "/schema/subscribers");
    expect([body["error"], list(body["options"]).length]).toEqual([null, labels.size]);
  });

  test("is the only one", async () => {
    const opened = await open();
    for (const path of ["GET /schema/contacts", "GET /schema/subscribers/incoming"]) {
      expect(await optionsOf(opened, path)).toMatchObject({ ok: false, error: expect.any(String) as string });
    }
  });
});
