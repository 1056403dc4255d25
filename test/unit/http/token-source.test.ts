import { classify, RemoteError } from "../../../src/http/errors";
import { createTokenSource, type AccessToken, type TokenSourceOptions } from "../../../src/http/token-source";
import { createFakeTime } from "./fake-time";

const LIFE_MS = 300_000;

/** A service that hands out numbered tokens, or what `answer` says. */
function setUp(options: Partial<TokenSourceOptions> = {}, answer: Partial<AccessToken> = {}) {
  const time = createFakeTime();
  const asked: number[] = [];
  const fetchToken = jest.fn((nowMs: number) => Promise.resolve({ value: `t${asked.push(nowMs)}`, ...answer }));
  const source = createTokenSource({ fetchToken, lifeMs: LIFE_MS, now: time.clock, ...options });
  const bearer = async () => (await source.headers())["authorization"];
  return { time, asked, fetchToken, source, bearer };
}

const refusal = (status: number, serverTimeMs?: number) =>
  new RemoteError({ system: "s", method: "POST", route: "/t", ...classify(status, {}, 0), status, serverTimeMs });

describe("one token for all calls", () => {
  it("is used for four fifths of its life, and then replaced", async () => {
    const { time, bearer } = setUp();
    expect(await bearer()).toBe("Bearer t1");
    await time.advance(239_999);
    expect(await bearer()).toBe("Bearer t1");
    await time.advance(1);
    expect(await bearer()).toBe("Bearer t2");
  });

  it.each([
    [100_000, 80_000],
    [900_000, 240_000],
  ])("that the service lets live for %i ms is used for %i ms", async (lifeMs, usedMs) => {
    const { time, bearer } = setUp({}, { lifeMs });
    await bearer();
    await time.advance(usedMs - 1);
    expect(await bearer()).toBe("Bearer t1");
    await time.advance(1);
    expect(await bearer()).toBe("Bearer t2");
  });

  it("ages from the moment it was asked for", async () => {
    const { time, asked, fetchToken, bearer } = setUp();
    fetchToken.mockImplementationOnce(async (nowMs) => {
      await time.advance(200_000);
      return { value: `t${asked.push(nowMs)}` };
    });
    await bearer();
    await time.advance(40_000);
    expect(await bearer()).toBe("Bearer t2");
  });

  it("is asked for once by many calls at a time", async () => {
    const { asked, bearer } = setUp();
    expect(await Promise.all([bearer(), bearer(), bearer()])).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
    expect(asked).toHaveLength(1);
  });

  it("is renewed once, however many calls it was refused to", async () => {
    const { source, asked, bearer } = setUp();
    const old = await source.headers();
    expect([source.renew(old), source.renew(old)]).toEqual([true, true]);
    expect(await bearer()).toBe("Bearer t2");
    // Refused late, when there is a newer one.
    expect(source.renew(old)).toBe(true);
    expect(await bearer()).toBe("Bearer t2");
    expect(asked).toHaveLength(2);
  });

  it("that cannot be had fails those who wait for it; the next call asks again", async () => {
    const { fetchToken, bearer } = setUp();
    fetchToken.mockRejectedValueOnce(refusal(503));
    const failed = await Promise.allSettled([bearer(), bearer()]);
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await bearer()).toBe("Bearer t1");
  });
});

it("a token for every call is asked for by every call", async () => {
  const { source, bearer } = setUp({ perCall: true });
  expect(await Promise.all([bearer(), bearer()])).toEqual(["Bearer t1", "Bearer t2"]);
  expect(source.renew({})).toBe(true);
  expect(await bearer()).toBe("Bearer t3");
});

describe("a clock that is wrong", () => {
  /** Refuses whoever is more than a minute off. */
  const strict = (asked: number[], theirs: () => number) => (nowMs: number) => {
    asked.push(nowMs);
    if (Math.abs(nowMs - theirs()) > 60_000) throw refusal(400, theirs());
    return Promise.resolve({ value: "t" });
  };

  it.each([-3_600_000, 3_600_000])("by %i ms is corrected by the service's time, and stays corrected", async (off) => {
    const time = createFakeTime();
    const asked: number[] = [];
    const theirs = () => time.clock() + off;
    const source = createTokenSource({ fetchToken: strict(asked, theirs), lifeMs: LIFE_MS, now: time.clock });
    await source.headers();
    expect(asked).toEqual([time.clock(), theirs()]);
    await time.advance(LIFE_MS);
    await source.headers();
    expect(asked).toEqual([theirs() - LIFE_MS - off, theirs() - LIFE_MS, theirs()]);
  });

  it("is corrected for all who asked before it was known", async () => {
    const time = createFakeTime();
    const asked: number[] = [];
    const fetchToken = strict(asked, () => time.clock() + 3_600_000);
    const later = async (nowMs: number) => Promise.resolve().then(() => fetchToken(nowMs));
    const source = createTokenSource({ fetchToken: later, lifeMs: LIFE_MS, perCall: true, now: time.clock });
    await Promise.all([source.headers(), source.headers()]);
    expect(asked).toHaveLength(4);
  });

  it.each([
    ["says no time", 400, undefined],
    ["shows our time", 401, 4_999],
    ["is no refusal", 503, 3_600_000],
  ])("is not why a token was refused when the answer %s", async (_name, status, off) => {
    const { time, fetchToken, bearer } = setUp();
    fetchToken.mockRejectedValueOnce(refusal(status, off === undefined ? undefined : time.clock() + off));
    await expect(bearer()).rejects.toThrow(`answered ${status}`);
    expect(fetchToken).toHaveBeenCalledTimes(1);
  });

  it("is corrected once: a second refusal is one", async () => {
    const { time, fetchToken, bearer } = setUp();
    fetchToken.mockRejectedValue(refusal(401, time.clock() + 3_600_000));
    await expect(bearer()).rejects.toThrow("answered 401");
    expect(fetchToken).toHaveBeenCalledTimes(2);
    await expect(bearer()).rejects.toThrow("answered 401");
    expect(fetchToken).toHaveBeenCalledTimes(3);
  });
});
