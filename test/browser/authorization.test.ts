/** A person lets the connector into plangrade, in a browser: there and back, and every page on the way. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { buildAccountMessage } from "../../simulators/hull";
import { account } from "../fixture/fixture";
import { BENEFITS, usePlangrade, type PlangradeFixture, type PlangradeFixtureOptions } from "../fixture/plangrade";
import { queryOf } from "../integration/asking";
import { describeInBrowser, DESKTOP, misfits, PHONE, type OpenPage } from "./browser";

// Every wait has a limit of its own.
jest.setTimeout(120_000);
const open = usePlangrade();
const TWO = {
  users: [
    { name: "Olive Operator", email: "olive@example.com" },
    { name: "Percy Partner", email: "percy@example.com" },
  ],
} satisfies PlangradeFixtureOptions["plangrade"];

const firm = account(1, { name: "Acme", ein: "12-3456789" });

/** The link as Hull's people open it, with the credentials in it. */
function link({ fixture, url }: PlangradeFixture): string {
  const query = { organization: fixture.hull.host, ship: BENEFITS.id, secret: BENEFITS.secret };
  return `${url()}/authorize?${queryOf(query)}`;
}

const tokensIssued = ({ plangrade }: PlangradeFixture): number => plangrade.books.snapshot().tokensIssued;

/** At plangrade's page. */
async function decide(page: Page, decision: "Authorize" | "Deny", label = "Olive Operator (olive@example.com)") {
  await page.getByRole("heading", { name: /^Authorize / }).waitFor();
  await page.getByLabel("Who are you?").selectOption({ label });
  await page.getByRole("button", { name: decision, exact: true }).click();
}

interface Use extends BrowserContextOptions {
  /** Status of the one page that refuses; none unless it is named. */
  readonly refused?: number;
}

/** Opens the link, uses the pages, and checks that they fit, and that nothing else was wrong. */
async function using(
  openPage: OpenPage,
  served: PlangradeFixture,
  { refused, ...options }: Use,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const { page, complaints, strangers } = await openPage(options);
  await page.goto(link(served));
  await work(page);
  expect(await misfits(page)).toEqual([]);
  const amiss = complaints.filter((each) => !new RegExp(`^${refused}: |status of ${refused} `).test(each));
  expect({ amiss, strangers }).toEqual({ amiss: [], strangers: [] });
  await page.context().close();
}

describeInBrowser("/plangrade/authorize", (openPage) => {
  test.each([
    ["a wide window", { viewport: DESKTOP, colorScheme: "light" }],
    ["a phone, dark", { viewport: PHONE, colorScheme: "dark" }],
  ] as const)("leads to plangrade and back to a page that says whose account it is, in %s", async (_, options) => {
    const served = await open({ authorized: false });
    await served.send([buildAccountMessage(firm)], { channel: "account:update" });
    await using(openPage, served, options, async (page) => {
      await decide(page, "Authorize");
      await page.getByRole("heading", { level: 1, name: "Authorized", exact: true }).waitFor();
      await page.getByRole("status").getByText("as Olive Operator").waitFor();
    });
    await served.fixture.settled();
    expect([...served.plangrade.records.companies.values()]).toMatchObject([{ name: "Acme", ein: "123456789" }]);
  });

  test("a refusal at plangrade changes nothing, and the page says so", async () => {
    const served = await open({ authorized: false });
    await using(openPage, served, { viewport: PHONE }, async (page) => {
      await decide(page, "Deny");
      await page.getByRole("heading", { level: 1, name: "Not authorized" }).waitFor();
      await page.getByRole("status").getByText("access_denied").waitFor();
    });
    expect(tokensIssued(served)).toBe(0);
  });

  test("the address of the way back serves once", async () => {
    const served = await open({ authorized: false });
    await using(openPage, served, { viewport: DESKTOP, refused: 400 }, async (page) => {
      await decide(page, "Authorize");
      await page.getByRole("heading", { name: "Authorized", exact: true }).waitFor();
      await page.reload();
      await page.getByText("This address has served already").waitFor();
    });
    expect(tokensIssued(served)).toBe(1);
  });

  test("another account is used after a question alone", async () => {
    const served = await open({ plangrade: TWO });
    await using(openPage, served, { viewport: DESKTOP }, async (page) => {
      await decide(page, "Authorize", "Percy Partner (percy@example.com)");
      await page.getByRole("heading", { level: 1, name: "Another account" }).waitFor();
      await page.getByText("has used the account Olive Operator").waitFor();
      await page.getByRole("button", { name: "Use this account" }).click();
      await page.getByRole("status").getByText("as Percy Partner").waitFor();
    });
    await served.deliver([buildAccountMessage(firm)], { channel: "account:update" });
    const [, percy] = served.plangrade.records.users.keys();
    expect([...served.plangrade.records.companies.values()]).toMatchObject([{ name: "Acme", managers: [percy] }]);
  });
});
