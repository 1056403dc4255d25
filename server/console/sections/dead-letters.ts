/** Dead letters: a page of them, and one by itself with its reason, its content and its actions. */
import { remedyFor } from "../../admin/remedies";
import type { DeadLetter, DeadLetterDetail, DeadLetters } from "../../admin/dead-letters";
import { instant, number } from "./figures";
import type { FormOwner, FormTokens } from "../form-token";
import { code, html, type Html } from "../html";
import { consoleLink, deadLetterLink, type Site } from "../links";
import { table } from "../section";

export const DEAD_LETTERS_A_PAGE = 20;

export type Action = "replay" | "drop";

/** What a dead letter's form is made for. */
export function actionPath(action: Action, id: string): string {
  return `${action} ${id}`;
}

export interface DeadLetterContext {
  readonly site: Site;
  readonly owner: FormOwner;
  readonly tokens: FormTokens;
}

/** @param isFirst whether nothing comes before this page */
export function deadLettersBody(
  { deadLetters, next }: Awaited<ReturnType<DeadLetters["list"]>>,
  isFirst: boolean,
  context: DeadLetterContext,
): Html {
  const { site } = context;
  const { organization } = context.owner;
  const pages = html`${!isFirst && html`<a href="${consoleLink(site, organization, {}, "letters")}">First page</a>`}
  ${next !== undefined && html`<a rel="next" href="${consoleLink(site, organization, { after: next }, "letters")}">Next page</a>`}`;
  const paging = (!isFirst || next !== undefined) && html`<p class="pages">${pages}</p>`;
  if (deadLetters.length === 0) {
    const words = isFirst ? "Nothing was refused for good, or all of it was mended." : "There are no more.";
    return html`<p class="empty">${words}</p>
      ${paging}`;
  }
  return html`<p class="hint">Refused for good, and set aside. Mend the cause, then send the dead letter again.</p>
    ${table({
      label: "Dead letters",
      kind: "stacked",
      columns: ["Who", "Reason", "Refused", "What to do"],
      rows: deadLetters.map((deadLetter) => row(deadLetter, context)),
    })}
    ${paging}`;
}

function row(deadLetter: DeadLetter, context: DeadLetterContext): Html {
  const { id, type, name, outcome, text, atMs } = deadLetter;
  return html`<tr>
    <th scope="row" data-label="Who">
      <a href="${deadLetterLink(context.site, context.owner.organization, id)}"><bdi>${name}</bdi></a>
      <span class="id">${type}</span>
    </th>
    <td data-label="Reason">
      <span><span class="badge out">${outcome}</span> ${code(deadLetter.code)}</span>
      <span class="said">${text}</span>
    </td>
    <td data-label="Refused">${instant(atMs)}</td>
    <td data-label="What to do">
      <div class="actions">
        ${replayForm(deadLetter, context)}
        <a class="button quiet" href="${deadLetterLink(context.site, context.owner.organization, id)}#drop"
          >Drop… <span class="hidden">${name}</span></a
        >
      </div>
    </td>
  </tr>`;
}

/** @returns the content of the page of one dead letter @param remedies of the service, by code */
export function deadLetterBody(
  deadLetter: DeadLetterDetail,
  context: DeadLetterContext,
  remedies: Readonly<Record<string, string>>,
): Html {
  const { id, type, hullId, name, outcome, text, atMs, attempts, replayed, derived, messageId } = deadLetter;
  const { site } = context;
  const { organization } = context.owner;
  return html`<p><a href="${consoleLink(site, organization, {}, "letters")}">Back to all dead letters</a></p>
    <h1>Dead letter: <bdi>${name}</bdi></h1>
    <section aria-labelledby="reason">
      <h2 id="reason">Why it was refused</h2>
      <p><span class="badge out">${outcome}</span> ${code(deadLetter.code)}</p>
      <p class="said">${text}</p>
      <p>${remedyFor(deadLetter.code, remedies)}</p>
      <dl class="facts">
        ${fact("Refused", instant(atMs))} ${fact("Object", type)} ${fact("Hull id", code(hullId))}
        ${fact("Message", code(messageId))} ${fact("Retries", number(attempts))}
        ${replayed && fact("Sent again", "yes, and refused again")}
        ${derived && fact("Created for its children", "yes; no message asked for it")}
      </dl>
      <p><a href="${consoleLink(site, organization, { q: hullId }, "explain")}">What else is known of it</a></p>
    </section>
    <section aria-labelledby="again">
      <h2 id="again">Send it again</h2>
      <p>
        A replay is a new message with the old content, and what failed because of this record goes with it. If Hull
        sent something newer since, nothing is sent and the dead letter is closed.
      </p>
      ${replayForm(deadLetter, context)}
    </section>
    <section id="drop" aria-labelledby="drop-title">
      <h2 id="drop-title">Drop it</h2>
      <p>
        Forgets the letter; nothing is sent. This cannot be undone, but Hull's next message about the record is taken in
        as any other.
      </p>
      <details class="confirm">
        <summary>Drop this letter…</summary>
        ${formOf("drop", id, context, html`<button type="submit" class="danger">Yes, drop the letter of ${name}</button>`)}
      </details>
    </section>
    <section aria-labelledby="wanted">
      <h2 id="wanted">What Hull wants it to be</h2>
      <pre tabindex="0">
${JSON.stringify({ claims: deadLetter.claims, desired: deadLetter.desired }, undefined, 2)}</pre>
    </section>`;
}

function fact(name: string, value: Html | string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function replayForm({ id, name }: DeadLetter, context: DeadLetterContext): Html {
  const button = html`<button type="submit">Send again <span class="hidden">${name}</span></button>`;
  return formOf("replay", id, context, button);
}

function formOf(action: Action, id: string, { site, owner, tokens }: DeadLetterContext, button: Html): Html {
  return html`<form method="post" action="${deadLetterLink(site, owner.organization, id, action)}">
    <input type="hidden" name="token" value="${tokens.make(owner, actionPath(action, id))}" />
    ${button}
  </form>`;
}
