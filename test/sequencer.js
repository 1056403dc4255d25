const { sep } = require("node:path");
const Sequencer = require("@jest/test-sequencer").default;

/**
 * What takes longest, the longest first. A file that is missing here costs time, nothing else. The first one builds the
 * server, once for all: those that begin beside it need none.
 */
const LONG = [
  "chaos/cluster",
  "demo/demo",
  "chaos/redis-losses",
  "integration/calls",
  "chaos/export",
  "rules/batch-trouble",
  "scenarios/planningpme/planningpme",
  "chaos/process",
  "chaos/runs",
  "integration/roles",
  "chaos/plangrade",
  "chaos/erased",
  "chaos/plansource",
  "chaos/move",
  "chaos/damage",
  "chaos/disk",
  "browser/console",
  "chaos/planningpme",
  "chaos/rolling",
  "browser/narrow",
  "chaos/activities",
  "rules/batch",
  "scenarios/plangrade/plangrade",
  "scenarios/plansource/plansource",
  "integration/redis-connections",
  "chaos/backup",
  "chaos/changes",
  "chaos/tools",
  "bench/bench",
  "unit/engine/fetch-memory",
  "browser/docs",
  "rules/plansource-bulk",
  "rules/activities",
  "integration/repetitions",
  "scenarios/scenarios",
  "unit/hull/extract",
  "rules/plangrade-leaving",
  "integration/plansource/operations-memory",
  "rules/licenses",
  "integration/bad-input",
  "rules/simulate",
  "rules/plansource-lost",
  "rules/secrets",
  "unit/storage/move",
  "integration/cors",
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
