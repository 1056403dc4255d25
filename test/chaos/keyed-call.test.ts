/** A call with an `Idempotency-Key` is made once, wherever in it the server is killed. */
import { basic, send, type Answer } from "../integration/asking";
import { PATH } from "../integration/users-api";
import { CONNECTOR } from "../fixture/settings";
import { useProcessFixtures } from "../fixture/process";

const fixtures = useProcessFixtures();

test("killed before Planhat acts, after it acted, and after the answer: no key creates two users", async () => {
  const fixture = await fixtures.open({ seed: 23 });
  const { hull, planhat, server } = fixture;
  let kill: "before" | "after" | undefined;
  let killed: Promise<unknown> | undefined;
  planhat.on("request", async ({ route }) => {
    if (route !== "POST /users" || kill !== "before") return;
    await (killed = fixtures.kill());
    throw new Error("Killed.");
  });
  planhat.on("applied", async ({ route }) => {
    if (route === "POST /users" && kill === "after") await (killed = fixtures.kill());
  });
  const create = (key: string): Promise<Answer> =>
    send(server.baseUrl, `${PATH}?org=${hull.host}`, {
      method: "POST",
      headers: { authorization: basic(CONNECTOR), "content-type": "application/json", "idempotency-key": key },
      body: { email: `${key}@rep.example`, firstName: key, lastName: "One" },
    });
  const createdUsers = (): readonly unknown[] => [...planhat.tenant().users.values()].map(({ email }) => email);

  for (kill of ["before", "after"] as const) {
    await expect(create(kill)).rejects.toThrow();
    await killed;
    await server.up();
    // Nobody knows what became of it, so it is not made again.
    expect(await create(kill)).toMatchObject({ status: 409, body: { error: { code: "call_in_progress" } } });
  }
  kill = undefined;
  const first = await create("answered");
  expect(first.status).toBe(200);
  await server.kill();
  await server.up();
  const again = await create("answered");
  expect([again.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([200, first.text, "true"]);

  expect(server.kills).toBe(3);
  expect(server.crashes).toEqual([]);
  expect(createdUsers()).toEqual(["after@rep.example", "answered@rep.example"]);
});
