/**
 * Compiles each module once for all test files of a worker. Jest gives every file modules of its own, as it must, but it
 * also has V8 compile their functions anew for each, which is where much of the processor's time goes. A script can run
 * in any number of contexts, and what was compiled of it serves them all.
 */
const vm = require("node:vm");

const { compileFunction } = vm;
/** By file name, with the text that they were made of. */
const scripts = new Map();

function scriptOf(code, parameters, filename) {
  const known = scripts.get(filename);
  if (known?.code === code) return known.script;
  const opening = `(function (${parameters.join(",")}) {`;
  const script = new vm.Script(`${opening}${code}\n})`, { filename, columnOffset: -opening.length });
  // No other file loads a test.
  if (!filename.endsWith(".test.ts")) scripts.set(filename, { code, script });
  return script;
}

vm.compileFunction = (code, parameters = [], options = {}) => {
  const { filename, parsingContext } = options;
  // Whatever else somebody compiles, as Node does.
  if (filename === undefined || parsingContext === undefined) return compileFunction(code, parameters, options);
  return scriptOf(code, parameters, filename).runInContext(parsingContext);
};
