/** Instants as the API writes them: ISO 8601, UTC, milliseconds. */
import { z } from "zod";

/** Only the format says the shape; zod's pattern does not help a reader. */
export const instantAnswer = z.iso.datetime().meta({ pattern: undefined });

/** @param atMs milliseconds since 1970 */
export function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

export function isoOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : isoOf(atMs);
}
