/** The status of the connector: the same messages as in Hull's dashboard, each with its level. */
import type { ConnectorHealth } from "../../../src/engine/status/health";
import type { FindingLevel } from "../../../src/services/connection";
import { html, type Html } from "../html";

const LEVELS: Readonly<Record<FindingLevel, string>> = {
  ok: "OK",
  warning: "Warning",
  error: "Error",
  setupRequired: "Setup required",
};

export function statusBody({ status, messages }: ConnectorHealth): Html {
  if (messages.length === 0) {
    return html`<p class="verdict">
      ${levelBadge(status)} Settings, token, fetches and delivery are as they should be.
    </p>`;
  }
  const items = messages.map(({ level, text }) => html`<li>${levelBadge(level)} <span>${text}</span></li>`);
  return html`<ul class="findings">
    ${items}
  </ul>`;
}

export function levelBadge(level: FindingLevel): Html {
  return html`<strong class="badge level-${level}">${LEVELS[level]}</strong>`;
}
