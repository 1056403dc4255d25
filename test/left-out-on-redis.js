/** What is no question of Redis: tests by file and name, with the reason. `test/chaos` kills processes there. */
const KILLS = "a kill is a copy of the folder's files there";
const FILES = "it looks at files, of which Redis has none";
const FORMER = "no former version wrote on Redis";
const REPLACES =
  "it replaces methods of the store, and whoever owns a remote or a run writes through a store of its own";
const CLOCK = "it sets the clock of the process ahead, and Redis counts by its own";
const TIMERS = "it calls the timer of a single process; Bull repeats the job there";
const ORDER = "it expects the order of calls about different records that one process has";

const all = /^/;

/** @type {readonly (readonly [file: string, name: RegExp, because: string])[]} */
module.exports = [
  ["integration/admin-machine", all, FILES],
  ["integration/alerts", /^it is looked by itself/, TIMERS],
  ["integration/backup", all, FILES],
  ["integration/data-folder", all, FILES],
  ["integration/dead-letters", all, FILES],
  ["integration/metrics", /^outcomes, notifications and calls/, FILES],
  ["integration/migrate", all, FILES],
  ["integration/plansource/dead-letters", /^the tools on the machine/, FILES],
  ["rules/activities", /killed|in two shipments with the connector/, KILLS],
  ["rules/batch", /killed/, KILLS],
  ["rules/batch", /stands in no log, no answer, and not in the store's files/, FILES],
  ["rules/batch-trouble", /between the download and the taking in/, REPLACES],
  ["rules/custom-fields", /a store of the version before/, FORMER],
  ["rules/damaged", all, FILES],
  ["rules/licenses", /killed/, KILLS],
  ["rules/plangrade-grant", /when the process is killed/, KILLS],
  ["rules/plangrade-leaving", /^a kill/, KILLS],
  ["rules/plangrade-secrets", /^the search would find them/, FILES],
  ["rules/planningpme-calls", /is never passed, through a restart and a kill/, KILLS],
  ["rules/planningpme-calls", /is shared by connectors that have one app key/, CLOCK],
  ["rules/plansource-limits", /^requests_per_minute used up, calls wait for the next minute/, CLOCK],
  ["rules/plansource-secrets", /^the search would find them/, FILES],
  ["rules/restart", all, KILLS],
  ["rules/runs-trouble", /killed|crash/, KILLS],
  ["rules/runs-trouble", /a connector that is forgotten in the middle of its fetch/, REPLACES],
  ["rules/secrets", all, FILES],
  ["rules/services", /after a kill/, KILLS],
  ["rules/simulate", /killed/, KILLS],
  ["rules/two-connectors", /^on a store of the version before/, FORMER],
  ["rules/upgrade", all, FORMER],
  ["scenarios/plansource/plansource", /export-of-several/, ORDER],
];
