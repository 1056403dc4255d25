/** Dead letters: a page of them, and one by itself with its reason, its content and its actions. */
import sumBy from "lodash/sumBy";
import { MAX_ID_LENGTH } from "../../../src/input";
import { remedyFor } from "../../admin/remedies";
import type { DeadLetter, DeadLetterDetail, DeadLetters, ReasonCount } from "../../admin/dead-letters";
import { fact, instant, number } from "./figures";
import type { Forms } from "../form";
import type { FormOwner } from "../form-token";
import { code, html, type Content, type Html } from "../html";
import { BASE, consoleLink, deadLetterLink, deadLettersLink, runLink, type Site } from "../links";
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
  readonly forms: Pick<Forms<never>, "show">;
}

/** Which dead letters a list shows. */
export interface DeadLetterChoice {
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly run?: string | undefined;
  readonly q?: string | undefined;
}

export interface ListParts {
  /** Whether nothing comes before this page. */
  readonly isFirst: boolean;
  /** The address of the page behind a place; without one, of the first. */
  readonly link: (after: string | undefined) => string;
  /** What is said of an empty first page. */
  readonly nothing: string;
}

export function deadLettersBody(
  { deadLetters, next }: Awaited<ReturnType<DeadLetters["list"]>>,
  { isFirst, link, nothing }: ListParts,
  context: DeadLetterContext,
): Html {
  const pages = html`${!isFirst && html`<a href="${link(undefined)}">First page</a>`}
  ${next !== undefined && html`<a rel="next" href="${link(next)}">Next page</a>`}`;
  const paging = (!isFirst || next !== undefined) && html`<p class="pages">${pages}</p>`;
  if (deadLetters.length === 0) {
    const words =
      next !== undefined ? "None so far; the next page looks on." : isFirst ? nothing : "There are no more.";
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

type Counted = Awaited<ReturnType<DeadLetters["counts"]>>;

/** Dead letters by reason, each with the way to them, and to sending all of them again. @param chosen what was counted */
export function reasonsBody({ reasons, more }: Counted, chosen: DeadLetterChoice, context: DeadLetterContext): Content {
  if (reasons.length === 0) return undefined;
  const { site, owner } = context;
  const rows = reasons.map(({ type, code: reason, count }) => {
    const own = { ...chosen, q: undefined, type, code: reason };
    return html`<tr>
      <th scope="row" data-label="Reason">
        <a href="${deadLettersLink(site, owner.organization, own)}">${code(reason)}</a> <span class="id">${type}</span>
      </th>
      <td data-label="What to do">
        <div class="actions">
          ${
            chosen.q === undefined &&
            html`<a class="button quiet" href="${deadLettersLink(site, owner.organization, own, "replay")}"
              >Send all again… <span class="hidden">${reason}, ${type}</span></a
            >`
          }
        </div>
      </td>
      <td data-label="Dead letters" class="number"><span>${atLeast(count, more)}</span></td>
    </tr>`;
  });
  const hint = more && html`<p class="hint">There are more than were counted here.</p>`;
  const columns = ["Reason", "What to do"];
  const label = "Dead letters by reason";
  return [table({ label, kind: "stacked", columns, numbers: ["Dead letters"], rows }), hint];
}

const atLeast = (count: number, more: boolean): string => `${number(count)}${more ? " or more" : ""}`;

/** The question before all of some dead letters are sent again. */
export function replayBody(
  { reasons, more }: Counted,
  chosen: Omit<DeadLetterChoice, "q">,
  context: DeadLetterContext,
): Html {
  const { site, owner, forms } = context;
  const { organization } = owner;
  const count = sumBy(reasons, "count");
  const back = html`<p><a href="${deadLettersLink(site, organization, { ...chosen })}">Back to the list</a></p>`;
  if (count === 0) {
    return html`${back}
      <h1>Send again</h1>
      <section><p class="empty">There is no such dead letter any more.</p></section>`;
  }
  const what = `${atLeast(count, more)} ${count === 1 && !more ? "dead letter" : "dead letters"}`;
  const items = reasons.map(
    (each: ReasonCount) =>
      html`<li>
        ${code(each.code)} <span class="type">${each.type}</span> <strong>${atLeast(each.count, more)}</strong>
      </li>`,
  );
  return html`${back}
    <h1>Send ${what} again?</h1>
    <section aria-labelledby="what">
      <h2 id="what">What is sent</h2>
      ${
        chosen.run !== undefined &&
        html`<p>Only what failed in the <a href="${runLink(site, organization, chosen.run)}">run ${chosen.run}</a>.</p>`
      }
      <ul class="counts">
        ${items}
      </ul>
      <p>
        Each becomes a new message with the old content, and what failed because of it goes with it. Where Hull sent
        something newer since, nothing is sent and the dead letter is closed. Mend the cause first: what is still
        refused comes back.
      </p>
      <p>It goes on in the background, as a run with a page of its own, where it can be stopped.</p>
      ${forms.show(owner, {
        action: replayAction(chosen),
        to: deadLettersLink(site, organization, { ...chosen }, "replay"),
        button: html`<button type="submit">Yes, send ${what} again</button>`,
      })}
    </section>`;
}

/** What the form that sends all of some again is made for. */
export function replayAction({ type, code: reason, run }: Omit<DeadLetterChoice, "q">): string {
  return `replay all ${JSON.stringify([type, reason, run])}`;
}

/** The form that narrows the list. @param types that the service has */
export function filterForm(
  { type: chosenType, code: reason = "", run, q = "" }: DeadLetterChoice,
  types: readonly string[],
  { site, owner }: Pick<DeadLetterContext, "site" | "owner">,
): Html {
  const { organization } = owner;
  const options = types.map((each) => option(each, each, each === chosenType));
  return html`<form class="search" method="get" action="${site.mount}${BASE}/letters" role="search">
    <input type="hidden" name="org" value="${organization}" />
    ${run !== undefined && html`<input type="hidden" name="run" value="${run}" />`}
    <div class="fields">
      <div>
        <label for="search">Search</label>
        <input
          id="search"
          name="q"
          type="search"
          value="${q}"
          maxlength="${MAX_ID_LENGTH}"
          autocomplete="off"
          spellcheck="false"
          aria-describedby="search-hint"
        />
      </div>
      <div>
        <label for="type">Object</label>
        <select id="type" name="type">
          ${option("", "all", chosenType === undefined)} ${options}
        </select>
      </div>
      <div>
        <label for="code">Reason</label>
        <input
          id="code"
          name="code"
          value="${reason}"
          maxlength="${MAX_ID_LENGTH}"
          autocomplete="off"
          spellcheck="false"
        />
      </div>
      <button type="submit">Show</button>
    </div>
    <p class="hint" id="search-hint">
      Part of an e-mail address, an external id, a domain or Hull's id.
      ${run !== undefined && html`Only of the <a href="${runLink(site, organization, run)}">run ${run}</a>.`}
      <a href="${deadLettersLink(site, organization)}">Show all</a>
    </p>
  </form>`;
}

/** An entry of a list to choose from. */
export function option(value: string, words: string, isChosen: boolean): Html {
  return html`<option value="${value}" ${isChosen && html`selected`}>${words}</option>`;
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
  return html`<p><a href="${deadLettersLink(site, organization)}">Back to all dead letters</a></p>
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
        Forgets the dead letter; nothing is sent. This cannot be undone, but Hull's next message about the record is
        taken in as any other.
      </p>
      <details class="confirm">
        <summary>Drop this dead letter…</summary>
        ${formOf("drop", id, context, html`<button type="submit" class="danger">Yes, drop the dead letter of ${name}</button>`)}
      </details>
    </section>
    <section aria-labelledby="wanted">
      <h2 id="wanted">What Hull wants it to be</h2>
      <pre tabindex="0">
${JSON.stringify({ claims: deadLetter.claims, desired: deadLetter.desired }, undefined, 2)}</pre>
    </section>`;
}

function replayForm({ id, name }: DeadLetter, context: DeadLetterContext): Html {
  const button = html`<button type="submit">Send again <span class="hidden">${name}</span></button>`;
  return formOf("replay", id, context, button);
}

function formOf(action: Action, id: string, { site, owner, forms }: DeadLetterContext, button: Html): Html {
  return forms.show(owner, {
    action: actionPath(action, id),
    to: deadLetterLink(site, owner.organization, id, action),
    button,
  });
}
