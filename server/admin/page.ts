/** `GET /admin` for people: all connectors, those in trouble first. The frame and the style are those of the console. */
import sumBy from "lodash/sumBy";
import { mountOf } from "../../src/services";
import { serviceOf } from "../../src/storage/port/lane";
import type { PresentProcess } from "../../src/storage/port/leases";
import type { PauseRow } from "../../src/storage/port/rows";
import { html, type Content, type Html } from "../console/html";
import { consoleLink, type Site } from "../console/links";
import { page } from "../console/page";
import { instant, number, span, tile } from "../console/sections/figures";
import { levelBadge } from "../console/sections/status";
import type { ConnectorOverview } from "./connectors";

const COLUMNS = html`<th scope="col">Connector</th>
  <th scope="col">Service</th>
  <th scope="col">State</th>
  <th scope="col" class="number">Waiting</th>
  <th scope="col" class="number">Oldest</th>
  <th scope="col" class="number">Dead letters</th>`;

export interface ConnectorsPageOptions {
  /** The address of the page. */
  readonly home: string;
  /** A service whose style it has. */
  readonly site: Site;
  /** The address of the page that shows the jobs; undefined: there is none. */
  readonly queues?: string | undefined;
  /** All that share the store, this one too; undefined: it has the store alone. */
  readonly processes?: readonly PresentProcess[] | undefined;
  /** The server that shows the services' own pages: empty, this one; `false`: another one, and nobody says which. */
  readonly web?: Web;
}

export type Web = string | false;

/** @param nowMs when it was asked for, milliseconds since 1970 */
export function connectorsPage(
  connectors: readonly ConnectorOverview[],
  nowMs: number,
  { home, site, queues, processes, web = "" }: ConnectorsPageOptions,
): string {
  const jobs = queues !== undefined && html`<p class="hint"><a href="${queues}/">Jobs of all processes</a></p>`;
  const body = connectors.length === 0 ? nobody(site, web) : [totals(connectors), list(connectors, nowMs, web)];
  // The pages that the usual one leads to are not here.
  const footer = web === "" ? undefined : html`All times are UTC.`;
  const all = [html`<h1>All connectors</h1>`, body, processes && processList(processes), jobs];
  return page({ site, title: "All connectors", home, atMs: nowMs, footer, body: all });
}

const linkTo = (web: Web, path: string, words: Content): Content =>
  web === false ? words : html`<a href="${web}${path}">${words}</a>`;

const nobody = ({ mount }: Site, web: Web): Html =>
  html`<section aria-labelledby="none">
    <h2 id="none">No connector is known yet</h2>
    <p>
      Install one in Hull by this server's ${linkTo(web, `${mount}/manifest.json`, "manifest")} and save its settings.
      It appears here when Hull has called this server for the first time.
    </p>
  </section>`;

function totals(connectors: readonly ConnectorOverview[]): Html {
  const sum = (count: "outbox" | "hullUpdates" | "deadLetters"): number => sumBy(connectors, count);
  const troubled = connectors.filter(isTroubled).length;
  const refused = countOf(
    sum("deadLetters"),
    connectors.some(({ moreDeadLetters }) => moreDeadLetters),
  );
  return html`<section aria-labelledby="totals">
    <h2 id="totals">In all</h2>
    <dl class="tiles">
      ${tile("Connectors", number(connectors.length), troubled === 0 ? "none needs a look" : `${number(troubled)} to look at`)}
      ${tile("Waiting for a service", number(sum("outbox")), "records")}
      ${tile("Waiting for Hull", number(sum("hullUpdates")), "records delivered, Hull not told yet")}
      ${tile("Dead letters", refused, "refused for good")}
    </dl>
  </section>`;
}

function isTroubled({ health, pauses, deadLetters }: ConnectorOverview): boolean {
  return (health?.status ?? "ok") !== "ok" || pauses.length > 0 || deadLetters > 0;
}

function list(connectors: readonly ConnectorOverview[], nowMs: number, web: Web): Html {
  return html`<section aria-labelledby="connectors">
    <h2 id="connectors">One by one</h2>
    <p class="hint">Those in trouble come first. This page asks no service; the console of a connector does.</p>
    <div class="scroll" role="region" aria-label="Connectors" tabindex="0">
      <table class="stacked">
        <thead>
          <tr>
            ${COLUMNS}
          </tr>
        </thead>
        <tbody>
          ${connectors.map((each) => row(each, nowMs, web))}
        </tbody>
      </table>
    </div>
  </section>`;
}

const processList = (processes: readonly PresentProcess[]): Html =>
  html`<section aria-labelledby="processes">
    <h2 id="processes">Processes</h2>
    <div class="scroll" role="region" aria-label="Processes" tabindex="0">
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col">Role</th>
            <th scope="col">Version</th>
            <th scope="col" class="number">For</th>
            <th scope="col" class="number">Last seen</th>
          </tr>
        </thead>
        <tbody>
          ${processes.map(
            ({ name, role, version, forMs, silentMs }) =>
              html`<tr>
                <th scope="row" data-label="Process">${name}</th>
                <td data-label="Role"><span>${role ?? "not said"}</span></td>
                <td data-label="Version"><span>${version ?? "an older one"}</span></td>
                <td data-label="For" class="number"><span>${span(forMs)}</span></td>
                <td data-label="Last seen" class="number"><span>${span(silentMs)} ago</span></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;

function row(connector: ConnectorOverview, nowMs: number, web: Web): Html {
  const { organization, connectorId, outbox, hullUpdates, oldestAtMs, deadLetters, moreDeadLetters } = connector;
  const reasons = reasonsOf(connector);
  const since = oldestAtMs === undefined ? "none" : span(Math.max(0, nowMs - oldestAtMs));
  const mood = connector.health?.status === "error" ? "why" : "why mild";
  const itsConsole = consoleLink({ mount: mountOf(serviceOf(connector.tenant)) }, organization);
  const name = web === false ? organization : html`${organization} <span class="hidden">(its console)</span>`;
  return html`<tr>
      <th scope="row" data-label="Connector">
        ${linkTo(web, itsConsole, name)}
        <span class="id">${connectorId}</span>
      </th>
      <td data-label="Service"><span>${connector.service}</span></td>
      <td data-label="State"><span class="states">${stateOf(connector)}</span></td>
      <td data-label="Waiting" class="number">
        <span
          >${number(outbox)}${hullUpdates > 0 && html` <span class="id">${number(hullUpdates)} for Hull</span>`}</span
        >
      </td>
      <td data-label="Oldest" class="number"><span>${since}</span></td>
      <td data-label="Dead letters" class="number"><span>${countOf(deadLetters, moreDeadLetters)}</span></td>
    </tr>
    ${
      reasons.length > 0 &&
      html`<tr class="${mood}">
        <td colspan="6">${reasons}</td>
      </tr>`
    }`;
}

function stateOf({ health, pauses }: ConnectorOverview): Content {
  const paused = pauses.length > 0 && html`<strong class="badge level-warning">Paused</strong>`;
  return [health !== undefined && levelBadge(health.status), paused];
}

/** Why it stands still, or else the worst that is known of it. */
function reasonsOf({ health, pauses }: ConnectorOverview): readonly Html[] {
  const messages = (health?.messages ?? []).filter(({ level }) => level !== "ok");
  const said =
    pauses.length > 0
      ? pauses.map(pauseReason)
      : messages.slice(0, 1).map(({ text }) => html`<span class="said">${text}</span>`);
  // Each pause is among the messages, too.
  const more = messages.length - said.length;
  return more > 0 ? [...said, html`<span class="id">and ${number(more)} more, on its console</span>`] : said;
}

function pauseReason({ scope, message, sinceMs, untilMs }: PauseRow): Html {
  const what = scope === "*" ? "Delivery is paused" : `Delivery of ${scope} is paused`;
  return html`<span class="said">${what} since ${instant(sinceMs)} until ${instant(untilMs)}: ${message}</span>`;
}

function countOf(count: number, more: boolean): string {
  return more ? `${number(count)} or more` : number(count);
}
