/** What a page says about what was just done. The address carries one of our codes, never a text. */
import { html, type Html } from "../html";

const WORDS = {
  replayed:
    "The dead letter waits for delivery again, with what failed because of it. It disappears when the record arrives.",
  underway: "The content of the dead letter is on its way already, so nothing was done.",
  superseded: "Hull sent something newer about the record since: nothing is sent, and the dead letter was closed.",
  dropped: "The dead letter was dropped.",
} as const;

export type Notice = keyof typeof WORDS;

export const NOTICES = Object.keys(WORDS) as [Notice, ...Notice[]];

export function notice(done: Notice | undefined): Html | undefined {
  return done === undefined ? undefined : html`<p class="notice" role="status">${WORDS[done]}</p>`;
}
