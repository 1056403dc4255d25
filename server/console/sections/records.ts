/** The records behind a number: when, who, why, and where to look at each of them. */
import type { OutcomeRecordAnswer } from "../../routes/outcomes/answer";
import type { Meaning } from "../../routes/explain/known";
import { instant } from "./figures";
import { code, html, type Html } from "../html";
import { consoleLink, outcomesLink, type Query, type Site } from "../links";
import { meaningOf, outcomeMark, OUTCOMES } from "./outcomes";
import { table } from "../section";

/** At most so many are shown at once. */
export const RECORDS_A_PAGE = 200;

export interface RecordsPart {
  readonly site: Site;
  readonly organization: string;
  readonly meaning: Meaning;
  /** What was asked: type, outcome, code, run. */
  readonly asked: Query;
  readonly records: readonly OutcomeRecordAnswer[];
  readonly next: string | undefined;
  readonly isFirst: boolean;
}

export function recordsBody({ site, organization, meaning, asked, records, next, isFirst }: RecordsPart): Html {
  const { type, outcome, code: reason, run } = asked;
  const title = [outcome, reason, type, run !== undefined && `run ${run}`].filter((each) => typeof each === "string");
  const pages = html`${!isFirst && html`<a href="${outcomesLink(site, organization, asked)}">First page</a>`}
  ${next !== undefined && html`<a rel="next" href="${outcomesLink(site, organization, { ...asked, after: next })}">Older ones</a>`}`;
  return html`<p><a href="${consoleLink(site, organization, {}, "outcomes")}">Back to all outcomes</a></p>
    <h1>Records: ${title.length === 0 ? "all outcomes" : title.join(", ")}</h1>
    ${outcome !== undefined && reason !== undefined && html`<p>${meaningOf({ outcome, code: reason }, meaning)}</p>`}
    ${
      records.length === 0
        ? html`<p class="empty">
            ${next === undefined ? "No record ended so within the days that are kept." : "None among those looked at so far; there are older ones."}
          </p>`
        : table({
            label: "Records",
            kind: "stacked",
            columns: ["Who", "Outcome", "When", "Look at it"],
            rows: records.map((record) => row(record, site, organization)),
          })
    }
    ${(!isFirst || next !== undefined) && html`<p class="pages">${pages}</p>`}`;
}

function row(
  { at, type, hull_id: hullId, name, outcome, code: reason, text, sent, links }: OutcomeRecordAnswer,
  site: Site,
  organization: string,
): Html {
  const kind = OUTCOMES.find((each) => each === outcome);
  return html`<tr>
    <th scope="row" data-label="Who">
      ${
        hullId === ""
          ? "(erased)"
          : html`<a href="${consoleLink(site, organization, { q: hullId }, "explain")}"><bdi>${name}</bdi></a>`
      }
      <span class="id">${type}${hullId !== "" && ` · ${hullId}`}</span>
    </th>
    <td data-label="Outcome">
      <span>${kind !== undefined && outcomeMark(kind)} ${outcome ?? ""} ${reason !== null && code(reason)}</span>
      <span class="said">${text ?? ""}</span>
      ${sentFields(sent)}
    </td>
    <td data-label="When">${instant(Date.parse(at))}</td>
    <td data-label="Look at it">
      <span class="look">
        ${
          hullId !== "" &&
          html`<a href="${consoleLink(site, organization, { q: hullId }, "explain")}"
            >Why<span class="hidden">: ${name}</span></a
          >`
        }
        ${links.hull !== null && html`<a href="${links.hull}" rel="noreferrer">Hull<span class="hidden">: ${name}</span></a>`}
        ${links.service !== null && html`<a href="${links.service}" rel="noreferrer">${site.title ?? "Service"}<span class="hidden">: ${name}</span></a>`}
      </span>
    </td>
  </tr>`;
}

/** Names of what was sent, with values where they may be shown. */
export function sentFields(sent: OutcomeRecordAnswer["sent"]): Html | undefined {
  if (sent === null) return undefined;
  const fields = Object.entries(sent).map(
    ([field, value], index) => html`${index > 0 && ", "}${code(field)}${value !== null && html` <bdi>${value}</bdi>`}`,
  );
  return html`<span class="said sent">Sent: ${fields}</span>`;
}
