/** What pages are made of: parts that fail on their own, and tables. */
import { withTimeout } from "../../src/engine/rules/timeout";
import { html, type Content, type Html } from "./html";

export interface SectionOptions {
  readonly anchor: string;
  readonly title: string;
  /** How long the page waits for it, milliseconds. */
  readonly limitMs: number;
  /** Called with what went wrong; the page only says that something did. */
  readonly onError: (error: unknown) => void;
}

const FAILED = html`<p class="trouble">
  This part cannot be shown: something went wrong on our side. Ask those who run this server; their log says what. The
  rest of the page stands.
</p>`;
const LATE = html`<p class="trouble">
  This part was not ready in time: something that it asks is slow. The rest of the page stands; reload it in a moment.
</p>`;

/** A part of the page: whatever it waits for, the others are shown. */
export async function section(options: SectionOptions, work: () => Promise<Html>): Promise<Html> {
  const { anchor, title, limitMs, onError } = options;
  // Also catches what is thrown before the first promise.
  const working = (async () => work())().catch((error: unknown) => {
    onError(error);
    return FAILED;
  });
  const body = (await withTimeout(limitMs, working)) ?? LATE;
  return html`<section id="${anchor}" aria-labelledby="${anchor}-title">
    <h2 id="${anchor}-title">${title}</h2>
    ${body}
  </section>`;
}

export interface TableParts {
  /** What a screen reader calls it. */
  readonly label: string;
  readonly kind?: "plain" | "stacked" | "reasons";
  readonly caption?: string;
  readonly columns: readonly string[];
  /** Columns of numbers, behind the others. */
  readonly numbers?: readonly string[];
  readonly rows: Content;
}

/** A table that is scrolled by itself where the page is too narrow for it. */
export function table({ label, kind = "plain", caption, columns, numbers = [], rows }: TableParts): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table class="${kind}">
      ${
        caption !== undefined &&
        html`<caption>
          ${caption}
        </caption>`
      }
      <thead>
        <tr>
          ${columns.map((name) => html`<th scope="col">${name}</th>`)}
          ${numbers.map((name) => html`<th scope="col" class="number">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}
