/** `npm start` and the tools before the first build. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../../../package.json";

const guard = resolve(__dirname, "../../../require-build.js");
const compiled = Object.entries(packageJson.scripts).filter(([, script]) => /^node .*\bdist\//.test(script));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "built-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]): unknown => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", guard, ...args], { cwd: folder });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
};

test("every script that runs the compiled program asks for the build first", () => {
  expect(compiled.map(([name]) => name)).toEqual(expect.arrayContaining(["start", "dead-letters", "tenants"]));
  for (const [name, script] of compiled) {
    expect({ name, script }).toEqual({
      name,
      script: expect.stringMatching(/^node --require \.\/require-build\.js /) as unknown,
    });
  }
});

test("without a build it says how to make one, and with one it is not noticed", () => {
  expect(run("dist/program.js")).toEqual({
    status: 1,
    stdout: "",
    stderr: "Not built yet. Run `npm run build` first.\n",
  });
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "dist/program.js"), "console.log(require.main === module, ...process.argv.slice(2))");
  expect(run("dist/program.js", "list", "--json")).toEqual({ status: 0, stdout: "true list --json\n", stderr: "" });
});
