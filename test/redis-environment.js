const TestEnvironment = require("./environment");
const LEFT_OUT = require("./left-out-on-redis");
const { isFull, ON_REDIS } = require("./on-redis");

/** Takes those tests out of a file that are no question of Redis, so that they count nowhere, and those that are not chosen. */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.process.env["TEST_DATABASE"] = "redis";
    this.leftOut = LEFT_OUT.filter(this.isOfFile);
    [, this.chosen = 1] = (isFull ? [] : ON_REDIS).find(this.isOfFile) ?? [];
  }

  async teardown() {
    await this.global.stopRedis?.();
    await super.teardown();
  }

  handleTestEvent(event, state) {
    const { rootDescribeBlock } = state;
    if (event.name !== "run_start") return;
    super.handleTestEvent(event, state);
    this.keep(rootDescribeBlock, (test) => !this.leftOut.some(([, pattern]) => pattern.test(test)));
    const { chosen } = this;
    if (typeof chosen === "number") {
      let seen = 0;
      this.keep(rootDescribeBlock, () => seen++ % chosen === 0);
      return;
    }
    const idle = new Set(chosen);
    this.keep(rootDescribeBlock, (test) => {
      const by = chosen.filter((pattern) => pattern.test(test));
      for (const pattern of by) idle.delete(pattern);
      return by.length > 0;
    });
    if (idle.size > 0) throw new Error(`test/on-redis.js chooses what is not there: ${[...idle].join(", ")}`);
  }
};
