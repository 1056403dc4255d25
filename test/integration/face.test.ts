/** What the server says about a service comes from the service: another one is spoken of in its own words. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeApi } from "../../server/openapi/document";
import type { Face } from "../../src/services/face";
import { COMPANIES } from "../../src/services/planhat/object-types";
import { createFakeService } from "../unit/engine/fake-service";
import { CONNECTOR, errorOf, openEdge, OTHER, type Edge } from "./edge";

const FACE: Face = {
  title: "Acme <1>",
  manifest: { source: "acme", version: "7.0.0", description: "Keeps Hull and Acme in step." },
  assets: "assets",
  fieldLists: ["people", "teams"],
  missingToken: "Let somebody open Acme's door first.",
  remedies: { refused: "Ask Acme." },
  examples: { remoteId: "a-1", parent: "a team", skipped: { code: "not_wanted", text: "Acme does not want it." } },
};
const people = { ...COMPANIES, name: "people", entity: "user" } as const;
const FOREIGN = /planhat|enduser|compan(?:y|ies)|externalId/i;
const parts = { face: FACE, types: [people], operations: [] };

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge({}, parts);
});
beforeEach(() => edge.forget());
afterAll(() => edge.close());

test("the description speaks of the service, its types and lists, and of no other", () => {
  const document = JSON.stringify(describeApi({ ...createFakeService(), ...parts }));
  expect(document).not.toMatch(FOREIGN);
  expect(document).not.toContain("{{");
  for (const words of [
    '"title":"Hull Acme <1> connector","version":"7.0.0"',
    "Why is somebody not in Acme <1>?",
    "Begins a fetch of Acme <1>'s people if it is time",
    "Begins nothing: Acme <1> has no such records",
    '"enum":["people","teams"]',
    "Acme does not want it.",
    "with a team what failed because of it",
    '"counts":{"people":',
  ]) {
    expect(document).toContain(words);
  }
});

test("manifest, console and the page of the API show its name", async () => {
  expect((await edge.call("/manifest.json")).body).toEqual(FACE.manifest);
  const { text } = await edge.call("/console");
  expect(text).toContain("<title>Console · Hull Acme &lt;1&gt; connector</title>");
  expect((await edge.call("/docs")).text).toContain("<title>Hull Acme &lt;1&gt; connector: API</title>");
});

test("a fetch of what the service does not have has nothing to do", async () => {
  const { body } = await edge.call(`/fetch/accounts?${edge.query()}`);
  expect(body).toEqual({ ok: true, state: "halted", message: "Acme <1> has no records of Hull's accounts." });
  expect(edge.asked).toEqual([]);
  expect((await edge.call(`/fetch/users?${edge.query()}`)).body).toMatchObject({ state: "begun" });
  expect(edge.asked).toMatchObject([{ kind: "fetch", type: "people" }]);
});

test("remedies and lists are the service's own", async () => {
  const id = await edge.refuse("h1");
  expect((await edge.ask(`/api/internal/dead-letters/${id}`)).body).toMatchObject({ remedy: "Ask Acme." });
  const usual = await edge.refuse("h2", { code: "unconfirmed" });
  const { body } = await edge.ask(`/api/internal/dead-letters/${usual}`);
  expect(body["remedy"]).toMatch(/so the service may have it/);
  const bad = await edge.ask("/api/internal/dead-letters", { query: "type=" });
  expect(errorOf(bad).message).toContain("Name an object type such as people, or leave it out.");
});

test("connectors of another manifest are not served", async () => {
  edge.hull.addConnector({ ...OTHER, privateSettings: {}, manifest: { source: "planhat" } });
  edge.hull.addConnector({ ...CONNECTOR, privateSettings: {}, manifest: { source: "acme" } });
  expect(errorOf(await edge.ask("/api/internal/runs", { login: OTHER })).code).toBe("other_kind");
  expect((await edge.ask("/api/internal/runs")).status).toBe(200);
});

test("nothing of one service stands where all of them are served", () => {
  const root = join(__dirname, "../..");
  const files = ["src/engine", "src/storage", "src/outcome", "server"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file)),
  );
  expect(files.filter((file) => /planhat|enduser|externalId/i.test(readFileSync(join(root, file), "utf8")))).toEqual(
    [],
  );
  expect(files.length).toBeGreaterThan(150);
});
