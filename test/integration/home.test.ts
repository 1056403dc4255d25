/** `/`: the page of whoever has nothing but the address of the server, and that of each service. */
import { openFixture, TOKEN, type Fixture } from "../fixture/fixture";
import { send, type Answer, type Sent } from "./asking";
import { CONNECTOR } from "./edge";

const TITLES = { planhat: "Planhat", plansource: "PlanSource", planningpme: "PlanningPME", plangrade: "plangrade" };

const linksIn = ({ text }: Answer): readonly string[] =>
  [...text.matchAll(/<a\s[^>]*href="([^"#]+)"/g)].map(([, address = ""]) => address);

let fixture: Fixture;
const get = (path: string, sent: Sent = {}): Promise<Answer> => send(fixture.baseUrl, path, sent);

function expectPage({ status, headers, text }: Answer): void {
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(headers.get("cache-control")).toBe("public, max-age=300");
  expect(headers.get("content-security-policy")).toMatch(
    /^default-src 'none'; style-src 'self';.*frame-ancestors 'none'/,
  );
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("set-cookie")).toBeNull();
  expect(text).toMatch(/^<!doctype html>\s*<html lang="en">/);
  expect(text).not.toMatch(/<script|<style|\son\w+=|\sstyle=/i);
}

describe("with all services", () => {
  beforeAll(async () => (fixture = await openFixture({ environment: { SERVICES: Object.keys(TITLES).join() } })));
  afterAll(() => fixture.close());

  test("/ is a page that leads to every service, and every link of it leads somewhere", async () => {
    const page = await get("/");
    expectPage(page);
    const links = linksIn(page);
    const own = links.filter((link) => link.startsWith("/"));
    for (const path of ["/console", "/docs", "/readme", "/manifest.json"]) {
      for (const mount of ["", "/plansource", "/planningpme", "/plangrade"]) expect(own).toContain(mount + path);
    }
    expect(own).toEqual(expect.arrayContaining(["/health", "/ready", "/planhat/", "/plangrade/"]));
    for (const path of new Set(own))
      expect([path, [200, 302].includes((await get(path)).status)]).toEqual([path, true]);
    expect(links.filter((link) => !link.startsWith("/"))).toEqual(["https://www.hull.io"]);
    expect(page.text).not.toContain("/admin");
    expect(page.text).not.toContain("dashboard.hullapp.io/readme");
  });

  test.each(Object.entries(TITLES))("/%s/ is the page of %s alone", async (name, title) => {
    for (const path of [`/${name}/`, `/${name}`]) {
      const page = await get(path);
      expectPage(page);
      expect(page.text).toContain(`<h1>Hull ${title} connector</h1>`);
      const others = Object.keys(TITLES).filter((other) => other !== name);
      expect(linksIn(page).filter((link) => others.some((other) => link.startsWith(`/${other}`)))).toEqual([]);
      for (const link of linksIn(page)) {
        expect([link, [200, 302].includes((await get(link)).status)]).toEqual([link, true]);
      }
    }
  });

  test("shows no organization, no connector and no secret", async () => {
    for (const path of ["/", "/planhat/"]) {
      const { text } = await get(path, { headers: { host: "evil.example", "x-forwarded-host": "evil.example" } });
      for (const kept of [CONNECTOR.id, CONNECTOR.secret, TOKEN, fixture.hull.host, fixture.dataDir, "evil.example"]) {
        expect(text).not.toContain(kept);
      }
    }
  });

  test("answers whoever looks whether the server is there: any Accept, HEAD, no Host that names one", async () => {
    expectPage(await get("/", { headers: { accept: "application/json" } }));
    const head = await get("/", { method: "HEAD" });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });

  test.each(["POST", "PUT", "DELETE"])(
    "%s is refused, with what Hull needs to send a notification again",
    async (method) => {
      for (const path of ["/", "/plansource/"]) {
        const { status, headers, body } = await get(path, { method });
        expect([path, status, headers.get("allow")]).toEqual([path, 405, "GET, HEAD"]);
        expect(body).toMatchObject({ flow_control: { type: "retry" }, error: { code: "method_not_allowed" } });
      }
    },
  );
});

test("what SERVICES leaves out is not shown, at the root either", async () => {
  fixture = await openFixture({ environment: { SERVICES: "plangrade,plansource" } });
  try {
    const page = await get("/");
    expectPage(page);
    expect(linksIn(page)).toEqual(expect.arrayContaining(["/plangrade/console", "/plansource/console"]));
    expect(page.text).not.toMatch(/planhat|planningpme/i);
    // Its style sheet and its logo are those of a service that is there.
    for (const [, address = ""] of page.text.matchAll(/<link[^>]*href="([^"]+)"/g)) {
      expect([address, (await get(address)).status]).toEqual([address, 200]);
    }
    expect((await get("/planhat/")).status).toBe(404);
  } finally {
    await fixture.close();
  }
});
