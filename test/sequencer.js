const { sep } = require("node:path");
const Sequencer = require("@jest/test-sequencer").default;

/**
 * What takes longest, the longest first. A file that is missing here costs time, nothing else. The first one builds the
 * server, once for all: those that begin beside it need none.
 */
const LONG = [
  "chaos/cluster",
  "integration/calls",
  "rules/batch-trouble",
  "scenarios/planningpme/planningpme",
  "demo/demo",
  "integration/roles",
  "chaos/redis-losses",
  "chaos/damage",
  "chaos/process",
  "chaos/export",
  "chaos/runs",
  "chaos/planningpme",
  "chaos/activities",
  "chaos/plansource",
  "chaos/disk",
  "chaos/backup",
  "chaos/move",
  "chaos/plangrade",
  "chaos/rolling",
  "rules/batch",
  "scenarios/plangrade/plangrade",
  "scenarios/plansource/plansource",
  "unit/engine/fetch-memory",
  "rules/plansource-bulk",
  "rules/activities",
  "browser/narrow",
  "integration/repetitions",
  "scenarios/scenarios",
  "unit/hull/extract",
  "rules/plangrade-leaving",
  "integration/plansource/operations-memory",
  "browser/docs",
  "browser/console",
  "rules/licenses",
  "integration/bad-input",
  "rules/simulate",
  "chaos/changes",
  "chaos/erased",
  "rules/plansource-lost",
  "rules/secrets",
  "unit/storage/move",
  "integration/cors",
  "integration/redis-connections",
  "chaos/tools",
  "bench/bench",
].map((name) => `${sep}test${sep}${name.replaceAll("/", sep)}.test.ts`);

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
