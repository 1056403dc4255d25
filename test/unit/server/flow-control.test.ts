import fc from "fast-check";
import { ACKNOWLEDGED, NEXT, paced, RETRY, RETRY_LATER, SMALLER } from "../../../server/flow-control";

const LIMIT = 1_000;

test("a shallow outbox leaves the pace alone", () => {
  expect(paced(0, LIMIT)).toEqual(NEXT);
  expect(paced(LIMIT / 10 - 1, LIMIT)).toEqual(NEXT);
});

test("a deep outbox asks for less at a time and later", () => {
  expect(paced(500, LIMIT)).toEqual({ type: "next", size: 100, in: 2_500, in_time: 60_000 });
  expect(paced(LIMIT, LIMIT)).toEqual({ type: "next", size: 20, in: 5_000, in_time: 60_000 });
});

test("the deeper the outbox, the slower; never an error, never nothing", () => {
  fc.assert(
    fc.property(fc.nat(LIMIT), fc.nat(LIMIT), (one, other) => {
      const shallow = paced(Math.min(one, other), LIMIT);
      const deep = paced(Math.max(one, other), LIMIT);
      expect(deep.type).toBe("next");
      expect(deep.size).toBeLessThanOrEqual(shallow.size);
      expect(deep.size).toBeGreaterThanOrEqual(20);
      expect(deep.in).toBeGreaterThanOrEqual(shallow.in);
    }),
  );
});

test("whatever was not taken is asked for again", () => {
  for (const answer of [RETRY, RETRY_LATER, SMALLER]) expect(answer.type).toBe("retry");
  expect(RETRY_LATER.in).toBeGreaterThan(RETRY.in);
  expect(SMALLER.size).toBe(1);
  expect(ACKNOWLEDGED.type).toBe("next");
});
