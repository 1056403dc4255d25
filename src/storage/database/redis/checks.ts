/** Whether a server is fit to hold the store. */
import { RedisError, type RedisConnection } from "./connection";

/** The first version with all that is used; Valkey counts its versions on from 7.2. */
const OLDEST = [6, 2] as const;

/**
 * @returns sentences about what may be lost, none if nothing is
 * @throws RedisError when the server is not fit, with what was found and what to do
 */
export async function assertFit(connection: RedisConnection): Promise<readonly string[]> {
  const server = `Redis at ${connection.name} (REDIS_URL)`;
  const facts = factsIn(await connection.command("INFO"));
  const version = facts.get("redis_version") ?? "of an unknown version";
  if (!isRecent(version)) {
    throw new RedisError(
      `${server} is ${version}, and ${OLDEST.join(".")} or later is needed. Update it, or let REDIS_URL name another server.`,
    );
  }
  if (facts.get("cluster_enabled") === "1" || facts.get("redis_mode") === "cluster") {
    throw new RedisError(
      `${server} is a Redis Cluster, on which this program does not run. ` +
        "Let REDIS_URL name a single server, or Sentinel (redis+sentinel://).",
    );
  }
  const policy = facts.get("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction") {
    throw new RedisError(
      `${server} throws rows away when its memory is full (maxmemory-policy ${policy}). ` +
        "Set maxmemory-policy to noeviction; what else uses that policy belongs on another server.",
    );
  }
  const memory = policy === undefined ? [`${server} does not say what it does when its memory is full.`] : [];
  return [...memory, ...(await persistenceWarnings(connection, server, facts))];
}

const PAUSES_SAVING = "no-appendfsync-on-rewrite";
const REMEDY = "Set appendonly yes and appendfsync always.";

async function persistenceWarnings(
  connection: RedisConnection,
  server: string,
  facts: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  if (facts.get("aof_enabled") !== "1") {
    return [
      `${server} keeps no append-only file (appendonly no): what was written since its last snapshot is lost if it ends. ${REMEDY}`,
    ];
  }
  const sync = await settingOf(connection, "appendfsync");
  if (sync === "always") {
    if ((await settingOf(connection, PAUSES_SAVING)) !== "yes") return [];
    return [
      `${server} does not save while it writes its log anew (${PAUSES_SAVING} yes): what was written meanwhile is lost ` +
        `if its machine ends. Set ${PAUSES_SAVING} no.`,
    ];
  }
  if (sync === undefined) {
    return [
      `${server} does not let its settings be read (CONFIG), so it could not be checked whether appendfsync is always. ` +
        "If it is not, what was written in the last second or more is lost if it ends.",
    ];
  }
  const span = sync === "everysec" ? "in the last second or two" : "in the last half minute or so";
  return [
    `${server} does not flush every write (appendfsync ${sync}): what was written ${span} is lost if its machine ends. ${REMEDY}`,
  ];
}

/** Undefined: managed servers may refuse. */
async function settingOf(connection: RedisConnection, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await connection.command("CONFIG", "GET", name)).split(",");
    return value;
  } catch {
    return undefined;
  }
}

const factsIn = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split("\r\n").flatMap((line) => {
      const at = line.indexOf(":");
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
