/**
 * Whatever code a route can refuse with is in its description, and no other. Which ones it can is read from the
 * sources: of the route, of how it knows who is asking, and of everything in this folder that either of them uses.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { REFUSALS } from "../../../server/middleware/authentication";
import { adminPart } from "../../../server/admin/openapi";
import { alertPart } from "../../../server/routes/alerts/openapi";
import { batchPart } from "../../../server/routes/batches/openapi";
import { deadLetterPart } from "../../../server/routes/dead-letters/openapi";
import { explainPart } from "../../../server/routes/explain/openapi";
import { fetchPart } from "../../../server/routes/fetches/openapi";
import { notificationPart } from "../../../server/routes/notifications/openapi";
import { describeApi } from "../../../server/openapi/document";
import type { Operation, Part } from "../../../server/openapi/part";
import { operationParts } from "../../../server/routes/operations/openapi";
import { outcomePart } from "../../../server/routes/outcomes/openapi";
import { runPart } from "../../../server/routes/runs/openapi";
import { statusPart } from "../../../server/routes/status/openapi";
import { SIGNATURE_REFUSALS } from "../../../src/hull/auth/signature";
import { describedRefusals as describedIn, type Described } from "../../integration/described";
import { createFakeService } from "../engine/fake-service";
import { madeUpOperations } from "../../integration/operations.cases";

const SERVER = join(__dirname, "../../../server");

/** A service with an operation of every kind, since operations can refuse what they are declared to refuse. */
const operations = madeUpOperations({ ran: [], next: {} });
const service = { ...createFakeService(), operations };
const [operationPart] = operationParts(operations);
if (operationPart === undefined) throw new Error("There are no operations.");
const DOCUMENT = describeApi(service) as unknown as Described;
const describedRefusals = (method: string, path: string) => describedIn(method, path, DOCUMENT);

/** By the folder in which route and description stand. */
const PARTS: Readonly<Record<string, Part>> = {
  admin: adminPart,
  alerts: alertPart,
  batches: batchPart,
  "dead-letters": deadLetterPart,
  explain: explainPart,
  fetches: fetchPart(service),
  notifications: notificationPart,
  outcomes: outcomePart,
  runs: runPart,
  status: statusPart,
  operations: operationPart,
};

/** Lists of fields, public pages and what is asked about the process refuse nobody; an authorization answers in pages. */
const OTHERS = ["authorization", "health", "public", "schema"];

/** What is no literal in the source. */
const COMPUTED: Readonly<Record<string, readonly string[]>> = {
  reason: Object.keys(REFUSALS),
  reading: ["invalid_token", "expired_token"],
  "`signature_${verdict.reason}`": SIGNATURE_REFUSALS.map((reason) => `signature_${reason}`),
  // Of the declarations.
  "error.code": operations.flatMap(({ refusals, parameters, body }) => [
    ...refusals.flatMap(({ codes }) => codes),
    ...[parameters, body].flatMap((part) => (part === undefined ? [] : [part.words.code])),
  ]),
  // Of the words that callers give along, which are found where they stand.
  "words.code": [],
};

interface Refused {
  /** Undefined: it depends. */
  readonly status: string | undefined;
  readonly code: string;
}

function refusedIn(file: string): readonly Refused[] {
  const source = readFileSync(file, "utf8");
  const calls = [...source.matchAll(/(?:new HttpError|\brefuse)\(\s*([^,]+),\s*([^,]+),/g)];
  const thrown = calls.flatMap(([call, status = "", expression = ""]) => {
    const [, literal] = /^"(\w+)"$/.exec(expression) ?? [];
    const codes = literal === undefined ? COMPUTED[expression] : [literal];
    if (codes === undefined) throw new Error(`Which codes are these? ${basename(file)}: ${call}`);
    return codes.map((code) => ({ status: /^\d+$/.test(status) ? status : undefined, code }));
  });
  const ofInput = [...source.matchAll(/code: "(\w+)",\s*problem:/g)];
  return [...thrown, ...ofInput.map(([, code = ""]) => ({ status: "400", code }))];
}

/** The file and what it uses of the server's own, however far away. */
function usedBy(file: string, found = new Set<string>()): ReadonlySet<string> {
  found.add(file);
  for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
    const place = join(dirname(file), path);
    const used = existsSync(`${place}.ts`) ? `${place}.ts` : join(place, "index.ts");
    if (used.startsWith(SERVER) && existsSync(used) && !found.has(used)) usedBy(used, found);
  }
  return found;
}

const operationsOf = ({ paths }: Part): readonly (readonly [method: string, path: string, operation: Operation])[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      typeof operation === "object" ? [[method, path, operation] as const] : [],
    ),
  );

function rootsOf(name: string, operations: ReturnType<typeof operationsOf>): readonly string[] {
  const schemes = operations.flatMap(([, , { security }]) => security.flatMap((each) => Object.keys(each)));
  return [
    ...(name === "admin" ? ["admin/route", "admin/gate"] : [`routes/${name}/route`]),
    ...(schemes.includes("connector") ? ["middleware/basic-auth"] : []),
    ...(schemes.includes("organization") ? ["middleware/query-credentials"] : []),
  ];
}

const keyOf = ({ status = "any", code }: Refused): string => `${status} ${code}`;

/** Of the answers to all routes; `what any route may answer` looks for them. */
const OF_ALL = ["errors.ts", "http-error.ts"];

test.each(Object.entries(PARTS))("%s can refuse with what is described, and with nothing else", (name, part) => {
  const operations = operationsOf(part);
  const onlyReads = operations.every(([method]) => method === "get");
  const files = new Set(rootsOf(name, operations).flatMap((root) => [...usedBy(join(SERVER, `${root}.ts`))]));
  const possible = [...files]
    .filter((file) => !OF_ALL.includes(basename(file)))
    // Pages of other sites may ask, and learn nothing; only bodies of unknown senders are bounded in how they are
    // packed.
    .filter((file) => !(onlyReads && basename(file) === "own-site.ts"))
    // Whoever runs the server has no credentials for Hull to judge.
    .filter((file) => !(name === "admin" && basename(file) === "authentication.ts"))
    .flatMap(refusedIn)
    .filter(({ code }) => name === "notifications" || code !== "too_packed");
  const described = operations
    .flatMap(([method, path]) => describedRefusals(method, path))
    .filter((each) => !/ (?:internal|disk_full|store_lost|unreadable_path|method_not_allowed)$/.test(each));

  const isDescribed = ({ status, code }: Refused): boolean =>
    described.some((each) => (status === undefined ? each.endsWith(` ${code}`) : each === `${status} ${code}`));
  expect(possible.filter((each) => !isDescribed(each)).map(keyOf)).toEqual([]);
  const isPossible = (each: string): boolean =>
    possible.some(({ status = each.slice(0, 3), code }) => each === `${status} ${code}`);
  expect(described.filter((each) => !isPossible(each))).toEqual([]);
  expect(possible.length).toBeGreaterThan(name === "admin" ? 5 : 10);
});

test("what any route may answer is described: our own trouble, and a path that cannot be read", () => {
  for (const [name, part] of Object.entries(PARTS)) {
    for (const [method, path] of operationsOf(part)) {
      const described = describedRefusals(method, path);
      // The status answers 500 instead, in a shape of its own.
      expect([path, described.includes("503 internal")]).toEqual([path, name !== "status"]);
      expect([path, described.includes("400 unreadable_path")]).toEqual([path, path.includes("{")]);
    }
  }
});

test("the guide names the codes of notifications, too", () => {
  const guide = readFileSync(join(SERVER, "../docs/operations/operate.md"), "utf8");
  const chapter = /## Answers to Hull\n(.*?)\n## /s.exec(guide)?.[1] ?? "";
  const rows = chapter.split("\n").filter((line) => line.startsWith("| "));
  for (const [status, code = ""] of describedRefusals("post", "/smart-notifier").map((each) => each.split(" "))) {
    const word = code.replace(/^signature_(?!missing|unavailable).*/, "signature_…");
    const isNamed = rows.some((row) => row.startsWith(`| ${status} `) && row.includes(`\`${word}\``));
    expect([status, code, isNamed]).toEqual([status, code, true]);
  }
});

test("no route with a description was forgotten here", () => {
  const named = Object.keys(PARTS).filter((name) => name !== "admin");
  expect([...named, ...OTHERS].sort()).toEqual(readdirSync(join(SERVER, "routes")).sort());
});
