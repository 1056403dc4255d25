const { availableParallelism } = require("node:os");

/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
  globalSetup: "<rootDir>/test/global-setup.ts",
  globalTeardown: "<rootDir>/test/global-teardown.ts",
  setupFiles: ["<rootDir>/test/setup.ts", "<rootDir>/test/other-database.ts"],
  testTimeout: 30_000,
  testSequencer: "<rootDir>/test/sequencer.js",
  // Looked up in the outer realm otherwise, at every use: a tenth of the processor's time. Not Date, which tests replace.
  sandboxInjectedGlobals: ["Array", "Error", "JSON", "Map", "Number", "Object", "Set", "String", "Uint8Array"],
  // Nearly half of the time a test waits for timers and processes; one file more than cores keeps the cores busy.
  maxWorkers: availableParallelism() + 1,
};
