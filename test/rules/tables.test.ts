/** Every table of the documentation is whole: a head, a rule below it, and rows of as many cells, without a gap. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const pages = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true }).map((name) => `docs/${String(name)}`),
].filter((name) => name.endsWith(".md"));

const cellsOf = (row: string): number => row.replaceAll("\\|", "").split("|").length;

/** Lines that look like a part of a table and are shown as text. */
function brokenRows(page: string): readonly string[] {
  const text = page.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll("|", " "));
  const lines = text.split("\n");
  return lines.filter((line, index) => {
    if (!line.startsWith("|")) return false;
    const before = lines.slice(0, index).findLastIndex((each) => !each.startsWith("|"));
    const [head = "", rule = ""] = lines.slice(before + 1, index + 2);
    return !/^\|( *:?-+:? *\|)+$/.test(rule) || cellsOf(line) !== cellsOf(head);
  });
}

test("the tables of all pages are whole", () => {
  expect(pages).toContain("docs/operations/api.md");
  const broken = pages.flatMap((name) =>
    brokenRows(readFileSync(join(ROOT, name), "utf8")).map((row) => `${name}: ${row}`),
  );
  expect(broken).toEqual([]);
});

test("a table with a gap, or with a row too short, is seen", () => {
  const table = ["| a | b |", "| --- | --- |", "| 1 | 2 |"];
  expect(brokenRows([...table, "", "| 3 | 4 |"].join("\n"))).toEqual(["| 3 | 4 |"]);
  expect(brokenRows([...table, "| 3 |"].join("\n"))).toEqual(["| 3 |"]);
  expect(brokenRows(table.join("\n"))).toEqual([]);
});
