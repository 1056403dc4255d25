const { sep } = require("node:path");
const Sequencer = require("@jest/test-sequencer").default;

/** What takes longest, the longest first. A file that is missing here costs time, nothing else. */
const LONG = [
  "chaos/export",
  "integration/calls",
  "chaos/runs",
  "chaos/activities",
  "chaos/process",
  "chaos/changes",
  "chaos/poison",
  "browser/docs",
  "browser/console",
  "chaos/plansource",
  "chaos/planningpme",
  "demo/demo",
  "integration/bad-input",
  "rules/activities",
  "rules/batch-trouble",
  "rules/runs-trouble",
  "rules/simulate",
  "rules/batch",
  "scenarios/plansource/plansource",
  "scenarios/plansource/explain",
  "scenarios/planningpme/planningpme",
  "scenarios/planningpme/explain",
  "rules/planningpme-calls",
  "rules/plansource-bulk",
  "rules/plansource-trouble",
  "rules/write-back",
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
