/** Planhat's team members, for turning an owner's e-mail address into the id that Planhat wants. */
import type { Clock } from "../../http/time";
import { UnexpectedAnswer } from "./failure";
import { readPages } from "./paging";
import type { Rest } from "./rest";

export interface Directory {
  /** @param owner an id or an e-mail address, case ignored @returns undefined when there is no such team member */
  find(owner: string): string | undefined;
}

export interface Owners {
  /** The directory, at most ten minutes old. One call at a time; a failure is not remembered. @throws RemoteError, UnexpectedAnswer */
  directory(): Promise<Directory>;
}

const KEPT_MS = 600_000;
const PAGE = 10_000;

export function createOwners(rest: Rest, clock: Clock): Owners {
  let known: { readonly directory: Promise<Directory>; readonly readAtMs: number } | undefined;
  return {
    directory() {
      if (known !== undefined && clock() - known.readAtMs < KEPT_MS) return known.directory;
      const reading = { directory: readDirectory(rest), readAtMs: clock() };
      known = reading;
      reading.directory.catch(() => {
        if (known === reading) known = undefined;
      });
      return reading.directory;
    },
  };
}

async function readDirectory(rest: Rest): Promise<Directory> {
  const { rows, complete, error } = await readPages(rest, { path: "/users", query: {}, limit: PAGE });
  if (error !== undefined) throw error;
  if (!complete) throw new UnexpectedAnswer("planhat GET /users could not be read to its end.");
  const ids = new Set<string>();
  const byEmail = new Map<string, string>();
  for (const row of rows.values()) {
    if (row["removed"] === true) continue;
    const email = row["email"];
    ids.add(row._id);
    if (typeof email === "string" && email !== "") byEmail.set(email.trim().toLowerCase(), row._id);
  }
  return { find: (owner) => (ids.has(owner.trim()) ? owner.trim() : byEmail.get(owner.trim().toLowerCase())) };
}
