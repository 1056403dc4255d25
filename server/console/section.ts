/** A part of the page that fails on its own: whatever it waits for, the others are shown. */
import { withTimeout } from "../../src/engine/rules/timeout";
import { html, type Html } from "./html";

export interface SectionOptions {
  readonly anchor: string;
  readonly title: string;
  /** How long the page waits for it, milliseconds. */
  readonly limitMs: number;
  /** Called with what went wrong; the page only says that something did. */
  readonly onError: (error: unknown) => void;
}

const FAILED = html`<p class="trouble">
  This part cannot be shown: something went wrong on our side, and the connector's log says what. The rest of the page
  stands.
</p>`;
const LATE = html`<p class="trouble">
  This part was not ready in time: something that it asks is slow. The rest of the page stands; reload it in a moment.
</p>`;

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
