const { availableParallelism } = require("node:os");
const LEFT_OUT = require("./test/left-out-on-redis");
const { isFull, ON_REDIS } = require("./test/on-redis");

const onRedis = process.env["TEST_DATABASE"] === "redis";
const wholeFiles = LEFT_OUT.filter(([, name]) => name.test("")).map(([file]) => `/test/${file}\\.test\\.ts$`);

const project = {
  testEnvironment: "<rootDir>/test/environment.js",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
  globalSetup: "<rootDir>/test/global-setup.ts",
  globalTeardown: "<rootDir>/test/global-teardown.ts",
  setupFiles: ["<rootDir>/test/setup.ts"],
  setupFilesAfterEnv: ["<rootDir>/test/other-database.ts"],
  // Looked up in the outer realm otherwise, at every use: a tenth of the processor's time. Not Date, which tests replace.
  sandboxInjectedGlobals: ["Array", "Error", "JSON", "Map", "Number", "Object", "Set", "String", "Uint8Array"],
};

const redisProject = {
  ...project,
  displayName: "redis",
  testEnvironment: "<rootDir>/test/redis-environment.js",
  testMatch: isFull
    ? ["rules", "scenarios", "integration"].map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`)
    : ON_REDIS.map(([file]) => `<rootDir>/test/${file}.test.ts`),
  testPathIgnorePatterns: ["/node_modules/", ...wholeFiles],
};

/** @type {import("jest").Config} */
module.exports = {
  projects: onRedis ? [redisProject] : [project, redisProject],
  // A busy machine makes some tests ten times as long.
  testTimeout: 180_000,
  testSequencer: "<rootDir>/test/sequencer.js",
  // Nearly half of the time a test waits for timers and processes; one file more than cores keeps the cores busy.
  maxWorkers: availableParallelism() + 1,
};
