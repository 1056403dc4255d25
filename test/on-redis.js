/**
 * Whole connectors on Redis: of each kind of work what is different there, since many processes may share it. With
 * TEST_FULL=1 or TEST_DATABASE=redis all there is.
 */
const isFull = process.env["TEST_FULL"] === "1" || process.env["TEST_DATABASE"] === "redis";

/** Of scenarios every sixteenth: a rule is the same on every database. */
const EVERY = 16;

/** @type {readonly (readonly [file: string, which: readonly RegExp[] | number])[]} tests by name, or every so many */
const ON_REDIS = [
  ["scenarios/scenarios", EVERY],
  ["scenarios/plansource/plansource", EVERY],
  ["scenarios/planningpme/planningpme", EVERY],
  ["scenarios/plangrade/plangrade", EVERY],
  ["rules/fetch", [/^the first fetch tells Hull everything/, /^the second fetch tells /, /^of a company list with /]],
  ["rules/parents", [/made once for many users$/, /a later success of the company/, /only its own users back$/]],
  ["rules/rivals", [/^also after a restart/, /^an account that has/, /^it may be another connector/]],
  ["rules/runs", [/^one run at a time/, /is remembered across a restart$/, /a report of a verbose run/]],
  ["rules/two-connectors", [/come to rest/, /is taken up again by both$/]],
  [
    "rules/write-back",
    [/^Hull learns ids/, /after it took the batch/, /^while Hull answers 401/, /^once the settings/],
  ],
];

module.exports = { isFull, ON_REDIS };
