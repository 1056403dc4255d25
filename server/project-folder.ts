/** Files of the project that are not code. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A folder of the project: one level above the source of this module, two above its compiled form in `dist`. */
export function projectFolder(name: string): string {
  const beside = join(__dirname, "..", name);
  return existsSync(beside) ? beside : join(__dirname, "../..", name);
}
