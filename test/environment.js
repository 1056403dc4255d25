const { TestEnvironment } = require("jest-environment-node");
require("./compiled-once");

module.exports = TestEnvironment;
