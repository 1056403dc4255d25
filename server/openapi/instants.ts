/** Instants as the API writes them: ISO 8601, UTC, milliseconds. */
import { z } from "zod";

/** The shape is said by the format alone; zod's pattern for it is no help to a reader. */
export const instantAnswer = z.iso.datetime().meta({ pattern: undefined });

/** @param atMs milliseconds since 1970 */
export function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
