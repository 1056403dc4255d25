/** `/console` as people use it: with a mouse, with the keyboard alone, on a phone, and with hostile names. */
import type { BrowserContextOptions, Page } from "playwright-core";
import { account, CONNECTOR, minute, openFixture, user, type Fixture } from "../fixture/fixture";
import { describeInBrowser, DESKTOP, misfits, type OpenPage, type Watched } from "./browser";

const LOGGED_IN: BrowserContextOptions = {
  viewport: DESKTOP,
  httpCredentials: { username: CONNECTOR.id, password: CONNECTOR.secret },
};
const NARROW = { width: 360, height: 740 };
const HOSTILE = `"><script>window.intruder=1</script><img src=x onerror=window.intruder=1>'`;

// Every wait has a limit of its own.
jest.setTimeout(120_000);
let fixture: Fixture;
beforeEach(async () => (fixture = await openFixture()));
afterEach(() => fixture.close());

const address = (query: Readonly<Record<string, string>> = {}): string =>
  `${fixture.baseUrl}/console?${new URLSearchParams({ org: fixture.hull.host, ...query }).toString()}`;

/** Planhat refuses a person until it is mended. */
async function refuseOne(more: Readonly<Record<string, unknown>> = {}): Promise<() => void> {
  const mend = fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Position is odd");
  fixture.seed([account(1)], [user(1, more)]);
  await fixture.tellUser(user(1, more), account(1));
  await fixture.settled();
  return mend;
}

/** Opens the page, uses it, and checks that nothing was wrong. */
async function using(openPage: OpenPage, options: BrowserContextOptions, work: (page: Page) => Promise<void>) {
  const { page, complaints, strangers }: Watched = await openPage({ ...LOGGED_IN, ...options });
  await work(page);
  expect(await page.evaluate("window.intruder")).toBeUndefined();
  // The browser tries without a log-in first, and brings it when it is asked to.
  const amiss = complaints.filter((each) => !/^401: |status of 401/.test(each));
  expect({ complaints: amiss, strangers }).toEqual({ complaints: [], strangers: [] });
  await page.context().close();
}

/** Presses Tab until something with this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    const text = String(
      await page.evaluate("document.activeElement?.innerText || document.activeElement?.labels?.[0]?.innerText || ''"),
    );
    if (name.test(text)) return;
  }
  throw new Error(`The keyboard does not reach ${String(name)}.`);
}

describeInBrowser("/console", (openPage) => {
  test("leads by keyboard from a number to its records, and on to what became of one of them", async () => {
    await refuseOne({ name: HOSTILE });
    await using(openPage, { colorScheme: "dark" }, async (page) => {
      await page.goto(address());
      await tabTo(page, /^refused$/);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Records: rejected, refused, endusers" }).waitFor();
      expect(await page.getByText("Position is odd").count()).toBe(1);
      await tabTo(page, /^Why/);
      await page.keyboard.press("Enter");
      const timeline = page.getByRole("region", { name: "What became of it" });
      await timeline.getByText("Position is odd").waitFor();
      expect(await misfits(page)).toEqual([]);
    });
  });

  test("asks for the organization, and leads to its page", async () => {
    await using(openPage, {}, async (page) => {
      await page.goto(`${fixture.baseUrl}/console`);
      await page.getByLabel("Your Hull organization").fill(fixture.hull.host);
      await page.getByRole("button", { name: "Go on" }).click();
      for (const name of ["Status", "Backlog", "Outcomes of the last day", "Last runs", "Dead letters"]) {
        await page.getByRole("region", { name, exact: true }).waitFor();
      }
      expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
    });
  });

  test("explains a person who is searched for, under an address that can be kept", async () => {
    await refuseOne();
    await using(openPage, {}, async (page) => {
      await page.goto(address());
      await page.getByLabel("Why is somebody not in Planhat?").fill("person-1@example.com");
      await page.getByRole("button", { name: "Explain" }).click();
      const answer = page.getByRole("region", { name: "The answer" });
      await answer
        .getByRole("listitem")
        .filter({ hasText: /Planhat refused it for good .*Position is odd/ })
        .waitFor();
      await answer.getByText("Everything that is known, as data").click();
      await answer.getByText('"dead_letter"').waitFor();
      expect(new URL(page.url()).searchParams.get("q")).toBe("person-1@example.com");
    });
  });

  test("a letter that is sent again arrives", async () => {
    const mend = await refuseOne();
    mend();
    await using(openPage, {}, async (page) => {
      await page.goto(address());
      const letters = page.getByRole("region", { name: "Dead letters", exact: true }).first();
      await letters.getByText("Position is odd").waitFor();
      await letters.getByRole("button", { name: /^Send again/ }).click();
      await page.getByRole("status").getByText("waits for delivery again").waitFor();
      await fixture.settled();
      expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
      await page.getByRole("link", { name: "Reload", exact: true }).click();
      await page.getByText("Nothing was refused for good").waitFor();
    });
  });

  test("a letter is dropped when somebody says so twice", async () => {
    const mend = await refuseOne();
    mend();
    await using(openPage, {}, async (page) => {
      await page.goto(address());
      await page.getByRole("link", { name: /^Drop…/ }).click();
      await page.getByRole("heading", { name: "Dead letter: person-1@example.com" }).waitFor();
      const sure = page.getByRole("button", { name: /^Yes, drop the dead letter/ });
      expect(await sure.isVisible()).toBe(false);
      await page.getByText("Drop this dead letter…").click();
      await sure.click();
      await page.getByRole("status").getByText("The dead letter was dropped").waitFor();
      await page.getByText("Nothing was refused for good").waitFor();
      expect((await fixture.connector.store.deadLetters({ limit: 1 })).deadLetters).toEqual([]);
      expect(fixture.endusers()).toEqual([]);
    });
  });

  test("all that was refused for a reason is sent again, and the run's page shows what became of it", async () => {
    const mend = await refuseOne();
    mend();
    await using(openPage, {}, async (page) => {
      await page.goto(address());
      await page.getByRole("link", { name: /^Send all again…/ }).click();
      await page.getByRole("heading", { name: "Send 1 dead letter again?" }).waitFor();
      await page.getByRole("button", { name: "Yes, send 1 dead letter again" }).click();
      await page.getByRole("heading", { name: "Dead letters sent again: endusers, refused" }).waitFor();
      await page.getByRole("status").getByText("are being sent again").waitFor();
      await fixture.settled();
      expect(fixture.endusers()).toMatchObject([{ externalId: "person-1" }]);
      await page.getByRole("link", { name: "Reload", exact: true }).click();
      await page.getByRole("region", { name: "Record by record" }).getByText(user(1).id).waitFor();
      await page.getByRole("link", { name: "All runs" }).click();
      await page.getByLabel("Kind").selectOption("dead letters sent again");
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByRole("link", { name: "Dead letters sent again: endusers, refused" }).waitFor();
    });
  });

  test("a fetch is begun, and one under way is stopped, with the keyboard alone", async () => {
    let letThrough: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (letThrough = resolve));
    await refuseOne();
    fixture.planhat.on("request", ({ route }) => (route === "GET /companies" ? answered : undefined));
    await using(openPage, {}, async (page) => {
      await page.goto(`${fixture.baseUrl}/console/runs?org=${encodeURIComponent(fixture.hull.host)}`);
      await tabTo(page, /^Fetch companies now/);
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("The fetch has begun.").waitFor();
      await tabTo(page, /^Stop$/);
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("ends at its next safe point").waitFor();
      letThrough();
      await fixture.until(
        async () =>
          (await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 1 }))[0]?.state === "stopped",
      );
      await page.getByRole("link", { name: "Reload", exact: true }).click();
      await page.getByText("A person stopped it.").waitFor();
      expect(await page.getByRole("button", { name: "Stop" }).count()).toBe(0);
    });
  });

  test("reloads by itself where somebody wants that, until somebody ends it", async () => {
    await using(openPage, {}, async (page) => {
      await page.goto(address({ refresh: "10", done: "dropped" }));
      await page.getByRole("link", { name: "Stop reloading every 10 s" }).waitFor();
      const again = await page.locator("meta[http-equiv=refresh]").getAttribute("content");
      expect(again).toMatch(/^10; url=\/console\?org=[^&]*&refresh=10$/);
      await page.getByRole("link", { name: "Stop reloading every 10 s" }).click();
      await page.getByRole("link", { name: "Reload every 30 s" }).waitFor();
      expect(await page.locator("meta[http-equiv=refresh]").count()).toBe(0);
    });
  });

  test("the browser forgets its log-in", async () => {
    // One that was typed, and not one that the test gives at every question.
    const { page } = await openPage({ viewport: DESKTOP });
    const typed = new URL(address());
    [typed.username, typed.password] = [CONNECTOR.id, CONNECTOR.secret];
    expect((await page.goto(typed.href))?.status()).toBe(200);
    expect((await page.goto(address()))?.status()).toBe(200);
    // It would ask for another one; nobody is here who could answer.
    await expect(page.goto(new URL("/console/logout", address()).href)).rejects.toThrow("ERR_INVALID_AUTH_CREDENTIALS");
    await expect(page.goto(address())).rejects.toThrow("ERR_INVALID_AUTH_CREDENTIALS");
    const another = await page.context().newPage();
    expect((await another.goto(new URL("/console/logout", address()).href))?.status()).toBe(200);
    await another.getByRole("heading", { name: "Logged out" }).waitFor();
    await page.context().close();
  });

  test("is used with the keyboard alone, and shows where it is", async () => {
    const mend = await refuseOne();
    mend();
    await using(openPage, {}, async (page) => {
      await page.goto(address());
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.textContent")).toBe("To the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.id")).toBe("content");

      await tabTo(page, /Why is somebody/);
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
      await page.keyboard.type("person-1@example.com");
      await page.keyboard.press("Enter");
      await page.getByRole("listitem").filter({ hasText: "Planhat refused it for good" }).waitFor();

      await page.goto(address());
      await tabTo(page, /^Send again/);
      await page.keyboard.press("Enter");
      await page.getByRole("status").waitFor();
      await fixture.settled();
      expect(fixture.endusers()).toHaveLength(1);
    });
  });

  test("shows hostile names as text, wherever they come from", async () => {
    await refuseOne({ email: `${HOSTILE}@example.com`, name: HOSTILE, position: HOSTILE, indexed_at: minute(1) });
    const { store } = fixture.connector;
    const run = { tenant: fixture.tenantKey, kind: "fetch", type: HOSTILE, options: {}, id: "run-1" } as const;
    await store.beginRun(run, false);
    await store.changeRun("run-1", { state: "error", endedAtMs: Date.now(), error: HOSTILE, counts: { [HOSTILE]: 1 } });
    await using(openPage, {}, async (page) => {
      await page.goto(address({ q: user(1).id }));
      expect(await page.locator("script, img[src=x]").count()).toBe(0);
      const letters = page.getByRole("region", { name: "Dead letters", exact: true }).first();
      expect(await letters.locator("a:has(bdi)").textContent()).toBe(`${HOSTILE}@example.com`);
      expect(await page.getByRole("region", { name: "Last runs" }).first().textContent()).toContain(HOSTILE);
      expect(await page.getByRole("region", { name: "The answer" }).textContent()).toContain(HOSTILE);
      await letters.locator("a:has(bdi)").click();
      await page.waitForURL("**/letters/**");
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain(HOSTILE);
      expect(await page.locator("script, img[src=x]").count()).toBe(0);

      await page.goto(address({ q: HOSTILE }));
      expect(await page.getByLabel("Why is somebody not in Planhat?").inputValue()).toBe(HOSTILE);
    });
  });

  // In light: test/browser/narrow.test.ts.
  test("fits on a phone, dark", async () => {
    const colorScheme = "dark";
    await refuseOne({ email: `${"long".repeat(40)}@example.com`, indexed_at: minute(1) });
    const { store } = fixture.connector;
    const [letter] = (await store.deadLetters({ limit: 1 })).deadLetters;
    expect(letter).toBeDefined();
    const options = { verbose: true } as const;
    await store.beginRun({ id: "long", tenant: fixture.tenantKey, kind: "batch", type: "endusers", options }, false);
    const counts = { "endusers/rejected/a_reason_whose_code_is_longer_than_any_line_of_a_phone_can_be": 12_345_678 };
    await store.changeRun("long", {
      state: "running",
      startedAtMs: 1,
      total: 99_999_999,
      counts,
      reports: [{ a: "b".repeat(500) }],
    });
    const line = {
      type: "endusers",
      hullId: "h".repeat(60),
      remoteId: "r".repeat(60),
      outcome: "rejected",
      code: "refused",
    };
    await store.report("long", [{ ...line, text: "t".repeat(300) }]);
    await using(openPage, { viewport: NARROW, colorScheme }, async (page) => {
      for (const url of [`${fixture.baseUrl}/console`, address(), address({ q: user(1).id, done: "replayed" })]) {
        await page.goto(url);
        for (const closed of await page.locator("summary").all()) await closed.click();
        expect([url, await misfits(page)]).toEqual([url, []]);
      }
      const org = encodeURIComponent(fixture.hull.host);
      for (const path of ["letters", "letters/replay", "runs", "runs/long", "logout"]) {
        const url = `${fixture.baseUrl}/console/${path}?org=${org}`;
        await page.goto(url);
        expect([url, await misfits(page)]).toEqual([url, []]);
      }
      await page.goto(address());
      await page.locator("#letters tbody a").filter({ hasText: "long" }).first().click();
      await page.getByText("Drop this dead letter…").click();
      expect(await misfits(page)).toEqual([]);
      const ground = String(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      const [red = 0] = (/\d+/.exec(ground) ?? []).map(Number);
      expect(red).toBeLessThan(128);
    });
  });
});
