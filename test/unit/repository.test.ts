/** What is around the code: workflows, updates and the dev container, against the descriptions of those who read them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import packageJson from "../../package.json";

const ROOT = resolve(__dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const WORKFLOWS = readdirSync(join(ROOT, ".github/workflows")).map((name) => `.github/workflows/${name}`);

/** The ends of the supported range of Node: what package.json asks for, and what the image brings. */
const OLDEST = /^>=(\d+)\./.exec(packageJson.engines.node)?.[1] ?? "";
const [NEWEST = ""] = [...read("Dockerfile").matchAll(/^FROM node:(\d+)-slim/gm)].map(([, major = ""]) => major);

/** File → what GitHub's parser has against it. */
function errorsIn(...files: readonly string[]): unknown {
  const script = join(ROOT, "test/fixture/workflow-errors.mjs");
  return JSON.parse(
    execFileSync(process.execPath, ["--import", "tsx", script, ...files], { cwd: ROOT, encoding: "utf8" }),
  );
}

const permissions = z.record(z.string(), z.enum(["read", "write", "none"]));
const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const job = z.object({
  uses: z.string().optional(),
  "timeout-minutes": z.number().optional(),
  permissions: permissions.optional(),
  strategy: z.object({ matrix: z.object({ node: z.array(z.string()) }) }).optional(),
  steps: z.array(step).default([]),
});
const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions,
  concurrency: z.object({ group: z.string() }),
  jobs: z.record(z.string(), job),
});
const workflowIn = (file: string): z.output<typeof workflow> => workflow.parse(parse(read(file)));

describe("workflows", () => {
  test("are what GitHub's parser understands, which understands no others", () => {
    const folder = mkdtempSync(join(tmpdir(), "workflow-"));
    try {
      const wrong = join(folder, "wrong.yaml");
      const body =
        "on: push\njobs: { a: { runs-on: x, step: [] }, b: { runs-on: x, if: '${{ github. }}', steps: [] } }\n";
      writeFileSync(wrong, body);
      expect(errorsIn(...WORKFLOWS, wrong)).toEqual({
        ...Object.fromEntries(WORKFLOWS.map((file) => [file, []])),
        [wrong]: expect.arrayContaining([expect.stringContaining("step")]) as unknown,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each(WORKFLOWS)("%s may read alone, ends in time, and takes actions of a named major version", (file) => {
    const { permissions: whole, jobs, on, concurrency } = workflowIn(file);
    expect(whole).toEqual({ contents: "read" });
    // A job of a used workflow would wait for its own caller otherwise.
    expect(concurrency.group).toBe(`${/(\w+)\.yaml$/.exec(file)?.[1] ?? ""}-\${{ github.ref }}`);
    expect(on).not.toHaveProperty("pull_request_target");
    for (const { uses, steps, "timeout-minutes": minutes } of Object.values(jobs)) {
      if (uses === undefined) expect(minutes).toBeGreaterThan(0);
      else expect(existsSync(join(ROOT, uses))).toBe(true);
      for (const { uses: action, run, with: given } of steps) {
        if (action !== undefined) expect(action).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
        // The token stays out of the clone, and out of what is run there.
        if (action?.startsWith("actions/checkout@") === true)
          expect(given).toMatchObject({ "persist-credentials": false });
        expect(run ?? "").not.toContain("${{");
      }
    }
  });

  test("the gate runs on both ends of the supported range, with the history that tests need", () => {
    const { gate } = workflowIn(".github/workflows/ci.yaml").jobs;
    expect(gate?.strategy?.matrix.node).toEqual([OLDEST, NEWEST]);
    expect(gate?.steps.map(({ run }) => run)).toContain(".ci/run");
    expect(gate?.steps[0]?.with).toMatchObject({ "fetch-depth": 0 });
  });

  test("one job alone may write: it publishes the image of a tag, after the gate", () => {
    const writers = WORKFLOWS.flatMap((file) => Object.entries(workflowIn(file).jobs)).filter(
      ([, { permissions: own = {} }]) => Object.values(own).includes("write"),
    );
    expect(writers.map(([name, { permissions: own }]) => [name, own])).toEqual([
      ["publish", { contents: "read", packages: "write" }],
    ]);
    const { jobs } = z
      .object({ jobs: z.object({ publish: z.object({ if: z.string(), needs: z.array(z.string()) }) }) })
      .parse(parse(read(".github/workflows/image.yaml")));
    expect(jobs.publish).toEqual({ if: "github.ref_type == 'tag'", needs: ["build", "gate"] });
  });
});

/** https://docs.github.com/en/code-security/reference/supply-chain-security/dependabot-options-reference, as far as it is used. */
const dependabot = z.strictObject({
  version: z.literal(2),
  updates: z.array(
    z.strictObject({
      "package-ecosystem": z.enum(["npm", "github-actions", "docker", "docker-compose"]),
      directory: z.string().startsWith("/").optional(),
      directories: z.array(z.string().startsWith("/")).optional(),
      schedule: z.strictObject({ interval: z.enum(["daily", "weekly", "monthly"]) }),
      groups: z
        .record(z.string(), z.strictObject({ "update-types": z.array(z.enum(["major", "minor", "patch"])) }))
        .optional(),
    }),
  ),
});

test("dependabot.yml looks where there is something to update", () => {
  const NAMES = {
    npm: "package.json",
    docker: "Dockerfile",
    "docker-compose": "docker-compose.yml",
    "github-actions": ".github/workflows",
  };
  const { updates } = dependabot.parse(parse(read(".github/dependabot.yml")));
  expect(updates.map((each) => each["package-ecosystem"]).sort()).toEqual(Object.keys(NAMES).sort());
  for (const { "package-ecosystem": ecosystem, directory, directories = [] } of updates) {
    const folders = directory === undefined ? directories : [directory];
    expect(folders).not.toEqual([]);
    for (const folder of folders) expect(existsSync(join(ROOT, folder, NAMES[ecosystem]))).toBe(true);
  }
});

/** https://containers.dev/implementors/json_reference/: what a container that is built from a Dockerfile may say. */
const command = z.union([
  z.string(),
  z.array(z.string()),
  z.record(z.string(), z.union([z.string(), z.array(z.string())])),
]);
const port = z.union([z.int().min(1).max(65_535), z.string().regex(/^[\w.-]+:\d+$/)]);
const devcontainer = z.strictObject({
  name: z.string().optional(),
  build: z.strictObject({
    dockerfile: z.string(),
    context: z.string().optional(),
    args: z.record(z.string(), z.string()).optional(),
    target: z.string().optional(),
    cacheFrom: z.union([z.string(), z.array(z.string())]).optional(),
    options: z.array(z.string()).optional(),
  }),
  features: z.record(z.string(), z.unknown()).optional(),
  forwardPorts: z.array(port).optional(),
  portsAttributes: z
    .record(
      z.string(),
      z.strictObject({
        label: z.string().optional(),
        protocol: z.enum(["http", "https"]).optional(),
        onAutoForward: z
          .enum(["notify", "openBrowser", "openBrowserOnce", "openPreview", "silent", "ignore"])
          .optional(),
      }),
    )
    .optional(),
  containerEnv: z.record(z.string(), z.string()).optional(),
  remoteEnv: z.record(z.string(), z.string().nullable()).optional(),
  containerUser: z.string().optional(),
  remoteUser: z.string().optional(),
  init: z.boolean().optional(),
  privileged: z.boolean().optional(),
  onCreateCommand: command.optional(),
  postCreateCommand: command.optional(),
  postStartCommand: command.optional(),
  customizations: z.record(z.string(), z.unknown()).optional(),
});

describe("the dev container", () => {
  const container = devcontainer.parse(JSON.parse(read(".devcontainer/devcontainer.json")));
  const dockerfile = read(join(".devcontainer", container.build.dockerfile));

  test("installs the project, as a user who is not root, and shows the connector's port", () => {
    expect(container).toMatchObject({ remoteUser: "node", postCreateCommand: "npm ci", forwardPorts: [8082] });
    expect(Object.keys(container.portsAttributes ?? {})).toEqual(container.forwardPorts?.map(String));
  });

  test("has the Node of the image, and the programs that .ci/run installs", () => {
    expect(dockerfile).toMatch(new RegExp(`^FROM node:${NEWEST}-`, "m"));
    const programs = ["chromium", ...(/^for program in (.+); do$/m.exec(read(".ci/run"))?.[1]?.split(" ") ?? [])];
    expect(programs).toHaveLength(3);
    const [, installed = ""] = /apt-get install -y --no-install-recommends ([^\\\n]+)/.exec(dockerfile) ?? [];
    expect(installed.trim().split(" ").sort()).toEqual(programs.sort());
  });
});

test(".nvmrc names the Node of the image", () => {
  expect(read(".nvmrc")).toBe(`${NEWEST}\n`);
});
