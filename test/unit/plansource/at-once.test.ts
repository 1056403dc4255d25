import { useOpenApi, type OpenApi } from "./open-api";

const { open } = useOpenApi();

describe("calls at once", () => {
  /** Keeps every call in the simulator until told otherwise; tokens pass, and so do strangers. */
  function holding({ sim }: OpenApi) {
    const held: (() => void)[] = [];
    sim.on("request", ({ headers }) =>
      headers.authorization === undefined ? undefined : new Promise<void>((resolve) => void held.push(resolve)),
    );
    return held;
  }
  /** Whatever was sent before has arrived by then. */
  async function settle({ sim }: OpenApi): Promise<void> {
    for (let n = 0; n < 3; n += 1) await (await fetch(`${sim.url}/admin/v2/organizations`)).text();
  }
  /** Lets out one after the other, each once all that may come have come. Answers how many were there at most. */
  async function drain(fixture: OpenApi, held: (() => void)[], atOnce: number, total: number): Promise<number> {
    let most = 0;
    for (let left = total; left > 0; left -= 1) {
      while (held.length < Math.min(atOnce, left)) await settle(fixture);
      await settle(fixture);
      most = Math.max(most, held.length);
      held.shift()?.();
    }
    return most;
  }

  test.each([1, 2, 3])("are never more than the settings allow: %i, whoever makes them", async (atOnce) => {
    const fixture = await open({ settings: { concurrent_requests: atOnce } });
    const held = holding(fixture);
    const [delivery, other] = [fixture.rest(), fixture.rest()];
    const work = Promise.all([
      ...Array.from({ length: 4 }, () => delivery.page(1)),
      ...Array.from({ length: 4 }, () => other.meta()),
    ]);
    expect(await drain(fixture, held, atOnce, 8)).toBe(atOnce);
    await work;
    expect(fixture.sim.books.snapshot().mostAtOnce).toBe(atOnce);
  });

  test("go on when one of them fails, and when a waiting one is given up", async () => {
    const fixture = await open({ settings: { concurrent_requests: 1 } });
    const held = holding(fixture);
    const given = fixture.api();
    const first = fixture.rest().one("E-9");
    while (held.length === 0) await settle(fixture);
    const second = given.request({ method: "GET", route: "/organizations" });
    const third = fixture.rest().page(1);
    given.close();
    await expect(second).rejects.toMatchObject({ applied: "no" });
    held.shift()?.();
    expect(await first).toBeUndefined();
    expect(await drain(fixture, held, 1, 1)).toBe(1);
    expect(await third).toEqual([]);
  });
});
