/** What is written down for people must say the same as the code. */
import { COMMON_OUTCOMES } from "../../../src/outcome/outcome";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describeConfig, readConfig } from "../../../server/config";
import packageJson from "../../../package.json";

const ROOT = resolve(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** A variable's default as people write it. */
function defaultOf(name: string): string {
  // All of them are served unless some are chosen.
  const value = name === "SERVICES" ? undefined : (readConfig({})[name] as string | number | boolean | string[]);
  if (value === undefined) return "";
  if (value === false) return "off";
  return typeof value === "object" ? value.join(",") : String(value);
}

const VARIABLES = describeConfig().map(({ name, meaning }) => ({ name, meaning, standard: defaultOf(name) }));

/** The cells of every table row that begins with a code word. */
function tableRows(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\| `.*\|$/gm)].map(([row]) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

const bare = (cell = ""): string => cell.replaceAll("`", "");

describe("README.md", () => {
  const readme = read("README.md");

  test("its commands exist", () => {
    const scripts: Readonly<Record<string, string>> = packageJson.scripts;
    expect(readme).toContain("\nnpm ci && npm run demo\n");
    expect(readme).toContain("\nnpm ci && npm test\n");
    for (const [, script = ""] of readme.matchAll(/npm run ([a-z-]+)/g)) expect(scripts).toHaveProperty([script]);
    expect(readme).toContain(packageJson.engines.node.replace(">=", ""));
  });
});

test("variables.md lists every variable with its default and its meaning, and no other", () => {
  const rows = tableRows(read("docs/operations/variables.md")).map(([name, standard, meaning]) => ({
    name: bare(name),
    meaning,
    standard: standard === "unset" ? "" : bare(standard),
  }));
  expect(rows).toEqual(VARIABLES);
});

test(".env.example lists every variable with its default and its meaning, and no other", () => {
  const entries = [...read(".env.example").matchAll(/^# (.+)\n#([A-Z_]+)=(.*)$/gm)];
  expect(entries.map(([, meaning, name, standard]) => ({ name, meaning, standard }))).toEqual(VARIABLES);
});

test("outcomes.md explains every outcome code in the words of the code", () => {
  const codes = Object.entries({ ...COMMON_OUTCOMES, ...OUTCOMES }).map(([code, { text }]) => ({ code, text }));
  const texts = new Map(tableRows(read("docs/operations/outcomes.md")).map((cells) => [bare(cells[0]), cells]));
  expect(codes.length).toBeGreaterThan(30);
  for (const { code, text } of codes)
    expect({ code, cells: texts.get(code) }).toEqual({ code, cells: expect.arrayContaining([text]) as unknown });
});

test("the sections that the code refers to are there", () => {
  const titles = [...read("docs/state.md").matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(expect.arrayContaining(["Is it a change?", "Which remote record is it?", "Generations"]));
});

test("links between the documents lead somewhere", () => {
  const documents = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ...markdownIn("docs")];
  const dead = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map(([, target = ""]) => join(dirname(document), target))
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${document} → ${target}`),
  );
  expect(dead).toEqual([]);
});

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}
