/** What the project is besides its code: its version, and files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json";

export const PROJECT_VERSION = packageJson.version;

/** A folder of the project: one level above the source of this module, two above its compiled form in `dist`. */
export function projectFolder(name: string): string {
  const beside = join(__dirname, "..", name);
  return existsSync(beside) ? beside : join(__dirname, "../..", name);
}
