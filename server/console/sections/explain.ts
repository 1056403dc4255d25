/** "Why is Jane not in the service?": the search box, and the answer in sentences followed by data. */
import type { Explain, Explanation, Question } from "../../../src/engine/explain/explain";
import type { Tenant } from "../../../src/engine/tenants";
import { showExplanation } from "../../routes/explain/answer";
import { code, html, type Html } from "../html";
import { BASE, type Site } from "../links";
import type { Meaning } from "../../routes/explain/known";
import { table } from "../section";
import { instant } from "./figures";
import { outcomeMark, OUTCOMES } from "./outcomes";
import { sentFields } from "./records";

export const MAX_QUESTION = 200;

const BY: Readonly<Record<Question["by"], string>> = {
  email: "e-mail address",
  external_id: "external id",
  domain: "domain",
  id: "Hull id",
};

/** What a text may be, the likeliest first. */
export function readingsOf(text: string): readonly Question["by"][] {
  if (text.includes("@")) return ["email", "external_id"];
  return /^[0-9a-f]{24}$/i.test(text) ? ["id", "external_id"] : ["external_id", "domain"];
}

export interface Asked {
  readonly by: Question["by"];
  readonly explanation: Explanation;
}

/** The first reading that finds anybody; else the first that the service knows, or the first of all. */
export async function askAbout<S>(
  explain: Pick<Explain<S>, "entity">,
  tenant: Tenant<S>,
  value: string,
): Promise<Asked | undefined> {
  const asked: Asked[] = [];
  for (const by of readingsOf(value)) {
    const explanation = await explain.entity(tenant, { by, value });
    if (explanation.records.length > 0) return { by, explanation };
    asked.push({ by, explanation });
  }
  return asked.find(({ explanation: { service = [] } }) => service.length > 0) ?? asked[0];
}

export function searchForm(organization: string, { mount, title = "" }: Site, question = ""): Html {
  return html`<form class="search" method="get" action="${mount}${BASE}#explain" role="search">
    <input type="hidden" name="org" value="${organization}" />
    <label for="question">Why is somebody not in ${title}?</label>
    <div class="line">
      <input
        id="question"
        name="q"
        type="search"
        value="${question}"
        maxlength="${MAX_QUESTION}"
        required
        autocomplete="off"
        spellcheck="false"
        aria-describedby="question-hint"
      />
      <button type="submit">Explain</button>
    </div>
    <p class="hint" id="question-hint">
      A person or a company: e-mail address, external id, domain, or Hull's id. Nothing is written, neither here nor
      there.
    </p>
  </form>`;
}

/** @param asked undefined when the question names nobody */
export function explanationBody(asked: Asked | undefined, question: string, meaning: Meaning): Html {
  if (asked === undefined) return html`<p class="empty">No user or account can have this name.</p>`;
  const { text, records } = showExplanation(asked.explanation, meaning);
  return html`<p class="hint">Looked for <bdi class="asked">${question}</bdi> as ${BY[asked.by]}.</p>
    ${sentences(text)} ${records.map(recordPart)}`;
}

type Shown = ReturnType<typeof showExplanation>["records"][number];

function recordPart(record: Shown): Html {
  const { text, ...data } = record;
  const { entity, type, hull_id: hullId, claims, fields, timeline } = data;
  const name = claims["email"] ?? claims["external_id"] ?? claims["domain"] ?? hullId;
  return html`<article class="record">
    <h3><bdi>${name}</bdi> <span class="id">${entity} in Hull, ${type} · ${hullId}</span></h3>
    ${sentences(text)} ${timeline.length > 0 && timelineTable(timeline)} ${fields.length > 0 && fieldTable(fields)}
    <details>
      <summary>Everything that is known, as data</summary>
      <pre tabindex="0">${JSON.stringify(data, undefined, 2)}</pre>
    </details>
  </article>`;
}

/** What became of it lately, in order. */
function timelineTable(lines: Shown["timeline"]): Html {
  const rows = lines.map(({ at, outcome, code: reason, text, remedy, sent, messages }) => {
    const kind = OUTCOMES.find((each) => each === outcome);
    const ended =
      reason !== null && html`<span>${kind !== undefined && outcomeMark(kind)} ${outcome ?? ""} ${code(reason)}</span>`;
    return html`<tr>
      <th scope="row" data-label="When">${instant(Date.parse(at))}</th>
      <td data-label="What">
        ${ended} ${messages > 1 && html`<span class="badge">${messages} messages</span>`}
        ${text !== null && html`<span class="said">${text}</span>`}
        ${remedy !== null && html`<span class="said remedy">${remedy}</span>`} ${sentFields(sent)}
      </td>
    </tr>`;
  });
  return table({
    label: "What became of it",
    kind: "stacked",
    caption: "What became of it lately",
    columns: ["When", "What"],
    rows,
  });
}

function fieldTable(fields: Shown["fields"]): Html {
  const rows = fields.map(
    ({ field, value, verdict, why }) =>
      html`<tr>
        <th scope="row" data-label="Field">${code(field)}</th>
        <td data-label="Hull wants">
          <bdi class="said">${typeof value === "string" ? value : JSON.stringify(value)}</bdi>
        </td>
        <td data-label="Verdict"><span>${verdict}</span></td>
        <td data-label="Why"><span>${why}</span></td>
      </tr>`,
  );
  return html`<details>
    <summary>Field by field</summary>
    ${table({ label: "Field by field", kind: "stacked", columns: ["Field", "Hull wants", "Verdict", "Why"], rows })}
  </details>`;
}

function sentences(words: readonly string[]): Html | undefined {
  if (words.length === 0) return undefined;
  return html`<ul class="sentences">
    ${words.map((each) => html`<li>${each}</li>`)}
  </ul>`;
}
