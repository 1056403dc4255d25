/** The key under which credentials are encrypted at rest. */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIN_LENGTH = 16;

/**
 * The configured secret, or the key file of the data folder, created on the first start and readable by us alone.
 *
 * @param dataDir an existing folder that this process owns
 * @throws Error when the key file is damaged
 */
export function readSecret(configured: string | undefined, dataDir: string): string {
  if (configured !== undefined) return configured;
  const path = join(dataDir, "secret.key");
  if (!existsSync(path)) writeKey(path, randomBytes(32).toString("base64url"));
  const key = readFileSync(path, "utf8").trim();
  if (key.length < MIN_LENGTH) {
    throw new Error(
      `The key file ${path} is damaged. Restore it from a backup; or remove it, and Hull's next notification of each ` +
        "connector brings its credentials again.",
    );
  }
  return key;
}

/** Written whole or not at all: a key cut short by a crash would be no key. */
function writeKey(path: string, key: string): void {
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, key);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
