/** Removes the folder that `global-setup.ts` made, with whatever a test forgot in it. */
import { rmSync } from "node:fs";
import { folderOfTheRun } from "./folder-of-the-run";

export default function closeFolder(): void {
  rmSync(folderOfTheRun(), { recursive: true, force: true });
}
