/** `/openapi.json` says what the server does: every route, no other, in valid OpenAPI 3.1, with the answers it really gives. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Express } from "express";
import { METHODS } from "node:http";
import { describeApi, schemasOf, type DescribedService } from "../../server/openapi/document";
import type { Operation as Part, Piece } from "../../server/openapi/part";
import { createPlangradeService } from "../../src/services/plangrade";
import { createPlanningPmeService } from "../../src/services/planningpme";
import { createPlanSourceService } from "../../src/services/plansource";
import { ask as askAsHull, basic, queryOf, send } from "./asking";
import { describedRefusals, SERVICE } from "./described";
import { account, CONNECTOR, minute, openFixture, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";
import { buildUserMessage } from "../../simulators/hull";

interface Document {
  readonly openapi: string;
  readonly info: Piece;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Piece>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Piece>>>>;
}

interface Operation extends Part {
  readonly tags: readonly string[];
  readonly parameters?: readonly (Piece & { readonly name: string; readonly in: string; readonly schema: Piece })[];
}

/** A service's document with its schemas, and every described operation with its place. */
function readDocument<S>(service: DescribedService<S>) {
  const document = JSON.parse(JSON.stringify(describeApi(service))) as Document;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => !method.startsWith("x-"))
      .map(([method, operation]) => ({ path, item, method, operation: operation as Operation })),
  );
  return { document, schemas: schemasOf(service), operations };
}

const PLANHAT = readDocument(SERVICE);
const PLANSOURCE = readDocument(createPlanSourceService({ fingerprintKey: "described", answerWithinMs: 1_000 }));
const PLANNINGPME = readDocument(createPlanningPmeService({ fingerprintKey: "described", answerWithinMs: 1_000 }));
const PLANGRADE = readDocument(createPlangradeService({ fingerprintKey: "described", answerWithinMs: 1_000 }));
const { document: DOCUMENT, schemas: SCHEMAS, operations: OPERATIONS } = PLANHAT;

interface Route {
  readonly path: string;
  readonly methods: readonly string[] | "any";
}

/** What Express keeps of its routers; nothing of it is public, so whatever looks different fails the test. */
interface Layer {
  readonly name: string;
  readonly route?: {
    readonly path: string | readonly string[];
    readonly methods: Readonly<Record<string, boolean>>;
    readonly stack: readonly { readonly name: string }[];
  };
  readonly handle: { readonly name: string; readonly stack?: readonly Layer[] };
}

function routesOf(app: Express): readonly Route[] {
  const walk = (layers: readonly Layer[]): readonly Route[] =>
    layers.flatMap(({ route, handle }): readonly Route[] => {
      if (route === undefined) return walk(handle.stack ?? []);
      // What only refuses is no route.
      if (route.stack.every(({ name }) => name === "refusesOtherMethods")) return [];
      const methods = Object.keys(route.methods);
      return [route.path].flat().map((path) => ({ path, methods: methods.includes("_all") ? "any" : methods }));
    });
  return walk(app.router.stack as unknown as readonly Layer[]);
}

const ADMIN_TOKEN = "admin-token-of-this-house-0001";
const AS_ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** `/runs/:id` as OpenAPI writes it. */
const described = (path: string): string => path.replaceAll(/:(\w+)/g, "{$1}");

describe("routes and description", () => {
  let fixture: Fixture;
  // Express does not say where a router is mounted, so one service alone is served.
  beforeAll(async () => (fixture = await openFixture({ environment: { ADMIN_TOKEN, SERVICES: "planhat" } })));
  afterAll(() => fixture.close());

  test("are the same, in both directions", () => {
    const real = routesOf(fixture.connector.app).flatMap(({ path, methods }) =>
      methods === "any" ? [`any ${described(path)}`] : methods.map((method) => `${method} ${described(path)}`),
    );
    const written = OPERATIONS.filter(({ item }) => item["x-file"] === undefined).map(({ path, item, method }) =>
      item["x-any-method"] === true ? `any ${path}` : `${method} ${path}`,
    );
    expect(real.length).toBeGreaterThan(15);
    expect([...new Set(written)].sort()).toEqual([...new Set(real)].sort());
  });

  test("agree about the methods that a path takes", async () => {
    const options = METHODS.filter((method) => !["CONNECT", "HEAD"].includes(method));
    expect(options).toContain("DELETE");
    for (const [path, item] of Object.entries(DOCUMENT.paths)) {
      if (item["x-any-method"] === true || item["x-file"] === true) continue;
      // Nothing is said about `/admin` before the log-in.
      const headers = path.startsWith("/admin") ? AS_ADMIN : {};
      const response = await send(fixture.baseUrl, path.replace(/\{\w+\}/, "x"), { method: "PATCH", headers });
      expect([path, [404, 405].includes(response.status)]).toEqual([path, true]);
      const takes = OPERATIONS.some(({ path: other, operation }) => other === path && "405" in operation.responses);
      expect([path, response.status]).toEqual([path, takes ? 405 : 404]);
    }
  });

  test("agree about the files, which are no routes", async () => {
    const assets = readdirSync(join(__dirname, "../../assets"), { withFileTypes: true });
    const files = assets.flatMap((each) => (each.isFile() ? [each.name] : [])).sort();
    const written = Object.entries(DOCUMENT.paths).filter(([, item]) => item["x-file"] === true);
    const folder = written.find(([path]) => path === "/assets/{file}");
    const operation = folder?.[1]["get"] as Operation;
    expect(operation.parameters?.[0]?.schema["enum"]).toEqual(expect.arrayContaining(files));
    expect(written.map(([path]) => path).sort()).toEqual(["/assets/{file}", ...files.map((file) => `/${file}`)].sort());
    for (const file of files) {
      for (const folder of ["/assets", ""]) {
        expect((await send(fixture.baseUrl, `${folder}/${file}`)).status).toBe(200);
      }
    }
  });

  test("the description is served to everybody, and any page may read it", async () => {
    const { status, headers, text, body } = await send(fixture.baseUrl, "/openapi.json");
    expect([status, body]).toEqual([200, DOCUMENT]);
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    for (const secret of [CONNECTOR.secret, TOKEN, fixture.dataDir]) expect(text).not.toContain(secret);
    const post = await send(fixture.baseUrl, "/openapi.json", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("the page runs its own files only, and no more of either folder can be read", async () => {
    const page = await send(fixture.baseUrl, "/docs");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const { text: html } = page;
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|https?:/);
    for (const [, path = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([path, (await send(fixture.baseUrl, path)).status]).toEqual([path, 200]);
    }
    for (const path of [
      "index.html",
      "package.json",
      "swagger-ui.js.map",
      "..%2findex.html",
      "%2e%2e%2fassets",
      "x",
      "",
    ]) {
      const { status } = await send(fixture.baseUrl, `/docs/${path}`);
      expect([path, status]).toEqual([path, path === "" ? 200 : 404]);
    }
  });
});

describe.each([
  ["Planhat", PLANHAT],
  ["PlanSource", PLANSOURCE],
  ["PlanningPME", PLANNINGPME],
  ["plangrade", PLANGRADE],
])("the document of %s", (_service, { document, schemas: taken, operations }) => {
  test("is OpenAPI 3.1", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: expect.any(String) as string, version: expect.any(String) as string });
    for (const path of Object.keys(document.paths)) expect(path).toMatch(/^\/[\w./{}-]*$/);
    const shapes = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, "{}"));
    expect(new Set(shapes).size).toBe(shapes.length);
  });

  test("refers to nothing that is not there, and holds no schema that nobody refers to", () => {
    const referred = piecesIn(document).flatMap((piece) => (typeof piece["$ref"] === "string" ? [piece["$ref"]] : []));
    expect(referred.length).toBeGreaterThan(50);
    for (const target of referred) {
      const found = target
        .replace(/^#\//, "")
        .split("/")
        .reduce<unknown>((value, step) => (isPiece(value) ? value[step] : undefined), document);
      expect([target, isPiece(found)]).toEqual([target, true]);
    }
    const { schemas = {}, responses = {} } = document.components;
    const unused = [
      ...Object.keys(schemas).map((name) => `#/components/schemas/${name}`),
      ...Object.keys(responses).map((name) => `#/components/responses/${name}`),
    ].filter((target) => !referred.includes(target));
    expect(unused).toEqual([]);
  });

  test("names every schema and every operation once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
    expect(Object.keys(document.components["schemas"] ?? {}).sort()).toEqual([...taken.keys()].sort());
  });

  test.each(operations.map(({ method, path, operation }) => [`${method} ${path}`, path, operation] as const))(
    "%s is described completely",
    (_name, path, { tags, summary, security, parameters = [], responses }) => {
      expect(tags).toHaveLength(1);
      expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining([...tags]));
      expect(summary).not.toBe("");
      const schemes = Object.keys(document.components["securitySchemes"] ?? {});
      for (const each of security) expect(schemes).toEqual(expect.arrayContaining(Object.keys(each)));

      const inPath = parameters.filter((parameter) => parameter.in === "path");
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required === true)).toBe(true);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const { schema } of parameters) expect(isPiece(schema)).toBe(true);
      // The log-in of the internal API is nothing without the organization.
      if (security.some((each) => "connector" in each)) expect(names).toContain("query org");

      const statuses = Object.keys(responses);
      expect(statuses.some((status) => /^[23]\d\d$/.test(status))).toBe(true);
      for (const status of statuses) expect(status).toMatch(/^[2-5]\d\d$/);
      for (const response of Object.values(responses)) expect(descriptionOf(response, document)).not.toBe("");
    },
  );

  test("shows examples that its own schemas take", () => {
    const examples = piecesIn(document).flatMap(({ schema, example }) => {
      // A narrower one refers to it first.
      const [, name] = /#\/components\/schemas\/(\w+)/.exec(JSON.stringify(schema ?? {})) ?? [];
      return name === undefined || example === undefined ? [] : [{ name, example }];
    });
    expect(examples.length).toBeGreaterThan(15);
    for (const { name, example } of examples) expectTaken(name, example, taken);
  });
});

describe("answers are as they are described", () => {
  const open = useFixtures();

  const ask = async (
    fixture: Fixture,
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    name: string,
    content?: unknown,
    headers: Readonly<Record<string, string>> = { authorization: basic(CONNECTOR) },
  ): Promise<Piece> => {
    const query = path.includes("?") ? "&" : "?";
    const asked = { method, headers, body: content };
    const { status, body } = await send(fixture.baseUrl, `${path}${query}org=${fixture.hull.host}`, asked);
    const place = Object.entries(DOCUMENT.paths).find(([each]) => matches(each, path.replace(/\?.*$/, "")));
    const operation = place?.[1][method.toLowerCase()] as Operation | undefined;
    expect([path, schemaOf(operation, status)]).toEqual([path, name]);
    expectTaken(name, body);
    if (name === "Error") {
      const { code } = body["error"] as { readonly code: string };
      expect(describedRefusals(method.toLowerCase(), place?.[0] ?? "")).toContain(`${status} ${code}`);
    }
    return body;
  };

  test("of the runs", async () => {
    const fixture = await open();
    const { body: fetched } = await askAsHull(fixture, "/fetch/users", { force: "1", verbose: "1" });
    expectTaken("FetchAnswer", fetched);
    const id = String(fetched["run"]);
    await fixture.until(async () => (await fixture.connector.store.run(id))?.state === "success");
    await fixture.connector.store.report(id, [
      { type: "endusers", hullId: "h1", outcome: "sent", code: "told", text: "Hull was told." },
    ]);
    const { body: early } = await askAsHull(fixture, "/fetch/users");
    expect(early).toMatchObject({ state: "early" });
    expectTaken("FetchAnswer", early);

    const page = await ask(fixture, "GET", "/api/internal/runs", "RunPage");
    expect(page["runs"]).toHaveLength(1);
    const run = await ask(fixture, "GET", `/api/internal/runs/${id}?lines=5`, "RunDetail");
    expect(run).toMatchObject({ state: "success", report: { lines: [{ hull_id: "h1" }] } });
    await ask(fixture, "GET", `/api/internal/runs/${id}`, "RunDetail");
    await ask(fixture, "GET", "/api/internal/runs/unknown", "Error");
    await ask(fixture, "GET", "/api/internal/runs?limit=0", "Error");
    await ask(fixture, "POST", "/api/internal/dead-letters/x/replay", "Error");
  });

  test("of the dead letters", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1), user(2)]);
    const poison = (person: string) =>
      fixture.planhat.poison({ type: "endusers", field: "externalId", value: person }, "Position is odd");
    poison("person-1");
    poison("person-2");
    await fixture.tellUser(user(1), account(1));
    await fixture.tellUser(user(2), account(1));
    await fixture.settled();
    const base = "/api/internal/dead-letters";
    const page = await ask(fixture, "GET", `${base}?limit=1`, "DeadLetterPage");
    expect(page).toMatchObject({ dead_letters: [{ code: "refused" }], next: expect.any(String) as string });
    const [{ id }] = page["dead_letters"] as readonly [{ readonly id: string }];
    expect(await ask(fixture, "GET", `${base}/${id}`, "DeadLetterDetail")).toMatchObject({ id, derived: false });
    expect(await ask(fixture, "DELETE", `${base}/${id}`, "DeadLetter")).toMatchObject({ id });
    await ask(fixture, "DELETE", `${base}/${id}`, "Error");
    const rest = await ask(fixture, "GET", base, "DeadLetterPage");
    const [{ id: other }] = rest["dead_letters"] as readonly [{ readonly id: string }];
    expect(await ask(fixture, "POST", `${base}/${other}/replay`, "Replay")).toMatchObject({ queued: 1 });
    await fixture.settled();
    expect(await ask(fixture, "POST", `${base}/replay`, "ReplayPage")).toMatchObject({ queued: 1, next: null });
    await fixture.settled();
  });

  test("of everything that whoever runs the server may ask", async () => {
    const fixture = await open({ environment: { ADMIN_TOKEN } });
    fixture.seed([account(1)], [user(1), user(2)]);
    const poison = (person: string) =>
      fixture.planhat.poison({ type: "endusers", field: "externalId", value: person }, "Position is odd");
    const heal = [poison("person-1"), poison("person-2")];
    await fixture.tellUser(user(1), account(1));
    await fixture.tellUser(user(2), account(1));
    await fixture.settled();
    const askAdmin = (method: Parameters<typeof ask>[1], path: string, name: string): Promise<Piece> =>
      ask(fixture, method, `/admin${path}`, name, undefined, AS_ADMIN);
    const page = await askAdmin("GET", "/dead-letters?limit=1", "AnyDeadLetterPage");
    const [{ id }] = page["dead_letters"] as readonly [{ readonly id: string }];
    await askAdmin("GET", `/dead-letters/${id}`, "AnyDeadLetterDetail");
    await askAdmin("DELETE", `/dead-letters/${id}`, "AnyDeadLetter");
    await askAdmin("DELETE", `/dead-letters/${id}`, "Error");
    for (const mend of heal) mend();
    const rest = await askAdmin("GET", "/dead-letters", "AnyDeadLetterPage");
    const [{ id: other }] = rest["dead_letters"] as readonly [{ readonly id: string }];
    expect(await askAdmin("POST", `/dead-letters/${other}/replay`, "Replay")).toMatchObject({ queued: 1 });
    await fixture.settled();
    await askAdmin("POST", "/dead-letters/replay", "ReplayPage");
    await askAdmin("GET", "/dead-letters?limit=0", "Error");
    const { tenants } = await askAdmin("GET", "/tenants", "Connectors");
    expect(tenants).toMatchObject([{ tenant: fixture.tenantKey, dead_letters: 0 }]);
    await askAdmin("DELETE", `/tenants/${encodeURIComponent(fixture.tenantKey)}`, "Forgotten");
    await askAdmin("DELETE", `/tenants/${encodeURIComponent(fixture.tenantKey)}`, "Error");
    await ask(fixture, "GET", "/admin/tenants", "Error");
  });

  test("of the status and of the lists of fields", async () => {
    const fixture = await open();
    const query = queryOf({ organization: fixture.hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret });
    fixture.planhat.tenant().seedCustomField({ name: "Health", type: "number", parent: "EndUser" });
    await ask(fixture, "GET", `/status?${query}`, "ConnectorStatus");
    fixture.planhat.faults.add({ kind: "status", status: 401 });
    await fixture.saveSettings({ contact_synchronized_segments: [] });
    const status = await ask(fixture, "POST", `/status?${query}`, "ConnectorStatus");
    expect(status["messages"]).not.toEqual([]);
    await ask(fixture, "GET", "/status", "Error");
    const list = await ask(fixture, "GET", `/schema/contacts?${query}`, "FieldList");
    expect(list["options"]).not.toEqual([]);
    await ask(fixture, "POST", `/schema/companies/incoming?${query}`, "FieldList");
    expect(await ask(fixture, "GET", "/schema/nothing", "FieldList")).toMatchObject({ ok: false });
  });

  test("of the team members", async () => {
    const fixture = await open();
    const base = "/api/internal/users";
    const ann = { email: "ann@rep.example", firstName: "Ann", lastName: "Lee", nickName: "Ann" };
    expectTaken("NewTeamMember", ann);
    const { _id: id } = await ask(fixture, "POST", base, "TeamMember", ann);
    await ask(fixture, "GET", `${base}/${String(id)}`, "TeamMember");
    await ask(fixture, "PUT", `${base}/${String(id)}`, "TeamMember", { nickName: "Annie" });
    expect(await ask(fixture, "GET", `${base}?cacheclear=1`, "TeamMembers")).toHaveLength(1);
    await ask(fixture, "GET", `${base}?cacheclear=perhaps`, "Error");
    await ask(fixture, "POST", base, "Error", { email: "nobody" });
    await ask(fixture, "GET", `${base}/unknown`, "Error");
    fixture.planhat.faults.add({ kind: "status", status: 401 });
    await ask(fixture, "GET", `${base}/${String(id)}`, "Error");
    await fixture.saveSettings({ personal_acccess_token: "" });
    await ask(fixture, "GET", base, "Error");
  });

  test("of explanations", async () => {
    const fixture = await open();
    fixture.seed([account(1), account(2)], [user(1), user(2)]);
    fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme-2" }, "Name is odd");
    const notification = { channel: "user:update", messages: [buildUserMessage(user(1), { account: account(1) })] };
    expectTaken("QuestionByNotification", notification);
    const foretold = await ask(fixture, "POST", "/explain", "Explanation", notification);
    expect(foretold["records"]).toMatchObject([{ would: { outcome: "sent" } }, { derived: true }]);

    await fixture.tellUser(user(1), account(1));
    await fixture.tellUser(user(2), account(2));
    await fixture.settled();
    for (const content of [{ email: "person-1@example.com" }, { id: user(1).id }, { external_id: "acme-2" }]) {
      const explanation = await ask(fixture, "POST", "/explain", "Explanation", content);
      expect(explanation["records"]).toHaveLength(1);
    }
    const changed = [
      buildUserMessage(user(1, { position: "Chief", indexed_at: minute(2) }), { account: account(1) }),
      {},
    ];
    await ask(fixture, "POST", "/explain", "Explanation", { ...notification, messages: changed });
    fixture.planhat.faults.add({ kind: "status", status: 503 });
    await fixture.tellUser(user(1, { position: "Chief", indexed_at: minute(2) }), account(1));
    await ask(fixture, "POST", "/explain", "Explanation", { email: "person-1@example.com" });
    fixture.planhat.faults.clear();
    await ask(fixture, "POST", "/explain", "Error", { email: 1 });
    await fixture.settledWithHelp();
  });

  test("of everything that needs no log-in", async () => {
    const fixture = await open();
    for (const [path, name] of [
      ["/health", "Status"],
      ["/ready", "Status"],
      ["/manifest.json", "Manifest"],
      ["/openapi.json", "OpenApi"],
    ] as const) {
      await ask(fixture, "GET", path, name);
    }
    expectTaken("Error", (await send(fixture.url, "", { method: "POST", body: {} })).body);
  });
});

/** A body that the schema takes and describes to the last field. */
function expectTaken(name: string, body: unknown, schemas = SCHEMAS): void {
  const parsed = schemas.get(name)?.safeParse(body);
  expect({ name, error: parsed?.error?.issues }).toEqual({ name, error: undefined });
  // What a schema does not know is missing behind it; a notification is rearranged as it is read.
  if (name !== "Notification") expect(parsed?.data).toEqual(body);
}

function schemaOf(operation: Operation | undefined, status: number): string | undefined {
  const response = resolved(operation?.responses[status]);
  const text = JSON.stringify(response["content"] ?? {});
  return /#\/components\/schemas\/(\w+)/.exec(text)?.[1];
}

function descriptionOf(response: Piece, document: Document): unknown {
  return resolved(response, document)["description"] ?? "";
}

function resolved(response: Piece | undefined, document = DOCUMENT): Piece {
  const target = response?.["$ref"];
  if (typeof target !== "string") return response ?? {};
  return document.components["responses"]?.[target.split("/").at(-1) ?? ""] ?? {};
}

/** Whether a path is one of those that a described one stands for; fixed words count before placeholders. */
function matches(template: string, path: string): boolean {
  if (path in DOCUMENT.paths) return template === path;
  return new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
}

function isPiece(value: unknown): value is Piece {
  return typeof value === "object" && value !== null;
}

function piecesIn(value: unknown): readonly Piece[] {
  if (!isPiece(value)) return [];
  const inner = Object.values(value).flatMap(piecesIn);
  return Array.isArray(value) ? inner : [value, ...inner];
}
