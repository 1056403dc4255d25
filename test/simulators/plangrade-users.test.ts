import type { PlangradeSimulator } from "../../simulators/plangrade";
import { APPLICATION, callsOf, openPlangrade, send, type Form } from "./plangrade-calls";

let sim: PlangradeSimulator;
let call: ReturnType<typeof callsOf>["call"];
beforeEach(async () => {
  ({ sim } = await openPlangrade());
  ({ call } = callsOf(sim));
});
afterEach(() => sim.close());

const make = (form: Form) => send(sim, "POST", "/api/v1/users", form);
const bo = { name: "Bo", email: "bo@example.com" };

it("a user is made with key and secret of the application, and may grant at once", async () => {
  expect(await make({ ...APPLICATION, ...bo })).toMatchObject({ status: 201, body: { id: 1_002 } });
  const { call: callAsBo } = callsOf(sim, sim.grant(1_002).accessToken);
  expect((await callAsBo("GET", "/me")).body).toEqual({ id: 1_002, ...bo });
});

it("a user needs the secret, or nothing", async () => {
  const { status, headers } = await make({ ...APPLICATION, ...bo, client_secret: "x" });
  expect([status, headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("invalid_client")]);
  sim.configure({ userCredentials: "not-needed" });
  expect((await make(bo)).status).toBe(201);
});

it.each([
  [{ name: "Bo" }, "Email can't be blank"],
  [{ name: "Bo", email: "bo" }, "Email is invalid"],
  [{ name: "", email: "bo@example.com" }, "Name can't be blank"],
  [{ name: "Bo", email: "OLIVE@example.com" }, "Email has already been taken"],
])("a user is not made of %j", async (form, text) => {
  expect(await make({ ...APPLICATION, ...form })).toMatchObject({ status: 400, body: [text] });
});

it("a user is found under /me and by id, or not", async () => {
  const user = { id: 1_001, name: "Olive Operator", email: "olive@example.com" };
  const read = async (path: string) => (await call("GET", path)).body;
  expect([await read("/me"), await read("/me.json"), await read("/users/1001")]).toEqual([user, user, { user }]);
  sim.configure({ me: "wrapped", userRead: "missing" });
  expect([await read("/me.json"), await read("/users/1001")]).toEqual([{ user }, ["Not found"]]);
  sim.configure({ me: "missing" });
  expect((await call("GET", "/me")).status).toBe(404);
});

it("a user reaches nobody else", async () => {
  sim.records.seedUser(bo);
  expect((await call("GET", "/users/1002")).status).toBe(404);
  expect((await call("DELETE", "/users/1002")).status).toBe(404);
  sim.configure({ foreign: 403 });
  expect((await call("PUT", "/users/1002", bo)).status).toBe(403);
  expect((await call("GET", "/users/9")).status).toBe(404);
});

it("a user is changed with name and e-mail", async () => {
  expect((await call("PUT", "/users/1001", { name: "Olive" })).body).toEqual(["Email can't be blank"]);
  expect((await call("PUT", "/users/1001", bo)).body).toEqual({ user: { id: 1_001, ...bo } });
  expect(sim.books.snapshot().writes).toMatchObject([{ kind: "update", type: "user", changed: ["name", "email"] }]);
});

it("a user leaves the companies behind when deleted, and reaches nothing any more", async () => {
  const { id } = sim.records.seedCompany({ name: "Acme", ein: "1" });
  expect((await call("DELETE", "/users/1001")).status).toBe(204);
  expect(sim.snapshot()).toMatchObject({ users: [], companies: [{ id, managers: [] }] });
  expect((await call("GET", "/companies")).status).toBe(401);
});
