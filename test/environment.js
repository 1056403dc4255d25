const { sep } = require("node:path");
const { TestEnvironment } = require("jest-environment-node");
const { isFull } = require("./on-redis");
const REPEATED = require("./repeated");
require("./compiled-once");

/** Leaves out what only says once more what others say: see `repeated.js`. */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.isOfFile = ([file]) => context.testPath.endsWith(`${sep}test${sep}${file.replaceAll("/", sep)}.test.ts`);
    this.repeated = isFull ? [] : REPEATED.filter(this.isOfFile);
  }

  handleTestEvent({ name }, { rootDescribeBlock }) {
    if (name !== "run_start") return;
    for (const [file, pattern, every] of this.repeated) {
      let seen = 0;
      this.keep(rootDescribeBlock, (test) => !pattern.test(test) || seen++ % every === 0);
      if (seen < 2) throw new Error(`test/repeated.js finds nothing repeated in ${file}: ${pattern}`);
    }
  }

  /** Keeps those tests of a block, by their whole names. */
  keep(block, isKept, before = "") {
    block.children = block.children.filter((child) => {
      const name = `${before}${child.name}`;
      if (child.type !== "describeBlock") return isKept(name);
      this.keep(child, isKept, `${name} `);
      return true;
    });
  }
};
