/** The public routes, as the dashboard and browsers ask for them: from the source and from a build. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import manifest from "../../manifest.json";
import { openFixture, type Fixture } from "../fixture/fixture";
import { send } from "./asking";

const ROOT = join(__dirname, "../..");

const PUBLIC = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

const FILES = [
  ["readme.md", "text/markdown; charset=utf-8"],
  ["logo.png", "image/png"],
  ["logo.svg", "image/svg+xml"],
] as const;

describe("from the source", () => {
  let fixture: Fixture;
  beforeAll(async () => (fixture = await openFixture()));
  afterAll(() => fixture.close());

  test("the manifest is served for any page to read", async () => {
    const { status, headers, body } = await send(fixture.baseUrl, "/manifest.json");
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      ...PUBLIC,
      "content-type": "application/json; charset=utf-8",
      "cache-control": "public, max-age=300",
    });
    expect(body).toEqual(manifest);
  });

  test("the manifest names no host, so every deployment can serve it", async () => {
    expect((await send(fixture.baseUrl, "/manifest.json")).text).not.toMatch(/https?:/);
  });

  test.each(
    FILES.flatMap(([file, type]) => [[`/assets/${file}`, file, type] as const, [`/${file}`, file, type] as const]),
  )("%s is there", async (path, file, type) => {
    const { status, headers, bytes } = await send(fixture.baseUrl, path);
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      ...PUBLIC,
      "content-type": type,
      "cache-control": "public, max-age=3600",
    });
    expect(bytes.equals(readFileSync(join(ROOT, "assets", file)))).toBe(true);
  });

  test("what a browser has already is not sent again", async () => {
    const { headers } = await send(fixture.baseUrl, "/logo.png");
    const again = await send(fixture.baseUrl, "/logo.png", {
      headers: { "if-none-match": String(headers.get("etag")) },
    });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
  });

  test.each([
    "/assets",
    "/assets/",
    "/assets/nothing.png",
    "/assets/../package.json",
    "/assets/%2e%2e/package.json",
    "/assets/..%2fpackage.json",
    "/assets/..%5cpackage.json",
    "/assets//package.json",
    "/../package.json",
    "/%2e%2e%2fpackage.json",
    "/package.json",
    "/.env",
    "/assets/%00",
    "/assets/%",
  ])("%s leads nowhere", async (path) => {
    const { status, headers, body } = await send(fixture.baseUrl, path);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(body).toMatchObject({ error: { code: "not_found" } });
  });

  test("/readme leads to the guide in the dashboard", async () => {
    const { status, headers } = await send(fixture.baseUrl, "/readme", { headers: { host: "planhat.example.com" } });
    expect(status).toBe(302);
    expect(Object.fromEntries(headers)).toMatchObject({
      location: "https://dashboard.hullapp.io/readme?url=https://planhat.example.com",
      "cache-control": "no-store",
    });
  });

  test.each([
    ["127.0.0.1:8082", "127.0.0.1:8082"],
    ["[::1]:8082", "[::1]:8082"],
    ["my_app.internal", "my_app.internal"],
  ])("the host %s is taken with its port", async (host, expected) => {
    const { headers } = await send(fixture.baseUrl, "/readme", { headers: { host } });
    expect(headers.get("location")).toBe(`https://dashboard.hullapp.io/readme?url=https://${expected}`);
  });

  test.each(["evil.example/path", "a.example&url=https://evil.example", "a.example#", "me@evil.example", "a b", ".."])(
    "a host header of %j is refused",
    async (host) => {
      const { status, headers, body } = await send(fixture.baseUrl, "/readme", { headers: { host } });
      expect(status).toBe(400);
      expect(headers.get("location")).toBeNull();
      expect(body).toMatchObject({ error: { code: "invalid_host" } });
    },
  );

  test("a request without a host is refused", async () => {
    const { hostname, port } = new URL(fixture.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.write("GET /readme HTTP/1.0\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.toString()).not.toMatch(/^location:/im);
  });

  test("a forwarded host is not believed without a trusted proxy", async () => {
    const { headers } = await send(fixture.baseUrl, "/readme", {
      headers: { host: "a.example", "x-forwarded-host": "evil.example" },
    });
    expect(headers.get("location")).toBe("https://dashboard.hullapp.io/readme?url=https://a.example");
  });
});

test("behind a trusted proxy the address of the outside counts", async () => {
  const fixture = await openFixture({ environment: { TRUST_PROXY: "1" } });
  try {
    const forwarded = (host: string) =>
      send(fixture.baseUrl, "/readme", { headers: { host: "inner:8082", "x-forwarded-host": host } });
    expect((await forwarded("planhat.example.com, inner")).headers.get("location")).toBe(
      "https://dashboard.hullapp.io/readme?url=https://planhat.example.com",
    );
    expect((await forwarded("evil.example/x")).status).toBe(400);
  } finally {
    await fixture.close();
  }
});

describe("from a build", () => {
  const folder = mkdtempSync(join(tmpdir(), "build-"));
  let child: ChildProcess;
  let baseUrl = "";

  // The layout of `npm run build`, with only what these routes need: `dist` beside the project's `assets`.
  beforeAll(async () => {
    for (const file of [
      "server/routes/public/manifest",
      "server/flow-control",
      "server/project-folder",
      "server/http-error",
    ]) {
      const { outputText } = ts.transpileModule(readFileSync(join(ROOT, `${file}.ts`), "utf8"), {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true },
      });
      mkdirSync(dirname(join(folder, "dist", file)), { recursive: true });
      writeFileSync(join(folder, "dist", `${file}.js`), outputText);
    }
    cpSync(join(ROOT, "manifest.json"), join(folder, "dist/manifest.json"));
    cpSync(join(ROOT, "assets"), join(folder, "assets"), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const main = join(folder, "dist/main.js");
    writeFileSync(
      main,
      `const { manifestRoutes } = require("./server/routes/public/manifest");
      const routes = manifestRoutes({ manifest: require("./manifest.json"), assets: "assets" }, "");
      const server = require("express")().use(routes).listen(0, "127.0.0.1", () => console.log(server.address().port));`,
    );
    // From another folder, as a service manager may start it.
    child = spawn(process.execPath, [main], { cwd: tmpdir(), stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    baseUrl = `http://127.0.0.1:${line.toString().trim()}`;
  });

  afterAll(async () => {
    const gone = once(child, "exit");
    child.kill();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });

  test("manifest, guide and logo are found from any working directory", async () => {
    expect((await send(baseUrl, "/manifest.json")).body).toEqual(manifest);
    for (const [file, type] of FILES) {
      const { status, headers, bytes } = await send(baseUrl, `/${file}`);
      expect([file, status, headers.get("content-type")]).toEqual([file, 200, type]);
      expect(bytes.equals(readFileSync(join(ROOT, "assets", file)))).toBe(true);
    }
  });
});
