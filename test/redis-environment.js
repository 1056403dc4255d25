const { sep } = require("node:path");
const { TestEnvironment } = require("jest-environment-node");
const LEFT_OUT = require("./left-out-on-redis");

/** Takes those tests out of a file that are no question of Redis, so that they count nowhere. */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.process.env["TEST_DATABASE"] = "redis";
    this.leftOut = LEFT_OUT.filter(([file]) => context.testPath.endsWith(`${sep}${file.replaceAll("/", sep)}.test.ts`));
  }

  async teardown() {
    await this.global.stopRedis?.();
    await super.teardown();
  }

  handleTestEvent({ name }, { rootDescribeBlock }) {
    if (name === "run_start") this.takeOut(rootDescribeBlock, "");
  }

  takeOut(block, before) {
    block.children = block.children.filter((child) => {
      const name = `${before}${child.name}`;
      if (child.type === "describeBlock") this.takeOut(child, `${name} `);
      return !this.leftOut.some(([, pattern]) => pattern.test(name));
    });
  }
};
