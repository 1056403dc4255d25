/** `/admin` as people use it: wide and on a phone, with a log-in that the browser asks for. */
import { account, CONNECTOR, openFixture, user, type Fixture } from "../fixture/fixture";
import { describeInBrowser, DESKTOP, misfits, PHONE } from "./browser";

const ADMIN_TOKEN = "admin-token-of-this-house-0001";

// Every wait has a limit of its own.
jest.setTimeout(120_000);
let fixture: Fixture;
beforeEach(async () => (fixture = await openFixture({ environment: { ADMIN_TOKEN } })));
afterEach(() => fixture.close());

describeInBrowser("/admin", (openPage) => {
  test.each([
    ["a wide window", DESKTOP],
    ["a phone", PHONE],
  ])("fits %s, and leads to the console", async (_, viewport) => {
    fixture.planhat.faults.add({ kind: "status", status: 401 });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(async () => (await fixture.connector.store.pauses(fixture.lane)).length > 0);
    const httpCredentials = { username: "anybody", password: ADMIN_TOKEN };
    const { page, complaints, strangers } = await openPage({ viewport, httpCredentials });
    await page.goto(`${fixture.baseUrl}/admin`);
    await page.getByRole("heading", { level: 1, name: "All connectors" }).waitFor();
    const row = page.getByRole("row").filter({ hasText: CONNECTOR.id });
    await row.getByText("Paused", { exact: true }).waitFor();
    await page.getByText(/^Delivery is paused since .* until /).waitFor();
    expect(await misfits(page)).toEqual([]);
    const console = await row.getByRole("link").getAttribute("href");
    expect(console).toBe(`/console?org=${encodeURIComponent(fixture.hull.host)}`);
    // The browser tries without a log-in first, and brings it when it is asked to.
    const amiss = complaints.filter((each) => !/^401: |status of 401/.test(each));
    expect({ amiss, strangers }).toEqual({ amiss: [], strangers: [] });
    await page.context().close();
  });
});
