/** Property tests try the same cases in every run; a seed of one's own is a matter of the moment, not of the suite. */
import type * as fastCheck from "fast-check";

// Loaded by those files alone that use it: it is large.
jest.mock("fast-check", () => {
  const actual = jest.requireActual<typeof fastCheck>("fast-check");
  actual.configureGlobal({ seed: 20_260_101 });
  return actual;
});

// Jest's copy of `process` makes this set of hundreds of names anew at every look, and axios looks at it at every call.
Object.defineProperty(process, "allowedNodeEnvironmentFlags", {
  value: process.allowedNodeEnvironmentFlags,
  configurable: true,
});
