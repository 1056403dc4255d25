/** Changed credentials are tried, which takes a while: what happens meanwhile counts, and not what was found out before. */
import { TOKEN } from "../harness";
import { useFetching, type FetchStage } from "./fetching";
import { account, minute, user } from "./stage";

const open = useFetching();
const OTHER = "planhat-token-0002";

/** One person and his company, known on both sides; Planhat has another tenant, too. */
async function inStep(): Promise<FetchStage> {
  const stage = await open();
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  stage.planhat.addTenant(OTHER);
  return stage;
}

/** New credentials, and something to deliver with them; the lane tries them, and has its first answer when it is released. */
async function tryHeld(stage: FetchStage, token: string): Promise<() => void> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let isAsked = false;
  stage.planhat.on("request", async () => {
    if (isAsked) return;
    isAsked = true;
    await held;
  });
  await stage.saveSettings({ personal_acccess_token: token });
  await stage.tellUser(user(1, { position: "Director", indexed_at: minute(1) }), account(1));
  await stage.until(() => isAsked);
  return release;
}

const generation = async ({ connector, lane }: FetchStage): Promise<number> =>
  (await connector.store.remote(lane.remote)).generation;

test("two who try them at once find out once", async () => {
  const stage = await inStep();
  const release = await tryHeld(stage, OTHER);
  expect(await stage.fetch("accounts")).toMatchObject({ state: "success" });
  expect(await generation(stage)).toBe(2);
  release();
  await stage.settled();
  expect(await generation(stage)).toBe(2);
  expect(stage.planhat.snapshot(OTHER).endusers).toMatchObject([{ externalId: "person-1", position: "Director" }]);
});

test("the former ones that are back meanwhile keep all that is known", async () => {
  const stage = await inStep();
  const release = await tryHeld(stage, OTHER);
  await stage.saveSettings({ personal_acccess_token: TOKEN });
  release();
  await stage.settled();
  expect(await generation(stage)).toBe(1);
  expect(stage.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as unknown, position: "Director" });
  expect(stage.planhat.snapshot(OTHER).endusers).toEqual([]);
});

test("wrong ones that were corrected meanwhile make nobody wait", async () => {
  const stage = await inStep();
  const release = await tryHeld(stage, "wrong-token");
  await stage.saveSettings({ personal_acccess_token: TOKEN });
  release();
  await stage.settled();
  expect(await stage.connector.store.pauses(stage.lane)).toEqual([]);
  expect(stage.endusers()).toMatchObject([{ position: "Director" }]);
});

test("a connector that is forgotten when they have been tried leaves nothing behind, and no error", async () => {
  const stage = await inStep();
  const { store } = stage.connector;
  let forgotten: Promise<unknown> | undefined;
  // Whatever is about to be written down comes after it.
  for (const name of ["reassign", "newGeneration", "assign"] as const) {
    const write = store[name].bind(store) as (...given: unknown[]) => Promise<never>;
    jest.spyOn(store, name).mockImplementation(async (...given: unknown[]) => {
      forgotten ??= store.forgetTenant(stage.tenantKey);
      await forgotten;
      return write(...given);
    });
  }
  const release = await tryHeld(stage, OTHER);
  release();
  await stage.until(() => forgotten !== undefined);
  await stage.connector.lanes.idle();
  expect(await generation(stage)).toBe(1);
  expect(await store.tenant(stage.tenantKey)).toBeUndefined();
  expect(await store.remotesOf(stage.tenantKey)).toEqual([]);
  expect(await store.pauses(stage.lane)).toEqual([]);
});
