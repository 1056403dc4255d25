/**
 * Tests that say one thing of many values, forms or faults: by file and name, and every how many of them is tried. What
 * single values become is proven beside the code that reads them; these show that it reaches the services. With
 * TEST_FULL=1 all are tried.
 */
/** @type {readonly (readonly [file: string, name: RegExp, every: number])[]} */
module.exports = [
  ["integration/bad-input", /^one bad message /, 2],
  ["integration/dead-letters-api", /names a parameter that cannot be read/, 3],
  ["integration/fixtures", /: every message (?:arrives|ends)/, 3],
  ["integration/plansource/operations-memory", /^after /, 2],
  ["integration/planhat/users", /waits for a short pause/, 2],
  ["integration/planningpme/status", /the same in each form/, 3],
  ["rules/activities", /^an answer that was lost .*: repeat sends/, 2],
  ["rules/activities", /with a date that nobody can read/, 3],
  ["rules/activities", /at its own time, however Hull writes it/, 3],
  ["rules/activities", /Planhat's answer .* is a success/, 2],
  ["rules/answers", /whatever (?:an error looks|the key lists look) like/, 2],
  ["rules/batch", /^files of every kind (?:users|accounts) as/, 2],
  ["rules/batch-trouble", /ends? the run at once, with what to do/, 2],
  ["rules/creating", /exists exactly once in the end$/, 3],
  ["rules/custom-fields", /becomes what the field is: /, 3],
  ["rules/custom-fields", /does not take is withheld: /, 3],
  ["rules/fetch-told", /answers nothing but \d+/, 3],
  ["rules/fetch-told", /answers \d+ for a while/, 3],
  ["rules/identity-endusers", /^an e-mail .*is no second person, and is sent as Hull has it/, 3],
  ["rules/identity-endusers", /\(matching (?:off|alone|always)\)/, 2],
  ["rules/licenses", /is no list: rejected once/, 3],
  ["rules/licenses", /an element .* is rejected by its place/, 3],
  ["rules/licenses", /is too much: rejected once/, 2],
  ["rules/licenses", /holds none, and nobody is told off/, 2],
  ["rules/licenses", /errors as: /, 2],
  ["rules/licenses", /a lost answer .* makes no second license/, 2],
  ["rules/plangrade-grant", /^when the answer to a refresh is lost/, 2],
  ["rules/plansource-bulk", /^where PlanSource takes /, 2],
  ["rules/plansource-codes", /^a code that PlanSource has in capitals/, 3],
  ["rules/runs-trouble", /: passes, and the run goes/, 3],
  ["rules/runs-trouble", /: stays, so the run ends/, 2],
  ["rules/values", /silences nobody|when they are a counter|licenses, users and events understand/, 2],
];
