/** Operations are data: routes, log-in, limits, audit lines and what is remembered come from the declaration. */
import { describeApi } from "../../server/openapi/document";
import type { Touched } from "../../src/services/operations";
import { createFakeService } from "../unit/engine/fake-service";
import { CASES, madeUpOperations, type Case, type Script } from "./operations.cases";
import { errorOf, openEdge, type Edge } from "./edge";
import { describedRefusals, type Described } from "./described";

const script: Script = { ran: [], next: {} };
const operations = madeUpOperations(script);
const remembered: (readonly [tenant: string, touched: readonly Touched[]])[] = [];
let isStoreBroken = false;
let edge: Edge;

beforeAll(async () => {
  edge = await openEdge(
    {},
    {
      operations,
      corsOrigins: ["https://app.example.com"],
      remember: ({ key }, touched) => {
        remembered.push([key, touched]);
        return isStoreBroken ? Promise.reject(new Error("The disk is full.")) : Promise.resolve();
      },
    },
  );
});
beforeEach(() => {
  script.ran.length = 0;
  remembered.length = 0;
  isStoreBroken = false;
  edge.forget();
});
afterAll(() => edge.close());

interface Line {
  readonly message: string;
  readonly level: string;
  readonly context: unknown;
  readonly data: unknown;
}

const auditLines = (): readonly Line[] =>
  edge
    .logged()
    .split("\n")
    .filter((line) => line.includes('"connector.operation"'))
    .map((line) => JSON.parse(line) as Line);

describe.each(Object.entries(CASES))("%s", (_about, cases) => {
  test.each(cases.map((each) => [each.name, each] as const))("%s", async (_name, row: Case) => {
    script.next = row.next ?? { body: { id: "t1" } };
    const { path, ...asked } = row.asked;
    const headers = { "x-request-id": "the-callers-own", ...asked.headers };
    const answer = await edge.ask(`/api/internal${path}`, { ...asked, headers });
    const [status, code] = row.answer.split(" ");
    expect([answer.status, code === undefined ? undefined : errorOf(answer).code]).toEqual([Number(status), code]);
    if (row.says !== undefined) expect(errorOf(answer).message).toContain(row.says);
    if (typeof row.body === "string") expect(answer.text).toBe(row.body);
    else if (row.body !== undefined) expect(answer.body).toEqual(row.body);
    for (const [name, value] of Object.entries(row.headers ?? {})) {
      expect([name, answer.headers.get(name)]).toEqual([name, value]);
    }
    // A page of another site and a wrong log-in are nobody's calls.
    const isOurs = !["401", "403", "405"].includes(status ?? "");
    if (isOurs) expect(answer.headers.get("cache-control")).toBe("no-store");

    if (row.ran !== undefined) {
      const [id, input] = row.ran;
      const asker = { key: edge.tenantKey, settings: { host: "one" }, target: { baseUrl: "https://one.example" } };
      expect(script.ran).toMatchObject([{ id, input, asker }]);
    }
    const audit = row.audit && {
      level: "info",
      context: {
        organization: edge.organization,
        id: edge.tenantKey.split("/")[2],
        request_id: "the-callers-own",
      },
      data: { operation: row.audit[0], method: row.audit[1], path: row.audit[2], status: row.audit[3] },
    };
    expect(auditLines().map(({ level, context, data }) => ({ level, context, data }))).toEqual(audit ? [audit] : []);
    expect(remembered).toEqual(row.remembered === undefined ? [] : [[edge.tenantKey, row.remembered]]);
  });
});

test("a page of a named origin may use the methods that are declared", async () => {
  const { headers } = await edge.call("/api/internal/things/t1", {
    method: "OPTIONS",
    headers: { origin: "https://app.example.com", "access-control-request-method": "DELETE" },
  });
  const allowed = headers.get("access-control-allow-methods")?.split(", ");
  expect(allowed).toEqual(expect.arrayContaining(["GET", "HEAD", ...operations.map(({ method }) => method)]));
  expect(allowed).toContain("DELETE");
});

test("what was done is answered even if it cannot be remembered, and the log says so", async () => {
  isStoreBroken = true;
  script.next = { body: { id: "t1" } };
  const { status } = await edge.ask("/api/internal/things", { method: "POST", body: { size: 1 } });
  expect([status, edge.logged().includes("The disk is full.")]).toEqual([201, true]);
});

test("a connector that cannot reach the service is told what to mend, and nothing runs", async () => {
  edge.hull.saveSettings("5f0000000000000000000002", { host: "one" });
  const login = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
  const answer = await edge.ask("/api/internal/things", { login });
  expect([answer.status, errorOf(answer).code, script.ran]).toEqual([409, "missing_token", []]);
});

describe("the description", () => {
  const document = describeApi({ ...createFakeService(), operations }) as unknown as Described;
  const { paths } = document as unknown as { readonly paths: Record<string, Record<string, Operation>> };
  interface Operation {
    readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  }

  test("has each operation at its place", () => {
    for (const { id, method, path } of operations) {
      expect(paths[`/api/internal${path}`]?.[method.toLowerCase()]).toMatchObject({ operationId: id });
    }
  });

  test("has the parameters of path and query, and asks for the confirmation", () => {
    const named = paths["/api/internal/things/{id}"]?.["delete"]?.parameters.map((each) => [
      each.in,
      each.name,
      each.required,
    ]);
    expect(named).toEqual([
      ["path", "id", true],
      ["query", "org", true],
      ["query", "confirm", true],
    ]);
    const tag = paths["/api/internal/things"]?.["get"]?.parameters.find(({ name }) => name === "tag");
    expect(JSON.stringify(tag)).toContain('"array"');
    expect(JSON.stringify(paths["/api/internal/request"])).toContain("Nobody knows what goes with it.");
  });

  test("names every refusal that the cases have met", () => {
    for (const { asked, answer } of Object.values(CASES).flat()) {
      if (!answer.includes(" ") || answer.includes("405")) continue;
      const place = operations.find(({ path }) => matches(path, asked.path))?.path ?? "";
      const described = describedRefusals((asked.method ?? "GET").toLowerCase(), `/api/internal${place}`, document);
      expect(described).toContain(answer);
    }
  });
});

const matches = (template: string, path: string): boolean =>
  new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
