/** Who is terminated and who is rehired, by the order of days. */
import fc from "fast-check";
import {
  alreadyLeft,
  nextStep,
  standingOf,
  wantedStep,
  type KnownStanding,
  type Step,
  type Wishes,
} from "../../../src/services/plansource/rules/life-cycle";

const [D1, D2, D3, D4] = ["2023-12-31", "2024-01-01", "2024-02-01", "2025-01-01"] as const;

const active = (hireDate?: string, terminationDate?: string): KnownStanding => ({
  standing: "active",
  hireDate,
  terminationDate,
});
const ended = (terminationDate?: string): KnownStanding => ({ standing: "ended", hireDate: D1, terminationDate });
const byHand = (terminationDate?: string): KnownStanding => ({ standing: "by_hand", hireDate: D2, terminationDate });

describe("the next step", () => {
  it.each<[string, Wishes, KnownStanding, Step | undefined]>([
    ["nothing is wished for somebody active", {}, active(D1), undefined],
    ["nothing is wished for somebody who left", {}, ended(D2), undefined],

    ["the termination is later than the hire", { termination: D2 }, active(D1), "end"],
    ["the termination is on the day of the hire", { termination: D1 }, active(D1), undefined],
    ["the termination is older than the hire", { termination: D1 }, active(D2), undefined],
    ["the hire is unknown", { termination: D1 }, active(), "end"],
    ["the termination stands in the record of somebody active", { termination: D3 }, active(D1, D3), undefined],
    ["the termination replaces another in the record", { termination: D4 }, active(D1, D3), "end"],
    ["whoever left is terminated again", { termination: D3 }, ended(D2), undefined],

    ["the rehire is later than the termination", { rehire: D3 }, ended(D2), "restart"],
    ["the rehire is on the day of the termination", { rehire: D2 }, ended(D2), undefined],
    ["the rehire is older than the termination", { rehire: D1 }, ended(D2), undefined],
    ["the day of the termination is not shown", { rehire: D3 }, ended(), "restart"],
    ["the rehire was done, and the day of the termination is not shown", { rehire: D1 }, ended(), undefined],
    ["somebody active is rehired", { rehire: D3 }, active(D1), undefined],

    ["the rehire is the later one, of somebody active", { termination: D2, rehire: D3 }, active(D1), undefined],
    ["the rehire is the later one", { termination: D2, rehire: D3 }, ended(D2), "restart"],
    ["the termination is the later one, of somebody active", { termination: D3, rehire: D2 }, active(D1), "end"],
    ["the termination is the later one", { termination: D4, rehire: D3 }, ended(D2), "restart"],
    ["both are on one day, of somebody active", { termination: D3, rehire: D3 }, active(D1), undefined],
    ["both are on one day", { termination: D3, rehire: D3 }, ended(D2), "restart"],
    ["the later termination is done, and its day not shown", { termination: D4, rehire: D3 }, ended(), undefined],

    ["somebody active left the segments", { leaving: D2 }, active(D1), "end"],
    ["somebody left the segments before the hire", { leaving: D1 }, active(D4), "end"],
    ["somebody left the segments and is rehired", { leaving: D2, rehire: D4 }, active(D1), "end"],
    ["whoever left the segments has left", { leaving: D3, rehire: D4 }, ended(D2), undefined],

    ["the status was set by hand", { termination: D4, rehire: D3, leaving: D4 }, byHand(D2), undefined],
    ["the standing is unknown", { termination: D4, leaving: D4 }, { standing: undefined }, undefined],
  ])("when %s", (_name, wishes, known, step) => {
    expect(nextStep(wishes, known)).toBe(step);
  });

  it("is none for somebody whom PlanSource does not know", () => {
    expect(nextStep({ termination: D1, rehire: D2, leaving: D3 }, undefined)).toBeUndefined();
    expect(wantedStep({ termination: D1, rehire: D2, leaving: D3 }, undefined)).toBeUndefined();
  });
});

describe("somebody whose status was set by hand", () => {
  it.each<[string, Wishes, string | undefined, Step | undefined]>([
    ["nothing", {}, undefined, undefined],
    ["a termination", { termination: D3 }, undefined, "end"],
    ["a termination before the hire", { termination: D1 }, undefined, undefined],
    ["the termination that the record shows", { termination: D3 }, D3, undefined],
    ["a leaving of the segments", { leaving: D1 }, undefined, "end"],
    ["a rehire after a termination", { rehire: D4 }, D3, "restart"],
    ["a rehire before a termination", { rehire: D2 }, D3, undefined],
    ["a rehire without any termination", { rehire: D4 }, undefined, undefined],
  ])("wants %s", (_name, wishes, terminationDate, step) => {
    expect(wantedStep(wishes, byHand(terminationDate))).toBe(step);
  });
});

describe("through all steps", () => {
  const days = fc.constantFrom(D1, D2, D3, D4, "2025-06-30", "2026-01-01");
  const maybe = fc.option(days, { nil: undefined });
  const wishes = fc.record({ termination: maybe, rehire: maybe });
  const standings = fc.oneof(
    days.map((hireDate): KnownStanding => active(hireDate)),
    days.map((terminationDate): KnownStanding => ended(terminationDate)),
  );

  /** As PlanSource does it. */
  function after(step: Step, { termination, rehire, leaving }: Wishes, known: KnownStanding): KnownStanding {
    if (step === "restart") return { standing: "active", hireDate: rehire };
    return { ...known, standing: "ended", terminationDate: leaving ?? termination };
  }

  function steps(wished: Wishes, before: KnownStanding, most: number): [KnownStanding, Step[]] {
    const taken: Step[] = [];
    let known = before;
    for (let step = nextStep(wished, known); step !== undefined; step = nextStep(wished, known)) {
      taken.push(step);
      if (taken.length > most) throw new Error(`No end: ${taken.join(", ")}`);
      known = after(step, wished, known);
    }
    return [known, taken];
  }

  it("the latest day wins: what PlanSource had before a rehire, and that before a termination", () => {
    fc.assert(
      fc.property(wishes, standings, (wished, before) => {
        const own = before.standing === "active" ? before.hireDate : before.terminationDate;
        const said = [
          { day: own, standing: before.standing },
          { day: wished.rehire, standing: "active" },
          { day: wished.termination, standing: "ended" },
        ].filter(({ day }) => day !== undefined);
        const [latest] = said.toSorted((left, right) => (right.day ?? "").localeCompare(left.day ?? ""));
        const [known, taken] = steps(wished, before, 2);
        expect(known.standing).toBe(latest?.standing);
        expect([[], ["end"], ["restart"], ["restart", "end"]]).toContainEqual(taken);
      }),
      { seed: 75, numRuns: 2_000 },
    );
  });

  it("an end is reached in two steps, whatever the record shows of its days", () => {
    const known = fc.record({ standing: fc.constantFrom("active", "ended"), hireDate: maybe, terminationDate: maybe });
    const any = fc.record({ termination: maybe, rehire: maybe, leaving: maybe });
    fc.assert(
      fc.property(any, known, (wished, before) => {
        const [{ standing }] = steps(wished, before, 2);
        if (wished.leaving !== undefined) expect(standing).toBe("ended");
      }),
      { seed: 76, numRuns: 2_000 },
    );
  });

  it("a person whom PlanSource does not know has left if a record without days would be ended by today", () => {
    fc.assert(
      fc.property(wishes, days, (wished, today) => {
        fc.pre(wished.termination !== wished.rehire);
        const isOver = nextStep(wished, active()) === "end" && (wished.termination ?? "") <= today;
        expect(alreadyLeft(wished, today)).toBe(isOver);
      }),
      { seed: 77 },
    );
  });
});

describe("somebody whom PlanSource does not know", () => {
  it.each<[string, Wishes, boolean]>([
    ["no day", {}, false],
    ["a termination before today", { termination: D1 }, true],
    ["a termination today", { termination: D2 }, true],
    ["a termination after today", { termination: D3 }, false],
    ["a rehire alone", { rehire: D1 }, false],
    ["a rehire after the termination", { termination: D1, rehire: D2 }, false],
    ["a rehire on the day of the termination", { termination: D2, rehire: D2 }, true],
    ["a rehire before the termination", { termination: D2, rehire: D1 }, true],
    ["left segments", { leaving: D2 }, true],
    ["left segments and a rehire", { leaving: D2, rehire: D4 }, true],
  ])("has %s", (_name, wishes, left) => {
    expect(alreadyLeft(wishes, D2)).toBe(left);
  });
});

describe("the standing of a row", () => {
  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ employment_status: "Active" }, "active"],
    [{ employment_status: " a " }, "active"],
    [{ employment_status: "TERMINATED" }, "ended"],
    [{ employment_status: "T" }, "ended"],
    [{ employment_status: "Leave of Absence" }, "by_hand"],
    [{ employment_status: "C" }, "by_hand"],
    [{ employment_status: "constructor" }, "by_hand"],
    [{ employment_status: "Inactive", termination_date: "2024/01/01" }, "ended"],
    [{ employment_status: "Inactive", termination_date: null }, "by_hand"],
    [{ employment_status: 1 }, "by_hand"],
    [{ employment_status: "Active", termination_date: "2030/01/01" }, "active"],
    [{ employment_status: "COBRA", termination_date: "2024/01/01" }, "by_hand"],
    [{ termination_date: "2024/01/01" }, "ended"],
    [{ employment_status: " ", termination_date: "2024/01/01" }, "ended"],
    [{ employment_status: null, termination_date: null }, "active"],
    [{ employment_status: "", termination_date: "" }, "active"],
    [{}, "active"],
  ])("%j is %s", (row, standing) => {
    expect(standingOf(row)).toBe(standing);
  });
});
