/** The lists of properties that Hull's dashboard reads while PlanningPME's connector is set up. */
import { usePlanningPme, type PlanningPmeFixture } from "../../fixture/planningpme";
import { bag, list } from "../../fixture/states";
import { askAsHull } from "./asking";

const open = usePlanningPme();

describe("the lists of properties", () => {
  const optionsOf = async (opened: PlanningPmeFixture, name: string) => {
    const { status, body } = await askAsHull(opened, `GET /schema/${name}`);
    expect(status).toBe(200);
    return { ...body, values: list(body["options"]).map((each) => bag(each)["value"]) };
  };

  test("show those of the templates that the settings name", async () => {
    const opened = await open({ settings: { customer_template: "dossier-import" } });
    const customer = await optionsOf(opened, "customer_properties");
    expect(customer.values).toEqual(["Nom usage", "Téléphone mobile", "Email", "ID_DOSSIER"]);
    const project = await optionsOf(opened, "project_properties");
    expect(project.values).toEqual(["ID", "Name", "Remark", "Start", "End"]);
  });

  test.each(["properties", "types"] as const)("read them described as %s", async (templateDescription) => {
    const opened = await open({ planningpme: { switches: { templateDescription } } });
    expect((await optionsOf(opened, "customer_properties")).values).toContain("City");
  });

  test("are empty where PlanningPME does not name them, which is no trouble", async () => {
    const opened = await open({ planningpme: { switches: { templateDescription: "none" } } });
    expect(await optionsOf(opened, "customer_properties")).toMatchObject({ ok: true, error: null, values: [] });
  });

  test("are empty where PlanningPME cannot be asked, and say why", async () => {
    const opened = await open();
    opened.planningpme.faults.add({ kind: "status", status: 500 });
    const reason = expect.stringContaining("500") as string;
    expect(await optionsOf(opened, "customer_properties")).toMatchObject({ ok: true, error: reason, values: [] });
  });

  test("are the only ones", async () => {
    const opened = await open();
    for (const name of ["customers", "customer_properties/incoming", "account_exports"]) {
      expect(await optionsOf(opened, name)).toMatchObject({ ok: false, error: expect.any(String) as string });
    }
  });
});
