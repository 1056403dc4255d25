/** The demo as a newcomer runs it, compiled and with its output in a pipe. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildServer } from "../chaos/server-process";
import { IS_FULL } from "../full";

const ROOT = resolve(__dirname, "../..");

let build: string;
/** For what a demo makes. */
let temporary: string;
beforeAll(() => {
  build = buildServer();
}, 180_000);
beforeEach(() => (temporary = mkdtempSync(join(tmpdir(), "demo-"))));
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

interface Run {
  readonly code: number;
  readonly output: string;
  readonly complaints: string;
}

interface Redis {
  /** The processes that it named. */
  readonly pids: readonly number[];
  /** Of its redis-server. */
  readonly port: number;
}

function redisIn(output: string): Redis {
  const pids = [...output.matchAll(/ process (\d+), /g)].map(([, pid]) => Number(pid));
  return { pids, port: Number(/redis-server +127\.0\.0\.1:(\d+)/.exec(output)?.[1]) };
}

/** That nothing is left of a demo on Redis: no process, and no file in the folder of temporary ones. */
async function expectNothingLeft({ pids, port }: Redis, temporary: string): Promise<void> {
  expect(pids).toHaveLength(3);
  expect(pids.filter(isAlive)).toEqual([]);
  const socket = connect(port, "127.0.0.1");
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
  expect(readdirSync(temporary)).toEqual([]);
}

function runDemo(cwd: string, ...options: readonly string[]): Promise<Run> {
  return runDemoIn(cwd, process.env, ...options);
}

function runDemoIn(cwd: string, env: NodeJS.ProcessEnv, ...options: readonly string[]): Promise<Run> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [join(build, "simulators/demo/main.js"), "--once", ...options],
      { cwd, env },
      (_error, output, complaints) => done({ code: child.exitCode ?? -1, output, complaints }),
    );
  });
}

/** The part of the output that belongs to one step. */
function stepOf(output: string, number: number): string {
  const from = output.indexOf(`\n${number} · `);
  return output.slice(from + 1, output.indexOf("\n\n", from));
}

test("the demo plays every step, ends by itself and finds Planhat as Hull wants it", async () => {
  const { code, output, complaints } = await runDemo(ROOT, "--service", "planhat");
  expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });

  expect(stepOf(output, 2)).toMatch(/outcomes +2,000 {2}sent\/created\n/);
  expect(stepOf(output, 2)).toMatch(/for the users +100 {2}companies sent\/created\n/);
  expect(stepOf(output, 2)).toMatch(/look up and write +4,200 {2}2,100 look-ups \+ 2,100 writes/);
  for (const repeated of [3, 4]) {
    expect(stepOf(output, repeated)).toMatch(/calls to Planhat +0\n/);
    expect(stepOf(output, repeated)).toContain("unchanged/in_sync");
  }
  expect(stepOf(output, 5)).toMatch(/outcomes +105 {2}sent\/updated\n/);
  const broken = stepOf(output, 6);
  for (const row of [
    /100 {2}sent\/updated/,
    /10 {2}rejected\/refused/,
    /4 {2}skipped\/missing_email/,
    /3 {2}skipped\/missing_account_external_id/,
    /3 {2}rejected\/invalid_message/,
  ]) {
    expect(broken).toMatch(row);
  }

  const [, messages, calls, lookUpAndWrite] = /^ {2}all +([\d,]+) +([\d,]+) +([\d,]+)$/m.exec(output) ?? [];
  expect(messages).toBe("4,444");
  expect(lookUpAndWrite).toBe("6,840");
  expect(Number(calls)).toBeLessThan(100);
  expect(output).toContain("✓ 4,444 messages, 4,444 outcomes, 0 counted twice\n");
  expect(output).toContain("✓ Planhat holds what Hull's people ask for: 104 companies, 2,001 endusers\n");
  // No bar and no colours in a pipe.
  for (const sign of ["\u001b", "\r", "█"]) expect(output).not.toContain(sign);
}, 240_000);

test("without a choice the demo plays all services in a small size, and sums up", async () => {
  const { code, output, complaints } = await runDemo(ROOT);
  expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });
  const titles = [...output.matchAll(/^Hull and (\w+), simulated/gm)].map(([, title]) => title);
  expect(titles).toEqual(["Planhat", "PlanSource", "PlanningPME", "plangrade"]);
  for (const title of titles) expect(output).toMatch(new RegExp(`✓ ${title ?? ""} holds what Hull.* ask`));
  const all = [...output.matchAll(/^ {2}all +([\d,]+) +([\d,]+) +([\d,]+)$/gm)].map(([, ...cells]) =>
    cells.map((cell) => Number(cell.replace(",", ""))),
  );
  const sums = [0, 1, 2].map((column) => all.reduce((sum, cells) => sum + (cells[column] ?? NaN), 0));
  const [, ...said] = /All services: ([\d,]+) messages, ([\d,]+) calls; .* taken ([\d,]+)\./.exec(output) ?? [];
  expect(said.map((each) => Number(each.replace(",", "")))).toEqual(sums);
  expect(output).not.toContain("look up and write");
  for (const said of [
    /Why is user-99 not in PlanSource\?\n(.+\n)+.+employment_level: "Contractor"; allowed: F \(Full Time\)/,
    /PlanSource holds what Hull's people ask for: 91 active, 8 terminated\n/,
    /reported of the dry run: 38 updated, 2 failed\n( {4}.+: Nothing is planned in Atlantis\n){2}/,
    /PlanningPME holds what Hull's accounts ask for: 199 customers, 0 created twice\n/,
    /Hull knows 5 of 5 corrections that were made in PlanningPME\n/,
    /Why is user-49 not in plangrade\?\n(.+\n)*.+incomplete.+\(dob\)/,
    /plangrade holds what Hull asks for: 10 companies, 98 employees\n/,
    /Hull knows the grade of 10 of 10 companies, and was told 2 events\n/,
  ])
    expect(output).toMatch(said);
}, 240_000);

// What is the same in full is shown by the small size and by Planhat's demo.
if (IS_FULL) {
  test("the demo of PlanSource hires, terminates and rehires, and says why somebody was refused", async () => {
    const { code, output, complaints } = await runDemo(ROOT, "--service", "plansource");
    expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });
    expect(stepOf(output, 1)).toMatch(/outcomes +297 {2}sent\/created\n +3 {2}rejected\/value_not_allowed\n/);
    expect(stepOf(output, 2)).toMatch(/calls to PlanSource +0\n/);
    expect(stepOf(output, 4)).toMatch(/outcomes +18 {2}sent\/ended\n +2 {2}rejected\/termination_reason\n/);
    expect(output).toMatch(
      /Why is user-99 not in PlanSource\?\n(.+\n)+.+employment_level: "Contractor"; allowed: F \(Full Time\)/,
    );
    expect(output).toContain("✓ PlanSource holds what Hull's people ask for: 289 active, 8 terminated\n");
  }, 240_000);

  test("the demo of PlanningPME tries changes before it makes them, and brings corrections back", async () => {
    const { code, output, complaints } = await runDemo(ROOT, "--service", "planningpme");
    expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });
    expect(stepOf(output, 1)).toMatch(/outcomes +995 {2}sent\/created\n +5 {2}rejected\/refused\n/);
    expect(stepOf(output, 2)).toMatch(/calls to PlanningPME +0\n/);
    expect(stepOf(output, 4)).toMatch(/outcomes +38 {2}sent\/updated\n +2 {2}rejected\/refused\n/);
    expect(output).toMatch(
      /reported of the dry run: 38 updated, 2 failed\n( {4}.+: Nothing is planned in Atlantis\n){2}/,
    );
    expect(output).toContain("✓ PlanningPME holds what Hull's accounts ask for: 995 customers, 0 created twice\n");
    expect(output).toContain("✓ Hull knows 5 of 5 corrections that were made in PlanningPME\n");
  }, 240_000);

  test("the demo of plangrade is let in by a person, and says which field is missing", async () => {
    const { code, output, complaints } = await runDemo(ROOT, "--service", "plangrade");
    expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });
    expect(stepOf(output, 1)).toMatch(/outcomes +20 {2}sent\/created\n/);
    expect(stepOf(output, 1)).toMatch(/1 × POST \/oauth\/v1\/token/);
    expect(stepOf(output, 2)).toMatch(/outcomes +196 {2}sent\/created\n +4 {2}skipped\/incomplete\n/);
    expect(stepOf(output, 3)).toMatch(/calls to plangrade +0\n/);
    expect(stepOf(output, 4)).toMatch(/outcomes +20 {2}sent\/updated\n +calls to plangrade +40 {2}/);
    expect(stepOf(output, 5)).toMatch(/outcomes +2 {2}skipped\/other_company\n/);
    expect(output).toMatch(/Why is user-49 not in plangrade\?\n(.+\n)*.+incomplete.+\(dob\)/);
    expect(output).toContain("✓ plangrade holds what Hull asks for: 20 companies, 196 employees\n");
    expect(output).toContain("✓ Hull knows the grade of 20 of 20 companies, and was told 2 events\n");
  }, 240_000);
}

test("on Redis a worker is killed while it writes, and the result is the same", async () => {
  const env = { ...process.env, TMPDIR: temporary };
  const { code, output, complaints } = await runDemoIn(ROOT, env, "--redis");
  expect({ code, complaints, output: code === 0 ? "" : output }).toEqual({ code: 0, complaints: "", output: "" });
  expect(output).toMatch(
    /In the middle of PUT \/companies, worker [12] was killed \(kill -9\); worker [12] takes over/,
  );
  expect(stepOf(output, 2)).toMatch(/outcomes +2,000 {2}sent\/created\n/);
  expect(output).toContain("✓ 4,444 messages, 4,444 outcomes, 0 counted twice\n");
  expect(output).toContain("✓ Planhat holds what Hull's people ask for: 104 companies, 2,001 endusers\n");
  expect(output).toContain("✓ 0 duplicates created");
  expect(output).toContain("✓ The result is the same as in one process, although a worker was killed\n");
  await expectNothingLeft(redisIn(output), temporary);
}, 240_000);

test("nothing is left of a demo on Redis that is interrupted", async () => {
  const demo = spawn(process.execPath, [join(build, "simulators/demo/main.js"), "--redis"], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of demo.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    // All of it is there, and the first step is under way.
    if (output.includes("worker 2      process")) demo.kill("SIGINT");
  }
  if (demo.exitCode === null) await once(demo, "exit");
  expect(demo.exitCode).toBe(130);
  await expectNothingLeft(redisIn(output), temporary);
}, 240_000);

test("without redis-server the demo on Redis says how to install it", async () => {
  const { code, complaints } = await runDemoIn(ROOT, { ...process.env, PATH: "/nowhere" }, "--redis");
  expect(code).toBe(1);
  expect(complaints).toMatch(/^The program redis-server is missing\. Install it: apt-get install redis-server/);
});

test("a demo of a service that there is not names those that there are", async () => {
  const { code, complaints } = await runDemo(ROOT, "--service", "nobodys");
  expect(code).toBe(1);
  expect(complaints).toBe("There is no demo of nobodys; choose one of planhat, plansource, planningpme, plangrade.\n");
});

test("outside the repository the demo says where it belongs", async () => {
  const { code, complaints } = await runDemo(build);
  expect(code).toBe(1);
  expect(complaints).toBe("There are no notifications in test/fixtures/hull; start the demo in the repository.\n");
});

test("a process that watches its parent does not outlive it, however that ends", async () => {
  const watch = join(build, "simulators/demo/parent-watch.js");
  // The child says who it is once it watches, and stays.
  const stay = JSON.stringify("console.log(process.pid); setInterval(() => {}, 1000)");
  const held = `spawn(process.execPath, ["--require", ${JSON.stringify(watch)}, "-e", ${stay}])`;
  const holder = `require("node:child_process").${held}.stdout.pipe(process.stdout)`;
  const parent = spawn(process.execPath, ["-e", holder], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(chunk.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  // It is no child of this process, which would be told of its end.
  for (let looks = 0; isAlive(pid) && looks < 1_600; looks += 1) await sleep(25);
  expect(isAlive(pid)).toBe(false);
}, 240_000);

/** A process that has ended but was not yet collected by its parent counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
