const { sep } = require("node:path");
const Sequencer = require("@jest/test-sequencer").default;

/** What takes longest, the longest first. A file that is missing here costs time, nothing else. */
const LONG = [
  "chaos/cluster",
  "demo/demo",
  "integration/roles",
  "chaos/export",
  "chaos/runs",
  "chaos/activities",
  "browser/console",
  "browser/docs",
  "chaos/process",
  "integration/calls",
  "integration/bad-input",
  "chaos/move",
  "chaos/rolling",
  "chaos/poison",
  "chaos/changes",
  "chaos/plansource",
  "chaos/planningpme",
  "chaos/plangrade",
  "rules/batch-trouble",
  "rules/batch",
  "rules/simulate",
  "unit/linear-text",
  "rules/activities",
  "rules/custom-fields",
  "rules/runs-trouble",
  "rules/plansource-trouble",
  "scenarios/planningpme/planningpme",
  "scenarios/plansource/plansource",
  "scenarios/plangrade/plangrade",
  "browser/authorization",
  "rules/plansource-bulk",
  "rules/plangrade-grant",
  "rules/reading",
  "rules/fetch-told",
  "rules/identity-endusers",
  "rules/licenses",
  "rules/planningpme-calls",
  "rules/plansource-lost",
  "chaos/tools",
].map((name) => `${sep}test${sep}${name.replace("/", sep)}.test.ts`);

/**
 * Begins with the long files, so that none of them is left to one worker while the others have nothing to do. Jest
 * itself goes by what it remembers of the last run, and a fresh clone remembers nothing.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONG.findIndex((name) => path.endsWith(name));
      return at < 0 ? LONG.length : at;
    };
    return [...super.sort(tests)].sort((one, other) => rank(one) - rank(other));
  }
};
