/** `npm run release` in a repository of its own; the checks, which take minutes, are left to its caller. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { release } from "../../../scripts/release";
import { SERVICES } from "../../../src/services";

const PROJECT = resolve(__dirname, "../../..");
const MANIFESTS = execFileSync("git", ["ls-files", "*manifest.json"], { cwd: PROJECT, encoding: "utf8" })
  .trim()
  .split("\n");
const VERSIONED = ["package.json", "package-lock.json", ...MANIFESTS];
const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- Something new,
  told in two lines.
- Something else.

## 1.0.0 – 2026-01-01

- The first.
`;

/** Made once, and copied for each test. */
let template: string;
let root: string;
const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const write = (file: string, text: string): void => writeFileSync(join(root, file), text);
const versionIn = (file: string): unknown => (JSON.parse(read(file)) as { version: unknown }).version;
const newFolder = (): string => mkdtempSync(join(tmpdir(), "release-"));

beforeAll(() => {
  root = template = newFolder();
  for (const file of VERSIONED) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    const text = readFileSync(join(PROJECT, file), "utf8").replace(/^( {2}"version": )".*"/m, '$1"1.0.0"');
    write(file, text.replace(/^( {6}"version": )".*"/m, file === "package-lock.json" ? '$1"1.0.0"' : "$&"));
  }
  write("CHANGELOG.md", CHANGELOG);
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Nobody");
  git("config", "user.email", "nobody@example.com");
  commit("First");
});
beforeEach(() => cpSync(template, (root = newFolder()), { recursive: true }));
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterAll(() => rmSync(template, { recursive: true, force: true }));

function commit(message: string): void {
  git("add", "--all");
  git("commit", "--quiet", "--message", message);
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The checks that ran. */
  readonly checked: readonly string[];
}

async function run(args: readonly string[], check: (script: string) => boolean = () => true): Promise<Said> {
  const [out, err, checked]: [string[], string[], string[]] = [[], [], []];
  const terminal = { print: (text: string) => void out.push(text), complain: (text: string) => void err.push(text) };
  const code = await release(args, terminal, {
    root,
    today: "2026-03-01",
    check: (script) => {
      checked.push(script);
      return check(script);
    },
  });
  return { code, out: out.join("\n"), err: err.join("\n"), checked };
}

test.each([
  ["patch", "1.0.1"],
  ["minor", "1.1.0"],
  ["major", "2.0.0"],
  ["1.0.10", "1.0.10"],
])("%s after 1.0.0 is %s: written, checked, committed and tagged", async (wanted, version) => {
  const seen: unknown[] = [];
  const said = await run([wanted], () => {
    // What is checked is what will be tagged.
    seen.push(...VERSIONED.map(versionIn));
    return true;
  });
  expect(said).toMatchObject({ code: 0, err: "", checked: ["typecheck", "lint", "build", "test"] });
  expect(new Set(seen)).toEqual(new Set([version]));
  expect(VERSIONED.map(versionIn)).toEqual(VERSIONED.map(() => version));
  const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, { version?: string }> };
  expect(packages[""]?.version).toBe(version);
  const others = git("diff", "--unified=0", "HEAD~1", "--", ...VERSIONED).match(/^\+ .*/gm);
  expect(others).toHaveLength(VERSIONED.length + 1);

  expect(read("CHANGELOG.md")).toContain(
    `## [Unreleased]\n\n## ${version} – 2026-03-01\n\n### Added\n\n- Something new,\n  told in two lines.\n- Something else.\n\n## 1.0.0 –`,
  );
  expect(git("status", "--porcelain")).toBe("");
  expect(git("log", "-1", "--format=%s %D")).toContain(`Version ${version} HEAD -> main, tag: v${version}`);
  expect(git("cat-file", "-t", `v${version}`)).toBe("tag");
  expect(said.out).toContain(`git push origin main v${version}`);
});

test("all services' manifests are among them", () => {
  expect(MANIFESTS).toHaveLength(SERVICES.length);
});

test("a dry run says what would be done, and does nothing", async () => {
  const said = await run(["minor", "--dry-run"]);
  expect(said).toMatchObject({ code: 0, err: "", checked: [] });
  expect(said.out).toMatch(
    /^Version 1\.1\.0, after 1\.0\.0; 2 entries in the change log\n {2}changes {2}CHANGELOG.md, package.json, /,
  );
  expect(said.out).toContain('a commit "Version 1.1.0" and the tag v1.1.0');
  expect([git("status", "--porcelain"), git("tag"), git("rev-list", "--count", "HEAD")]).toEqual(["", "", "1"]);
});

test("a version that was written but never tagged can be released; one that was tagged cannot", async () => {
  write("CHANGELOG.md", CHANGELOG.slice(0, CHANGELOG.indexOf("## 1.0.0")));
  commit("No version yet");
  expect(await run(["1.0.0"])).toMatchObject({ code: 0, err: "" });
  expect(git("tag")).toBe("v1.0.0");
  write("CHANGELOG.md", CHANGELOG.replaceAll("## 1.0.0", "## 0.9.0"));
  commit("More");
  expect(await run(["1.0.0"])).toMatchObject({
    code: 1,
    err: "1.0.0 is released: there is a tag v1.0.0.",
    checked: [],
  });
});

test("a check that fails leaves everything as it was", async () => {
  const said = await run(["patch"], (script) => script !== "build");
  expect(said).toMatchObject({ code: 1, checked: ["typecheck", "lint", "build"] });
  expect(said.err).toBe("npm run build did not pass.\nNothing is released; all files are as before.");
  expect([git("status", "--porcelain"), git("tag"), versionIn("package.json")]).toEqual(["", "", "1.0.0"]);
});

test("a commit that git refuses leaves everything as it was", async () => {
  mkdirSync(join(root, ".git/hooks"), { recursive: true });
  writeFileSync(join(root, ".git/hooks/pre-commit"), "#!/bin/sh\necho not today >&2\nexit 1\n", { mode: 0o755 });
  const said = await run(["patch"]);
  expect(said.err).toBe("git commit failed: not today\nNothing is released; all files are as before.");
  expect([said.code, git("status", "--porcelain"), git("tag")]).toEqual([1, "", ""]);
});

test.each([
  ["another branch", () => void git("switch", "--quiet", "--create", "feature"), "made on main, and this is feature"],
  ["a change", () => write("package.json", `${read("package.json")}\n`), "not clean; commit or put aside"],
  ["a new file", () => write("new.txt", "new"), "?? new.txt"],
  ["nothing new", () => edit("CHANGELOG.md", /- Something[^#]+/, "\n"), "says nothing under ## [Unreleased]"],
  ["no section", () => edit("CHANGELOG.md", "## [Unreleased]", "## News"), 'has no line "## [Unreleased]"'],
  ["a section of it", () => edit("CHANGELOG.md", "## 1.0.0", "## 1.0.1"), "has a section 1.0.1 already"],
  [
    "two versions",
    () => edit("manifest.json", '"1.0.0"', '"0.9.0"'),
    "manifest.json has version 0.9.0, package.json 1.0.0",
  ],
  ["no version", () => edit("package.json", '"1.0.0"', '"1.0.0-beta"'), '"1.0.0-beta", is not of the form 1.2.0'],
])("with %s it refuses and says why", async (_what, prepare, words) => {
  prepare();
  const before = git("status", "--porcelain");
  const said = await run(["patch"]);
  expect(said).toMatchObject({ code: 1, out: "", checked: [] });
  expect(said.err).toContain(words);
  expect([git("status", "--porcelain"), git("tag")]).toEqual([before, ""]);
});

function edit(file: string, from: string | RegExp, to: string): void {
  write(file, read(file).replace(from, to));
  commit("Edited");
}

test.each([
  [[], 2, "No version was given."],
  [["1.2"], 2, "1.2 is no version: name major, minor, patch, or three numbers such as 1.2.0."],
  [["v1.2.0"], 2, "v1.2.0 is no version"],
  [["01.2.0"], 2, "01.2.0 is no version"],
  [["minor", "major"], 2, "There is more than one version: minor major."],
  [["minor", "--push"], 2, "Unknown option '--push'."],
  [["0.9.9"], 1, "0.9.9 is earlier than 1.0.0, the version in package.json."],
])("%j is refused with a sentence", async (args, code, words) => {
  const said = await run(args);
  expect(said).toMatchObject({ code, out: "", checked: [] });
  expect(said.err).toContain(words);
  expect(said.err.includes("Usage: npm run release")).toBe(code === 2);
});
