/** `/docs` as people see it: drawn completely, on any width, from this server alone. */
import { CONNECTOR, openFixture, type Fixture } from "../fixture/fixture";
import { describeInBrowser, DESKTOP, findChromium, PHONE } from "./browser";

// Every wait has a limit of its own.
jest.setTimeout(120_000);
let fixture: Fixture;
beforeAll(async () => (fixture = await openFixture()));
afterAll(() => fixture.close());

describeInBrowser("/docs", (openPage) => {
  test("shows every route on a desk and on a phone, lets people log in and try one, and runs nothing that is not its own", async () => {
    const { page, complaints, strangers } = await openPage({ viewport: PHONE });
    await page.goto(`${fixture.baseUrl}/docs`);
    await page.getByRole("heading", { name: /Hull Planhat connector/ }).waitFor();
    const description = (await (await fetch(`${fixture.baseUrl}/openapi.json`)).json()) as {
      paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const operations = Object.values(description.paths).flatMap((item) =>
      Object.keys(item).filter((key) => !key.startsWith("x-")),
    );
    expect(operations.length).toBeGreaterThan(20);
    await expectCount(page.locator(".opblock"), operations.length);
    // Nothing has to be moved sideways to be read. To draw the page takes long, to draw it wider does not.
    const expectToFit = async (): Promise<void> => {
      for (const viewport of [DESKTOP, PHONE]) {
        await page.setViewportSize(viewport);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(viewport.width);
      }
    };
    await expectToFit();
    await page.locator("#operations-Runs-listRuns .opblock-summary-control").click();
    await page.locator("#operations-Runs-listRuns").getByText("A page of runs.").waitFor();
    await expectToFit();

    await page.setViewportSize(DESKTOP);
    await page.getByRole("button", { name: "Authorize" }).first().click();
    const dialog = page.locator(".auth-container", { has: page.getByText("connector (http, Basic)") });
    await dialog.locator('input[type="text"]').fill(CONNECTOR.id);
    await dialog.locator('input[type="password"]').fill(CONNECTOR.secret);
    await dialog.getByRole("button", { name: "Apply" }).click();
    await dialog.getByRole("button", { name: "Close" }).click();

    const letters = page.locator("#operations-Dead_letters-listDeadLetters");
    await letters.locator(".opblock-summary-control").click();
    await letters.getByRole("button", { name: "Try it out" }).click();
    await letters.locator('tr[data-param-name="org"] input').fill(fixture.hull.host);
    await letters.getByRole("button", { name: "Execute" }).click();
    await letters.locator(".live-responses-table").getByText("dead_letters").first().waitFor();
    expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });

    // The page answers before all of its complaints are through.
    const complained = ["script-src", "connect-src"].map((what) =>
      page.waitForEvent("console", (message) => message.text().startsWith(`policy: ${what}`)),
    );
    await page.evaluate(`(() => {
      const script = document.createElement("script");
      script.textContent = "window.intruder = true";
      document.body.append(script);
      return fetch("http://127.0.0.2:9/").catch(() => undefined);
    })()`);
    await Promise.all(complained);
    expect(await page.evaluate("window.intruder")).toBeUndefined();
    const refused = (what: string) => expect.arrayContaining([expect.stringContaining(`policy: ${what}`)]) as unknown;
    expect(complaints).toEqual(refused("script-src"));
    expect(complaints).toEqual(refused("connect-src"));
    await page.context().close();
  });
});

async function expectCount(
  locator: { count(): Promise<number>; nth(n: number): { waitFor(): Promise<void> } },
  n: number,
) {
  await locator.nth(n - 1).waitFor();
  expect(await locator.count()).toBe(n);
}

describe("the browser of these tests", () => {
  test("is the one that CHROMIUM names, or else the first on the path", () => {
    expect(findChromium({ CHROMIUM: process.execPath, PATH: "" })).toBe(process.execPath);
    expect(findChromium({ CHROMIUM: "/nowhere/chromium", PATH: process.env["PATH"] })).toBeUndefined();
    expect(findChromium({ PATH: "/nowhere" })).toBeUndefined();
  });
});
