/** Every page on a narrow screen, and with letters of twice the size: nothing is cut, and no word is broken. */
import type { Page } from "playwright-core";
import { ADMIN_TOKEN, CONNECTOR, NOW, openEdge, type Edge } from "../integration/edge";
import { barriers, describeInBrowser, misfits } from "./browser";

// Every wait has a limit of its own.
jest.setTimeout(120_000);

/** The longest there are, and some short ones. */
const REASONS = [
  ["skipped", "not_in_segment", 12_345],
  ["skipped", "skipped/not_in_segment", 3],
  ["rejected", "connector_configuration_refused", 1_204],
  ["dead", "a_reason_whose_code_is_longer_than_any_line_of_a_phone_can_be", 7],
  ["superseded", "newer", 1],
  ["sent", "possibly_repeated", 100_000],
] as const;

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge();
  const atMs = Math.floor(NOW / 3_600_000) * 3_600_000;
  const counts = REASONS.map(([outcome, code, count], hour) => ({
    atMs: atMs - hour * 3_600_000,
    name: `companies/${outcome}/${code}`,
    count,
  }));
  // So many messages would take the test minutes.
  jest.spyOn(edge.store, "hours").mockResolvedValue(counts);
  const run = { id: "run-1", tenant: edge.tenantKey, kind: "batch", type: "companies", options: {} } as const;
  await edge.store.beginRun(run, false);
  const reasons = REASONS.map(([outcome, code, count]) => [`companies/${outcome}/${code}`, count] as const);
  await edge.store.changeRun("run-1", { state: "running", counts: Object.fromEntries(reasons) });
  for (const [, code] of REASONS) await edge.refuse(`record-of-${code}`, { code });
});
afterAll(() => edge.close());

describeInBrowser("on a narrow screen", (openPage) => {
  const console = (): string => `/console?org=${encodeURIComponent(edge.organization)}`;
  const open = async (width: number, password: string, colorScheme: "light" | "dark" = "light") =>
    openPage({ viewport: { width, height: 844 }, colorScheme, httpCredentials: { username: CONNECTOR.id, password } });
  const look = async (page: Page, path: string, sizes: readonly string[]): Promise<void> => {
    await page.goto(edge.baseUrl + path);
    for (const closed of await page.locator("summary").all()) await closed.click();
    for (const size of sizes) {
      await page.evaluate(`document.documentElement.style.fontSize = "${size}"`);
      expect([path, size, await misfits(page)]).toEqual([path, size, []]);
    }
    expect([path, await barriers(page)]).toEqual([path, []]);
  };

  test.each([
    // In twice the size as well.
    [390, "light", ["100%", "200%"]],
    [320, "dark", ["100%"]],
  ] as const)(
    "of %i pixels, %s, nothing of any page is cut, and nothing is in anybody's way",
    async (width, scheme, sizes) => {
      const letter = await edge.refuse("a-letter", { code: REASONS[3][1] });
      const { page } = await open(width, CONNECTOR.secret, scheme);
      const mistyped = `/console?org=${encodeURIComponent("Acme & Sons ".repeat(20))}`;
      for (const path of ["/", "/planhat/", "/console", mistyped, console()]) await look(page, path, sizes);
      const letters = ["/letters", "/letters/replay", `/letters/${letter}`];
      for (const path of [...letters, "/outcomes", "/runs", "/runs/run-1", "/logout"])
        await look(page, `/console${path}?org=${encodeURIComponent(edge.organization)}`, sizes);
      await page.context().close();
      const admin = await open(width, ADMIN_TOKEN, scheme);
      await look(admin.page, "/admin", sizes);
      await admin.page.context().close();
    },
  );

  test("every sum stands beside its reason", async () => {
    const { page } = await open(390, CONNECTOR.secret);
    await page.goto(edge.baseUrl + console());
    const rows = page.locator(".reasons tbody tr");
    expect(await rows.count()).toBe(REASONS.length);
    for (const [outcome, code, count] of REASONS) {
      const row = rows.filter({ has: page.locator(`code`, { hasText: new RegExp(`^${code}$`) }) });
      expect(await row.locator(".number").innerText()).toBe(count.toLocaleString("en-GB"));
      expect(await row.locator("td").first().innerText()).toMatch(new RegExp(`^ ?${outcome}$`));
    }
    await page.context().close();
  });
});
