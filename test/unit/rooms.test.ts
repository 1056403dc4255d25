/** The rooms of the code: no file imports itself by a detour, types included, and no folder is too crowded. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = join(__dirname, "..", "..");
const MOST_FILES = 15;

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) return filesIn(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:from|import\() ?"(\.[^"]*)"/g)].flatMap(([, specifier = ""]) => {
    const base = resolve(ROOT, dirname(file), specifier);
    const found = [`${base}.ts`, join(base, "index.ts")].find((each) => existsSync(each));
    return found === undefined ? [] : [relative(ROOT, found)];
  });
}

const files = ["src", "server", "simulators", "bench", "test"].flatMap(filesIn);
const imports = new Map(files.map((file) => [file, importsOf(file)]));

test("no file imports itself by a detour", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (path.includes(file) || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
  // The walk has seen them all.
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length);
});

test("no folder of src or server holds more files than one can take in at a glance", () => {
  const product = [...filesIn("src"), ...filesIn("server")];
  const counts = new Map<string, number>();
  for (const file of product) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
});
