/** Changed credentials are tried, which takes a while: what happens meanwhile counts, and not what was found out before. */
import { account, minute, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();
const OTHER = "planhat-token-0002";

/** One person and his company, known on both sides; Planhat has another tenant, too. */
async function inStep(): Promise<Fixture> {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  fixture.planhat.addTenant(OTHER);
  return fixture;
}

/** New credentials, and something to deliver with them; the lane tries them, and has its first answer when it is released. */
async function tryHeld(fixture: Fixture, token: string): Promise<() => void> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let isAsked = false;
  fixture.planhat.on("request", async () => {
    if (isAsked) return;
    isAsked = true;
    await held;
  });
  await fixture.saveSettings({ personal_acccess_token: token });
  await fixture.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  await fixture.until(() => isAsked);
  return release;
}

const generation = async ({ connector, lane }: Fixture): Promise<number> =>
  (await connector.store.remote(lane.remote)).generation;

test("two who try them at once find out once", async () => {
  const fixture = await inStep();
  const release = await tryHeld(fixture, OTHER);
  expect(await fixture.fetch("accounts")).toMatchObject({ state: "success" });
  expect(await generation(fixture)).toBe(2);
  release();
  await fixture.settled();
  expect(await generation(fixture)).toBe(2);
  expect(fixture.planhat.snapshot(OTHER).endusers).toMatchObject([{ externalId: "person-1", position: "Director" }]);
});

test("the former ones that are back meanwhile keep all that is known", async () => {
  const fixture = await inStep();
  const release = await tryHeld(fixture, OTHER);
  await fixture.saveSettings({ personal_acccess_token: TOKEN });
  release();
  await fixture.settled();
  expect(await generation(fixture)).toBe(1);
  expect(fixture.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
  expect(fixture.planhat.snapshot(OTHER).endusers).toEqual([]);
});

test("wrong ones that were corrected meanwhile make nobody wait", async () => {
  const fixture = await inStep();
  const release = await tryHeld(fixture, "wrong-token");
  await fixture.saveSettings({ personal_acccess_token: TOKEN });
  release();
  await fixture.settled();
  expect(await fixture.connector.store.pauses(fixture.lane)).toEqual([]);
  expect(fixture.endusers()).toMatchObject([{ position: "Director" }]);
});

test("a connector that is forgotten when they have been tried leaves nothing behind, and no error", async () => {
  const fixture = await inStep();
  const { store } = fixture.connector;
  let forgotten: Promise<unknown> | undefined;
  // Whatever is about to be written down comes after it.
  for (const name of ["reassign", "newGeneration", "assign"] as const) {
    const write = store[name].bind(store) as (...given: unknown[]) => Promise<never>;
    jest.spyOn(store, name).mockImplementation(async (...given: unknown[]) => {
      forgotten ??= store.forgetTenant(fixture.tenantKey);
      await forgotten;
      return write(...given);
    });
  }
  const release = await tryHeld(fixture, OTHER);
  release();
  await fixture.until(() => forgotten !== undefined);
  await fixture.connector.deliveryWorker.idle();
  expect(await generation(fixture)).toBe(1);
  expect(await store.tenant(fixture.tenantKey)).toBeUndefined();
  expect(await store.remotesOf(fixture.tenantKey)).toEqual([]);
  expect(await store.pauses(fixture.lane)).toEqual([]);
});
