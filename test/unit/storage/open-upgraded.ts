/** A process of its own that opens the store named on its command line, upgraded with the secret behind it. */
import { createSeal } from "../../../src/storage/port/seal";
import { openUpgraded } from "../../../src/storage/data-folder/upgrade";

const [, , path = "", secret = ""] = process.argv;
void openUpgraded(path, "planhat", () => createSeal(secret)).then(
  (database) => database.close(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
