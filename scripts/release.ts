/** `npm run release`: from a clean main to a commit with a new version, and its tag. It never pushes. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { inSentences, UsageError, type ExitCode, type Terminal } from "../server/cli/tool";

const USAGE = `Usage: npm run release -- major | minor | patch | <x.y.z> [--dry-run]

  On a clean main, moves what stands under Unreleased in CHANGELOG.md under the new version, writes the version into
  package.json, package-lock.json and the manifests, runs the checks, and makes a commit and a tag. Nothing is pushed.
  What fails leaves everything as it was. A version that has no tag yet may be named again.

  --dry-run            says what would be done, and does nothing
  --help, --version    this page; the version that package.json has

Exit code: 0 done, 1 not possible, 2 called in a wrong way.`;

const BRANCH = "main";
const CHANGELOG = "CHANGELOG.md";
const UNRELEASED = "## [Unreleased]";
const CHECKS = ["typecheck", "lint", "build", "test"];
const STEPS = ["major", "minor", "patch"];
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Where a release is made, and what tests replace. */
export interface ReleaseOptions {
  /** Top of the repository. */
  readonly root: string;
  /** `2026-03-01` */
  readonly today: string;
  /** Runs one script of package.json. @returns whether it passed */
  readonly check: (script: string) => boolean;
}

interface Change {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

interface Plan {
  readonly from: string;
  readonly to: string;
  readonly tag: string;
  readonly entries: number;
  readonly changes: readonly Change[];
}

/**
 * Makes a release, or says what it would do.
 *
 * @param args what follows `npm run release --`: a version or step, and `--dry-run`
 * @returns 0 when it is done, 1 when it is not possible (all files are as before then), 2 when it was called in a wrong way
 */
export function release(
  args: readonly string[],
  terminal: Pick<Terminal, "print" | "complain">,
  options: ReleaseOptions,
): Promise<ExitCode> {
  return inSentences(args, terminal, USAGE, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { "dry-run": { type: "boolean", default: false } },
    });
    const [wanted, ...more] = positionals;
    if (wanted === undefined) throw new UsageError("No version was given.");
    if (more.length > 0) throw new UsageError(`There is more than one version: ${positionals.join(" ")}.`);
    if (!STEPS.includes(wanted) && numbersOf(wanted) === undefined)
      throw new UsageError(`${wanted} is no version: name major, minor, patch, or three numbers such as 1.2.0.`);
    return () => {
      const plan = planFor(wanted, options);
      for (const line of linesOf(plan)) terminal.print(line);
      if (values["dry-run"]) terminal.print("A dry run: nothing was changed.");
      else carryOut(plan, terminal, options);
      return Promise.resolve(0);
    };
  });
}

/** @throws Error when the repository is not ready for a release; reads, and changes nothing */
function planFor(wanted: string, { root, today }: ReleaseOptions): Plan {
  const branch = git(root, "rev-parse", "--abbrev-ref", "HEAD");
  if (branch !== BRANCH)
    throw new Error(`A release is made on ${BRANCH}, and this is ${branch}: git switch ${BRANCH}.`);
  const dirty = git(root, "status", "--porcelain").split("\n").filter(Boolean);
  if (dirty.length > 0)
    throw new Error(`The tree is not clean; commit or put aside what git status shows:\n${dirty.join("\n")}`);

  const from = versionIn(readFileSync(join(root, "package.json"), "utf8"));
  const to = nextVersion(from, wanted);
  const tag = `v${to}`;
  if (git(root, "tag", "--list", tag) !== "") throw new Error(`${to} is released: there is a tag ${tag}.`);
  const before = readFileSync(join(root, CHANGELOG), "utf8");
  const { text, entries } = releasedIn(before, to, today);
  const versioned = ["package.json", "package-lock.json", ...git(root, "ls-files", "*manifest.json").split("\n")];
  const changes = versioned.filter(Boolean).map((file): Change => {
    const json = readFileSync(join(root, file), "utf8");
    return { file, before: json, after: withVersion(file, json, from, to) };
  });
  return { from, to, tag, entries, changes: [{ file: CHANGELOG, before, after: text }, ...changes] };
}

function linesOf({ from, to, tag, entries, changes }: Plan): readonly string[] {
  const changed = changes.filter(({ before, after }) => before !== after).map(({ file }) => file);
  return [
    `Version ${to}, after ${from === to ? "none" : from}; ${entries} ${entries === 1 ? "entry" : "entries"} in the change log`,
    `  changes  ${changed.join(", ")}`,
    `  checks   ${CHECKS.map((script) => `npm run ${script}`).join(", ")}`,
    `  makes    a commit "Version ${to}" and the tag ${tag}`,
  ];
}

/** @throws Error when a check or git refuses; the files are as before then */
function carryOut(
  { to, tag, changes }: Plan,
  { print }: Pick<Terminal, "print">,
  { root, check }: ReleaseOptions,
): void {
  // An interrupted check has failed, and the files are put back; without this, the process would end at once.
  const stay = (): void => undefined;
  for (const signal of SIGNALS) process.on(signal, stay);
  try {
    for (const { file, after } of changes) writeFileSync(join(root, file), after);
    const failed = CHECKS.find((script) => !check(script));
    if (failed !== undefined) throw new Error(`npm run ${failed} did not pass.`);
    git(root, "commit", "--quiet", "--message", `Version ${to}`, "--", ...changes.map(({ file }) => file));
  } catch (error) {
    for (const { file, before } of changes) writeFileSync(join(root, file), before);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\nNothing is released; all files are as before.`, { cause: error });
  } finally {
    for (const signal of SIGNALS) process.off(signal, stay);
  }

  const back = "git reset --keep HEAD~1";
  try {
    git(root, "tag", "--annotate", tag, "--message", `Version ${to}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const then = `The commit is made. Tag it: git tag --annotate ${tag} --message "Version ${to}". Or take it back: ${back}`;
    throw new Error(`${reason}\n${then}`, { cause: error });
  }

  print(`Committed and tagged ${tag}. Nothing is pushed yet.`);
  print(`  To publish it:    git push origin ${BRANCH} ${tag}`);
  print(`  To take it back:  git tag --delete ${tag} && ${back}`);
}

/** Major, minor, patch; undefined for any other text. */
function numbersOf(version: string): readonly [number, number, number] | undefined {
  const [, major, minor, patch] = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.exec(version) ?? [];
  return patch === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** @param wanted major, minor, patch or a version. @throws Error for one that is earlier than `current` */
function nextVersion(current: string, wanted: string): string {
  const [major, minor, patch] = numbersOf(current) ?? [];
  if (major === undefined || minor === undefined || patch === undefined)
    throw new Error(`The version in package.json, "${current}", is not of the form 1.2.0.`);
  if (wanted === "major") return `${major + 1}.0.0`;
  if (wanted === "minor") return `${major}.${minor + 1}.0`;
  if (wanted === "patch") return `${major}.${minor}.${patch + 1}`;
  const asked = numbersOf(wanted) ?? [0, 0, 0];
  const later = asked[0] - major || asked[1] - minor || asked[2] - patch;
  if (later < 0) throw new Error(`${wanted} is earlier than ${current}, the version in package.json.`);
  return wanted;
}

function versionIn(json: string): string {
  return String((JSON.parse(json) as { readonly version?: unknown }).version);
}

/**
 * Puts the version in, and leaves the form of the file as it is.
 *
 * @throws Error when the file has another version than `from`
 */
function withVersion(file: string, json: string, from: string, to: string): string {
  const held = versionIn(json);
  if (held !== from) throw new Error(`${file} has version ${held}, package.json ${from}: make them the same first.`);
  const own = json.replace(/^( {2}"version": )"[^"]*"/m, `$1"${to}"`);
  // In a lock file, once more for the package itself, which comes first of all packages.
  return file === "package-lock.json" ? own.replace(/^( {6}"version": )"[^"]*"/m, `$1"${to}"`) : own;
}

/** What is unreleased becomes a version. @throws Error when there is nothing, or the version is there already */
function releasedIn(changelog: string, version: string, today: string): { text: string; entries: number } {
  const heading = changelog.indexOf(`\n${UNRELEASED}\n`);
  if (heading === -1) throw new Error(`${CHANGELOG} has no line "${UNRELEASED}".`);
  const from = heading + UNRELEASED.length + 2;
  const next = changelog.indexOf("\n## ", from);
  const section = changelog.slice(from, next === -1 ? undefined : next);
  const entries = section.split("\n").filter((line) => line.startsWith("- ")).length;
  if (entries === 0)
    throw new Error(`${CHANGELOG} says nothing under ${UNRELEASED}: write down what has changed first.`);
  if (changelog.split("\n").some((line) => line.startsWith(`## ${version} `)))
    throw new Error(`${CHANGELOG} has a section ${version} already.`);
  return { text: `${changelog.slice(0, from)}\n## ${version} – ${today}\n${changelog.slice(from)}`, entries };
}

/** @returns what git prints. @throws Error with git's own words */
function git(root: string, ...args: readonly string[]): string {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trimEnd();
  } catch (error) {
    const said = (error as { readonly stderr?: string }).stderr?.trim() ?? "";
    throw new Error(`git ${args[0] ?? ""} failed: ${said === "" ? String(error) : said}`, { cause: error });
  }
}

if (require.main === module) {
  const root = resolve(__dirname, "..");
  const terminal = {
    print: (text: string) => void process.stdout.write(`${text}\n`),
    complain: (text: string) => void process.stderr.write(`${text}\n`),
  };
  void release(process.argv.slice(2), terminal, {
    root,
    today: new Date().toISOString().slice(0, 10),
    check: (script) => spawnSync("npm", ["run", script], { cwd: root, stdio: "inherit" }).status === 0,
  }).then((code) => {
    process.exitCode = code;
  });
}
