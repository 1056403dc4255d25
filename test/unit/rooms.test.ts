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

const files = ["src", "server", "simulators", "bench", "scripts", "test"].flatMap(filesIn);
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

/** Rooms of one folder, in the order in which they may import each other. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "src/services/plangrade": ["settings", "api", "remote", "write"],
  "src/services/planhat": ["api", "settings", "mapping", "lookup", "incoming", "write", "users"],
  "src/services/planningpme": ["settings", "api", "remote", "write"],
  "src/services/plansource": ["settings", "api", "rules", "remote", "write"],
  "src/engine/outbox": ["events", ""],
  "src/storage": ["database", "tables", "erase"],
};

test.each(Object.entries(ORDERS))("the rooms of %s import one way", (folder, order) => {
  const roomOf = (file: string): number => order.indexOf(relative(folder, dirname(file)));
  const backwards = filesIn(folder).flatMap((file) =>
    (imports.get(file) ?? [])
      .filter((next) => next.startsWith(`${folder}/`) && roomOf(file) !== -1 && roomOf(next) > roomOf(file))
      .map((next) => `${file} → ${next}`),
  );
  expect(backwards).toEqual([]);
});

test("no folder of src or server holds more files than one can take in at a glance", () => {
  const product = [...filesIn("src"), ...filesIn("server")];
  const counts = new Map<string, number>();
  for (const file of product) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
});

/**
 * What the rest of the product may import from a room, its own rooms aside; in all other rooms every file is open. Routes
 * show their route and their description, and what others answer or read in the same words.
 */
const FACES: Readonly<Record<string, readonly string[]>> = {
  "server/bodies": ["index", "turns"],
  "server/routes/batches": ["route", "openapi"],
  "server/routes/dead-letters": ["route", "answer", "openapi"],
  "server/routes/explain": ["route", "answer", "known", "openapi"],
  "server/routes/notifications": ["route", "openapi"],
  "server/routes/outcomes": ["route", "answer", "files", "openapi"],
  "server/routes/runs": ["route", "list", "options", "openapi"],
  "src/engine/delivery": ["worker", "cycle", "resolve", "work"],
  "src/engine/explain": ["explain", "sentences"],
  "src/engine/fetch": ["fetch", "step"],
  "src/engine/intake": ["intake", "erase-user", "message", "plans", "unchanged"],
  "src/engine/outbox": ["damaged", "outbox"],
  "src/engine/runs": ["runs", "orders"],
  "src/engine/alerts": ["alerts", "conditions", "connector"],
  "src/engine/status": ["health", "field-options", "findings"],
  "src/hull/extract": ["extract", "link", "error"],
  "src/services/planhat": ["index"],
  "src/services/planhat/incoming": ["incoming", "listing"],
  "src/services/planhat/mapping": ["outgoing", "fingerprint"],
  "src/services/plangrade": ["index"],
  "src/services/planningpme": ["index"],
  "src/services/plansource": ["index"],
  "src/storage": [
    ...["dry-run", "move", "store", "upgrade", "check/report", "data-folder/upgrade/index"],
    ...["lmdb", "rows"].map((name) => `database/${name}`),
    ...["address", "connection", "database", "presence", "watch"].map((name) => `database/redis/${name}`),
    ...[
      "dead-letters",
      "disk",
      "documents",
      "figures",
      "lane",
      "leases",
      "rows",
      "runs",
      "seal",
      "store",
      "stored",
    ].map((name) => `port/${name}`),
    ...["backup", "disk", "exclusive", "lock-address", "private", "unclean"].map((name) => `data-folder/${name}`),
  ],
};

test.each(Object.entries(FACES))("%s is entered by its face alone", (room, face) => {
  const inside = (file: string): boolean => file.startsWith(`${room}/`);
  const product = [...filesIn("src"), ...filesIn("server")];
  const entered = new Set(product.flatMap((file) => (inside(file) ? [] : (imports.get(file) ?? []).filter(inside))));
  // Nothing else is entered, and nothing is called a face that nobody uses.
  expect([...entered].sort()).toEqual(face.map((name) => `${room}/${name}.ts`).sort());
});
