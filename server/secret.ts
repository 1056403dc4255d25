/** The key under which credentials are encrypted at rest. */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { TenantRow } from "../src/storage/port/rows";
import { createSeal, grantPlace, tenantPlace, type Place, type Seal } from "../src/storage/port/seal";
import type { Store } from "../src/storage/port/store";

const MIN_LENGTH = 16;

/**
 * The configured secret, or the key file of the data folder, created on the first start and readable by us alone.
 *
 * @param dataDir an existing folder that this process owns
 * @throws Error when the key file is damaged
 */
export function readSecret(configured: string | undefined, dataDir: string): string {
  if (configured !== undefined) return configured;
  const path = keyFile(dataDir);
  if (!existsSync(path)) writeKey(path, randomBytes(32).toString("base64url"));
  const key = readKey(path);
  if (key.length < MIN_LENGTH) {
    throw new Error(
      `The key file ${path} is damaged. Restore it from a backup; or remove it, and Hull's next notification of each ` +
        "connector brings its credentials again.",
    );
  }
  return key;
}

/** Where the generated key is. */
export const keyFile = (dataDir: string): string => join(dataDir, "secret.key");

function readKey(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new Error(
      `The key file ${path} cannot be read${code}. Make it a file that this user may read, or set SECRET.`,
      { cause },
    );
  }
}

export interface UnopenedSettings {
  /** Connectors that are stored. */
  readonly connectors: number;
  /** Those of them whose settings were encrypted with another key. */
  readonly unopened: number;
  /** Grants of people that were encrypted with another key. */
  readonly grants: number;
  /** A sentence for whoever runs the server. */
  readonly note: string;
}

/**
 * Whether what is stored opens with the key; a wrong one would show only later, connector by connector.
 *
 * @param configured SECRET, if it is set
 * @returns undefined when everything opens
 */
export async function unopenedSettings(
  store: Pick<Store, "tenants" | "grant">,
  seal: Seal,
  configured: string | undefined,
  dataDir: string,
): Promise<UnopenedSettings | undefined> {
  const rows = await store.tenants();
  const unopened = rows.filter(({ key, sealed }) => !opens(seal, sealed, tenantPlace(key)));
  let grants = 0;
  for (const { key } of rows) {
    const sealed = await store.grant(key);
    if (sealed !== undefined && !opens(seal, sealed, grantPlace(key))) grants += 1;
  }
  if (unopened.length === 0 && grants === 0) return undefined;
  const key = configured === undefined ? `the key file ${keyFile(dataDir)}` : "SECRET";
  const opened = rows.length - unopened.length;
  const all = rows.length === 1 ? "1 connector" : `${rows.length} connectors`;
  const extent = opened === 0 ? `none of ${all}` : `only ${opened} of ${all}`;
  const granted = grants === 0 ? "" : ` Of what people granted, ${grants} cannot be opened and must be granted again.`;
  return {
    connectors: rows.length,
    unopened: unopened.length,
    grants,
    note:
      `With ${key} the stored settings of ${extent} can be opened.${granted} ` +
      `${remedyOf(unopened, configured, dataDir)} ` +
      "Otherwise what waits for a connector stands still until Hull's next notification of it brings its settings again.",
  };
}

/**
 * Of several processes that share a store, one with another key would seal what nobody else can open.
 *
 * @throws Error when the key opens nothing of what is stored
 */
export function assertSharedKey(unopened: UnopenedSettings | undefined): void {
  if (unopened === undefined || unopened.connectors === 0 || unopened.unopened < unopened.connectors) return;
  throw new Error(
    "SECRET is not the one that the other processes on this Redis have: it opens none of the settings stored there " +
      `(connectors: ${unopened.connectors}), so this process would write what nobody else can read. Set SECRET to ` +
      "theirs, or let REDIS_URL name an empty database.",
  );
}

/** The former key may still lie in the folder: then we know that it is the one. */
function remedyOf(rows: readonly TenantRow[], configured: string | undefined, dataDir: string): string {
  const path = keyFile(dataDir);
  if (configured !== undefined && existsSync(path)) {
    const former = formerKey(path);
    const seal = former.length < MIN_LENGTH ? undefined : createSeal(former);
    if (seal !== undefined && rows.some(({ key, sealed }) => opens(seal, sealed, tenantPlace(key)))) {
      return `The key file ${path} opens them: stop, unset SECRET and start again.`;
    }
  }
  const former = configured === undefined ? "SECRET to the one" : "SECRET to the former one";
  return `Stop, set ${former} they were encrypted with, and start again.`;
}

/** Empty when it cannot be read: with SECRET set nobody needs the file, and no start may fail for it. */
function formerKey(path: string): string {
  try {
    return readKey(path);
  } catch {
    return "";
  }
}

function opens(seal: Seal, sealed: string, place: Place): boolean {
  try {
    seal.open(sealed, place);
    return true;
  } catch {
    return false;
  }
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
