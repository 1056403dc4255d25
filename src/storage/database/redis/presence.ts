/**
 * Which processes use a store (docs/decisions/41-presence-and-formats.md). Each says every few seconds that it is there, and
 * counts as gone once it was silent for a minute by the clock of Redis. Processes of versions that say nothing are known by
 * their connections alone; whoever sees one says it for them, so that they count for a minute as well.
 */
import { z } from "zod";
import type { PresentProcess, ProcessFacts } from "../../port/leases";
import { CLIENT_NAME, FORMER_CLIENT_NAME, type RedisConnection } from "./connection";
import { PREFIX } from "./database";
import { createPlaces } from "./place";
import { PRESENT } from "./scripts";

const facts: z.ZodType<ProcessFacts> = z.object({
  name: z.string(),
  version: z.string().optional(),
  role: z.string().optional(),
  writes: z.number().optional(),
  reads: z.tuple([z.number(), z.number()]).optional(),
});

export interface Presence {
  /** Says that this process is there, and answers who else is. */
  renew(own: ProcessFacts): Promise<readonly PresentProcess[]>;
  /** Answers who is there. */
  look(): Promise<readonly PresentProcess[]>;
  /** This process is not there any more. */
  leave(): Promise<void>;
}

/** After this long without a word a process counts as gone. */
export const SILENT_MS = 60_000;

export interface PresenceOptions {
  readonly connection: RedisConnection;
  /** Of this process; a tool, which only looks, has none. */
  readonly id?: string;
  readonly silentMs?: number | undefined;
  /** Of all keys in Redis. */
  readonly prefix?: string;
}

export function createPresence({
  connection,
  id = "",
  silentMs = SILENT_MS,
  prefix = PREFIX,
}: PresenceOptions): Presence {
  const key = createPlaces(prefix).nameOf("store", "processes");
  const say = async (...said: readonly string[]): Promise<readonly PresentProcess[]> => {
    const rows = ((await connection.run(PRESENT, [key], [silentMs, ...said])) as readonly (Buffer | number)[]).map(
      String,
    );
    const found: PresentProcess[] = [];
    for (let at = 0; at < rows.length; at += 4) {
      const [id = "", forMs, lastMs, text = ""] = rows.slice(at, at + 4);
      found.push({ ...facts.parse(JSON.parse(text)), id, forMs: Number(forMs), silentMs: Number(lastMs) });
    }
    return found.sort((one, other) => other.forMs - one.forMs);
  };
  /** What is to be said for those who say nothing. */
  const former = async (): Promise<readonly string[]> => {
    const clients = ((await clientsOf(connection)) ?? []).filter((client) => client.name === FORMER_CLIENT_NAME);
    const addresses = [...new Set(clients.map(({ address }) => address))];
    return addresses.flatMap((name) => [`former/${name}`, JSON.stringify({ name } satisfies ProcessFacts)]);
  };
  return {
    renew: async (own) => say(id, JSON.stringify(own), ...(await former())),
    look: async () => say(...(await former())),
    leave: async () => {
      await say(id, "");
    },
  };
}

/** Names and addresses of our other connections to this database of Redis; undefined: Redis does not tell. */
async function clientsOf(
  connection: RedisConnection,
): Promise<readonly { readonly name: string; readonly address: string }[] | undefined> {
  let clients: string;
  let own: string;
  try {
    clients = await connection.command("CLIENT", "LIST");
    own = await connection.command("CLIENT", "ID");
  } catch {
    return undefined;
  }
  const factsOf = (line: string): ReadonlyMap<string, string> =>
    new Map(line.split(" ").map((fact) => [fact.slice(0, fact.indexOf("=")), fact.slice(fact.indexOf("=") + 1)]));
  const all = clients.split("\n").map(factsOf);
  const database = all.find((client) => client.get("id") === own)?.get("db");
  return all.flatMap((client) => {
    const name = client.get("name") ?? "";
    if (![CLIENT_NAME, FORMER_CLIENT_NAME].includes(name) || client.get("db") !== database) return [];
    if (client.get("id") === own) return [];
    return [{ name, address: client.get("addr")?.replace(/:\d+$/, "") ?? "?" }];
  });
}

/** Addresses of the other servers and tools of ours that use this database of Redis; undefined: Redis does not tell. */
export async function usersOf(connection: RedisConnection): Promise<readonly string[] | undefined> {
  const clients = await clientsOf(connection);
  return clients && [...new Set(clients.map(({ address }) => address))];
}
