/** Employees whom PlanSource refused: listed, shown, sent again once the cause is mended, and dropped. */
import { deadLetters } from "../../../server/cli/dead-letters";
import { tenants } from "../../../server/cli/tenants";
import { about, employee, hire, mapping } from "../../fixture/employees";
import { EMPLOYER, usePlanSource, type PlanSourceFixture } from "../../fixture/plansource";
import { bag, list } from "../../fixture/states";
import { basic, queryOf, send } from "../asking";
import { ask, operate } from "./asking";

const open = usePlanSource({ settings: { subscriber_attributes_outbound: mapping("ssn", "current_salary") } });
const SECRET = { ssn: "078-05-1120", current_salary: 71717.71 };
const VALUES = /078-?05-?1120|71717/;

/** Somebody else has the number of `emp-1`. */
async function openWithRefused() {
  const opened = await open();
  const other = hire(opened.plansource.organization(), employee(9), { ssn: SECRET.ssn });
  await opened.deliver(about([employee(1, SECRET)]));
  const [letter] = await listed(opened);
  return { opened, other, id: String(bag(letter)["id"]) };
}
const listed = async (opened: PlanSourceFixture) =>
  list((await operate(opened, "GET /dead-letters")).body["dead_letters"]);

test("one is listed and shown with its reason and remedy, without what is write-only", async () => {
  const { opened, id } = await openWithRefused();
  expect(await listed(opened)).toMatchObject([
    { id, type: "subscribers", hull_id: employee(1).id, name: "emp-1@example.com", code: "ssn_exists" },
  ]);
  const { status, body, text } = await operate(opened, `GET /dead-letters/${id}`);
  expect([status, body]).toMatchObject([
    200,
    {
      outcome: "rejected",
      text: expect.stringMatching(/^Another employee in PlanSource has this social security number/) as string,
      remedy: expect.stringMatching(/If it is the same person.*then replay the dead letter/) as string,
      desired: { fields: { first_name: "Robin", ssn: "hidden", current_salary: "hidden" } },
    },
  ]);
  expect(text).not.toMatch(VALUES);
});

test("one that is replayed after its cause was mended arrives with its write-only values, and closes", async () => {
  const { opened, other, id } = await openWithRefused();
  opened.plansource.organization().edit(other.id, { ssn: "219-09-9999" });
  expect((await operate(opened, `POST /dead-letters/${id}/replay`)).body).toMatchObject({ queued: 1 });
  await opened.fixture.settled();
  expect(opened.plansource.organization().byCode("emp-1")?.fields).toMatchObject(SECRET);
  expect(await listed(opened)).toEqual([]);
  expect(JSON.stringify(opened.fixture.logs)).not.toMatch(VALUES);
});

test("one that is replayed too early comes back", async () => {
  const { opened } = await openWithRefused();
  expect((await operate(opened, "POST /dead-letters/replay")).body).toMatchObject({ queued: 1 });
  await opened.fixture.settled();
  expect(await listed(opened)).toMatchObject([{ code: "ssn_exists" }]);
});

test("one that is dropped is no more, and nothing was sent", async () => {
  const { opened, id } = await openWithRefused();
  expect((await operate(opened, `DELETE /dead-letters/${id}`)).body).toMatchObject({ id });
  expect(await listed(opened)).toEqual([]);
  expect(opened.plansource.organization().byCode("emp-1")).toBeUndefined();
});

test("the console names the service, and shows outcomes and dead letters", async () => {
  const { opened, id } = await openWithRefused();
  await opened.deliver(about([employee(2)]));
  const { text, headers, status } = await ask(opened, "GET /console");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(text).toContain("<title>Console · Hull PlanSource connector</title>");
  const part = (anchor: string): string => {
    const [, found = ""] = new RegExp(`<section id="${anchor}"(.*?)</section>`, "s").exec(text) ?? [];
    return found
      .replaceAll("<wbr />", "")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ");
  };
  expect(part("status")).toContain("same social security number");
  expect(part("outcomes")).toMatch(/sent 1 .*created subscribers/);
  expect(part("letters")).toMatch(/emp-1@example\.com.*ssn_exists/);
  expect(part("backlog")).toMatch(/of 100,?000 a minute/);
  expect(text).toContain(`/plansource/console/letters/${id}`);
  expect(text).not.toMatch(VALUES);
  const page = await ask(opened, `GET /console/letters/${id}`);
  expect(page.text).toContain("If it is the same person");
  expect(page.text).toContain("hidden");
  expect(page.text).not.toMatch(VALUES);
});

test("the tools on the machine name the service", async () => {
  const { opened, id } = await openWithRefused();
  const { dataDir, hull, baseUrl } = opened.fixture;
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const terminal = { print, complain: print, environment: { DATA_DIR: dataDir }, width: 200 };
  for (const tool of [deadLetters, tenants]) expect(await tool(["list"], terminal)).toBe(0);
  expect(printed).toEqual([
    expect.stringMatching(`${id}  .* plansource  subscribers  emp-1@example.com  ssn_exists`),
    expect.stringMatching(`plansource/${hull.host}/${EMPLOYER.id}`),
  ]);
  expect(await deadLetters(["show", id], terminal)).toBe(0);
  expect(printed.join("\n")).not.toMatch(VALUES);
  // Planhat's log-in shows Planhat's letters alone.
  const foreign = await send(baseUrl, `/api/internal/dead-letters/${id}?${queryOf({ org: hull.host })}`, {
    headers: { authorization: basic(EMPLOYER) },
  });
  expect(foreign.status).toBe(404);
});
