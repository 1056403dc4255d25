/** The few statistics that the figures need. */

/** The value below which the share `q` (0 to 1) of the values lies; the nearest of them, none invented between two. */
export function quantile(values: readonly number[], q: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  const value = ordered[Math.min(ordered.length - 1, Math.max(0, Math.ceil(q * ordered.length) - 1))];
  if (value === undefined) throw new RangeError("There is nothing to take a quantile of.");
  return value;
}

/** Of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const upper = ordered[Math.floor(ordered.length / 2)];
  const lower = ordered[Math.ceil(ordered.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("There is nothing to take a median of.");
  return (lower + upper) / 2;
}
