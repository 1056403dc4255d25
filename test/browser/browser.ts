/** A real Chromium for the tests of pages: this machine only, all its complaints recorded, always closed. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** `CHROMIUM`, or the first of the usual names on the path; undefined when there is none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { CHROMIUM, PATH = "" } = environment;
  const usual = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return (CHROMIUM === undefined || CHROMIUM === "" ? usual : [CHROMIUM]).find(isProgram);
}

export interface Watched {
  readonly page: Page;
  /** Errors and warnings of the page, violations of its policy, answers that are errors, requests that failed. */
  readonly complaints: readonly string[];
  /** Addresses outside of this machine that it asked for; it never reaches them. */
  readonly strangers: readonly string[];
}

export type OpenPage = (options?: BrowserContextOptions) => Promise<Watched>;

/** Describes tests that need a browser; without one they are skipped, and their name says why. */
export function describeInBrowser(name: string, tests: (openPage: OpenPage) => void): void {
  const program = findChromium();
  if (program === undefined) {
    describe.skip(`${name} (skipped: no Chromium; install one, or name it in CHROMIUM)`, () => {
      tests(() => Promise.reject(new Error("There is no browser.")));
    });
    return;
  }
  describe(name, () => {
    let browser: Browser;
    beforeAll(async () => (browser = await launch(program)), 90_000);
    // Its pages as well.
    afterAll(() => browser.close());
    tests(async (options = {}) => watch(await (await browser.newContext(options)).newPage()));
  });
}

function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Its sandbox refuses root and needs rights that containers seldom grant; it sees no pages but ours.
    chromiumSandbox: false,
    timeout: 60_000,
    args: ["--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
}

async function watch(page: Page): Promise<Watched> {
  const complaints: string[] = [];
  const strangers: string[] = [];
  // Soon enough to say what was waited for.
  page.setDefaultTimeout(60_000);
  await page.context().route("**/*", (route) => {
    const { hostname, protocol, href } = new URL(route.request().url());
    if (hostname === "127.0.0.1" || protocol === "data:" || protocol === "blob:") return route.continue();
    strangers.push(href);
    return route.abort();
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", ({ message }) => void complaints.push(`thrown: ${message}`));
  page.on("requestfailed", (request) => {
    // When a page is left early, the browser gives up what it still loads, such as the page's icon.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(`failed: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  // Chromium reports these as errors of the console; where it should not, the page itself does.
  await page.addInitScript(
    `addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
       console.error("policy: " + violatedDirective + " " + blockedURI));`,
  );
  return { page, complaints, strangers };
}

/**
 * What does not fit into the page, in words; nothing does if all is well. Sections and buttons stay within the window, the
 * sums of a table within its visible part, and no code breaks in the middle of a word.
 */
export async function misfits(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const found = scrollWidth > clientWidth ? ["the page is " + scrollWidth + " of " + clientWidth] : [];
    const report = (what, element) => found.push(what + ": " + element.textContent.trim().replace(/\\s+/g, " ").slice(0, 60));
    const isIn = (inner, outer) => inner.left >= outer.left - 0.5 && inner.right <= outer.right + 0.5;
    const shown = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
    const page = { left: 0, right: clientWidth };
    for (const each of shown("body *:not(.scroll *, pre *, .skip)"))
      if (!isIn(each.getBoundingClientRect(), page)) report("outside", each);
    for (const each of shown("button, .button, .badge"))
      if (!isIn(each.getBoundingClientRect(), (each.closest("section, form, .scroll") ?? document.body).getBoundingClientRect())) report("cut", each);
    for (const each of shown(".reasons .number, .stacked td"))
      if (!isIn(each.getBoundingClientRect(), each.closest(".scroll").getBoundingClientRect())) report("cell cut", each);
    for (const each of shown("code"))
      for (const word of each.childNodes) {
        // An id is no word: one that is longer than a line may break.
        if (/^[0-9a-f]{25,}$/.test(word.textContent)) continue;
        const range = document.createRange();
        range.selectNodeContents(word);
        if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) report("broken", each);
      }
    return found;
  })()`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What axe-core finds on a page that keeps people from using it: rule, how bad, and where. */
export async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, impact, nodes }) => nodes.map(({ target }) => `${id} (${impact}): ${target.join(" ")}`));
}
