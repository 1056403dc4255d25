import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figure, holds, rounds } from "../../bench/measure";
import { readOptions } from "../../bench/options";
import { resultIn, table, type Result } from "../../bench/report";
import { median, quantile } from "../../bench/statistics";
import { buildServer } from "../chaos/server-process";

describe("the bench", () => {
  test("takes medians and quantiles", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0.95)).toBe(4);
    expect(() => median([])).toThrow(RangeError);
  });

  test("compares a figure with its target", () => {
    expect(holds(figure("share", "", [0.4, 0.6, 0.5], { atLeast: 0.5 }))).toBe(true);
    expect(holds(figure("time", "s", [0.2], { atMost: 0.15 }))).toBe(false);
    expect(holds(figure("rate", "/s", [1]))).toBeUndefined();
  });

  test("drops the first round and stops at its deadline, with one round at least", async () => {
    const numbers = (round: number): Promise<number> => Promise.resolve(round);
    expect(await rounds(3, Infinity, numbers)).toEqual([1, 2, 3]);
    expect(await rounds(3, -Infinity, numbers)).toEqual([1]);
  });

  test("shows each figure beside that of an earlier result", () => {
    const about = {
      at: "",
      quick: true,
      machine: { cpus: 2, memoryGibibytes: 4, arch: "x64", node: "v20", loadBefore: 0 },
    };
    const resultOf = (value: number, name = "CPU"): Result => ({
      ...about,
      figures: [{ measure: "changed", ...figure(name, "s", [value]) }],
    });
    expect(table(resultOf(0.5), resultOf(2))).toMatch(/CPU +0\.50 s .+ 0\.25 × 2\.0\n/);
    expect(table(resultOf(0.5), resultOf(2, "another"))).not.toContain("×");
    expect(() => resultIn("package.json")).toThrow(/holds no figures/);
    expect(() => resultIn("README.md")).toThrow(/cannot be read as JSON/);
  });

  test("refuses a measure that does not exist", () => {
    expect(readOptions([]).only).toHaveLength(8);
    expect(() => readOptions(["--only", "speed"])).toThrow(/throughput/);
  });

  test("measures with real processes", () => {
    const out = join(tmpdir(), "bench-result.json");
    const main = join(buildServer(), "bench", "main.js");
    const { status, stderr } = spawnSync(process.execPath, [main, "--quick", "--only", "latency", "--out", out], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("answer, median") as string });
    const { figures } = JSON.parse(readFileSync(out, "utf8")) as Result;
    expect(figures.every(({ value }) => value > 0)).toBe(true);
  }, 240_000);
});
