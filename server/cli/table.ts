/** Text for people: tables that fit the terminal, instants, and nothing that could control the terminal. */

/** Stored texts come from outside, and a terminal obeys control characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
}

/** `2026-01-31 12:00:00` in UTC. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * Columns side by side; the last one is cut at the end of the line.
 *
 * @param width characters per line
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const lines = [head, ...rows].map((cells) => cells.map(plain));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) => cut(cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "), width))
    .join("\n");
}

function cut(line: string, width: number): string {
  const text = line.trimEnd();
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
