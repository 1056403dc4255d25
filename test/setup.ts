/** Property tests try the same cases in every run; a seed of one's own is a matter of the moment, not of the suite. */
import fc from "fast-check";

fc.configureGlobal({ seed: 20_260_101 });

// Jest's copy of `process` makes this set of hundreds of names anew at every look, and axios looks at it at every call.
Object.defineProperty(process, "allowedNodeEnvironmentFlags", {
  value: process.allowedNodeEnvironmentFlags,
  configurable: true,
});
