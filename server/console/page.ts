/** The frame of every page of the console: head, masthead, footer. No script, and no style but our own file. */
import type { Response } from "express";
import { z } from "zod";
import { countParameter } from "../../src/input";
import type { FormOwner } from "./form-token";
import { html, type Content, type Html } from "./html";
import { instant } from "./sections/figures";
import { BASE, consoleLink, logoutLink, type Site } from "./links";

/** Seconds after which a page reloads by itself, where a person wants that. */
export const USUAL_REFRESH = 30;
export const LEAST_REFRESH = 10;
export const MOST_REFRESH = 300;

/** Pages need our style sheet, our logo, and forms that come back here; they are not cached. */
export const HEADERS = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  // So that forms send their origin.
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
} as const;

/** @param headers in addition to the usual ones, or instead of them */
export function show(
  response: Response,
  status: number,
  document: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .status(status)
    .set({ ...HEADERS, ...headers })
    .type("html")
    .send(document);
}

/** How a page is loaded again. */
export interface Reload {
  /** The address of the same page, without what was just done. @param refresh seconds, if it is to reload by itself */
  readonly link: (refresh: string | undefined) => string;
  /** After so many seconds it reloads by itself; undefined: it does not. */
  readonly seconds: number | undefined;
}

export interface PageParts {
  readonly site: Site;
  /** Title of the window; the connector's name follows. */
  readonly title: string;
  /** The connector; absent before anybody has logged in. */
  readonly owner?: FormOwner;
  /** When it was made, milliseconds since 1970. */
  readonly atMs?: number;
  /** Links to the parts of the page: anchor → name. */
  readonly parts?: readonly (readonly [anchor: string, name: string])[];
  /** Where the masthead leads; the console, unless it is said. */
  readonly home?: string;
  /** Where the same page is; the home, unless it is said. */
  readonly reload?: Reload;
  /** Instead of the usual words; `false`: none. */
  readonly footer?: Html | false | undefined;
  readonly body: Content;
}

/** @returns a whole document */
export function page(given: PageParts): string {
  const { site, title, owner, atMs, parts = [], body } = given;
  const { home = homeOf(site, owner), footer = usualFooter(site), reload } = given;
  const { mount, title: service } = site;
  const brand = service === undefined ? "Hull connectors" : `Hull ${service} connector`;
  const document = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      ${reload?.seconds !== undefined && html`<meta http-equiv="refresh" content="${refreshOf(reload, reload.seconds)}" />`}
      <title>${title} · ${brand}</title>
      <link rel="icon" type="image/svg+xml" href="${mount}/logo.svg" />
      <link rel="stylesheet" href="${mount}${BASE}/page.css" />
    </head>
    <body>
      <a class="skip" href="#content">To the content</a>
      <header class="masthead">
        <div class="width">
          <a class="brand" href="${home}"><img src="${mount}/logo.svg" alt="" width="36" height="36" />${brand}</a>
          ${owner !== undefined && who(site, owner)} ${atMs !== undefined && asOf(atMs, home, reload)}
        </div>
        ${parts.length > 0 && contents(parts)}
      </header>
      <main id="content" class="width" tabindex="-1">${body}</main>
      ${footer !== false && html`<footer class="width">${footer}</footer>`}
    </body>
  </html>`;
  return `<!doctype html>\n${document.markup}\n`;
}

function usualFooter({ mount }: Site): Html {
  return html`All times are UTC. <a href="${mount}/docs">The API behind this page</a> ·
    <a href="${mount}/">Guide and manifest</a>`;
}

function homeOf(site: Site, owner: PageParts["owner"]): string {
  return owner === undefined ? site.mount + BASE : consoleLink(site, owner.organization);
}

function who(site: Site, { organization, id }: FormOwner): Html {
  return html`<p class="who">
    <strong>${organization}</strong> <span>connector ${id}</span>
    <a href="${logoutLink(site, organization)}">Log out</a>
  </p>`;
}

function asOf(atMs: number, home: string, reload: Reload | undefined): Html {
  if (reload === undefined) return html`<p class="as-of">As of ${instant(atMs)} <a href="${home}">Reload</a></p>`;
  const { link, seconds } = reload;
  const [words, other] =
    seconds === undefined
      ? [`Reload every ${USUAL_REFRESH} s`, String(USUAL_REFRESH)]
      : [`Stop reloading every ${seconds} s`, undefined];
  return html`<p class="as-of">
    As of ${instant(atMs)} <a href="${link(seconds?.toString())}">Reload</a> · <a href="${link(other)}">${words}</a>
  </p>`;
}

function refreshOf({ link }: Reload, seconds: number): string {
  return `${seconds}; url=${link(String(seconds))}`;
}

function contents(parts: NonNullable<PageParts["parts"]>): Html {
  const items = parts.map(([anchor, name]) => html`<li><a href="#${anchor}">${name}</a></li>`);
  return html`<nav class="width" aria-label="Parts of this page">
    <ul>
      ${items}
    </ul>
  </nav>`;
}

const NOTICE_WORDS = {
  replayed:
    "The dead letter waits for delivery again, with what failed because of it. It disappears when the record arrives.",
  underway: "The content of the dead letter is on its way already, so nothing was done.",
  superseded: "Hull sent something newer about the record since: nothing is sent, and the dead letter was closed.",
  dropped: "The dead letter was dropped.",
  resent:
    "The dead letters are being sent again, in the background. Each disappears when its record arrives; what is refused again comes back.",
  fetching: "The fetch has begun.",
  dryFetching: "The dry run has begun. Nothing is written, neither here nor there.",
  fetchUnderway:
    "Such a run is under way already, and goes on as it was begun. This is its page; ask again when it has ended.",
  stopping: "The run ends at its next safe point. Reload the page to see that it has.",
} as const;

export type Notice = keyof typeof NOTICE_WORDS;

const NOTICES = Object.keys(NOTICE_WORDS) as [Notice, ...Notice[]];

export const doneParameter = z
  .enum(NOTICES, { error: "is not a code of this page" })
  .optional()
  .meta({ description: "What the page says was just done." });

export const refreshParameter = countParameter(LEAST_REFRESH, MOST_REFRESH)
  .optional()
  .meta({ description: "Seconds after which the page reloads by itself; it does not, by default." });

/** What was just done. The address carries one of our codes, never a text. */
export function notice(done: Notice | undefined): Html | undefined {
  return done === undefined ? undefined : html`<p class="notice" role="status">${NOTICE_WORDS[done]}</p>`;
}
