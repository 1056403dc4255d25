/** How much the tests try: by default what proves something of its own, with TEST_FULL=1 everything there is. */
export const IS_FULL = process.env["TEST_FULL"] === "1";

/**
 * A size, or a list of cases.
 *
 * @param chosen enough to prove what the test says, any bound that it needs included
 */
export const withFull = <T>(chosen: T, full: T): T => (IS_FULL ? full : chosen);

/** Every so many of a list, the first one included; with TEST_FULL=1 all of it. */
export const everyOf = <T>(many: number, list: readonly T[]): readonly T[] =>
  list.filter((_, index) => IS_FULL || index % many === 0);
