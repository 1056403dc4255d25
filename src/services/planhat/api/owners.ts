/** Planhat's team members: from an owner's e-mail address to the id that Planhat wants, and from the id to the person. */
import type { Clock } from "../../../http/time";
import { foldedKey } from "../../../record";
import type { Rest, Row } from "./rest";
import { listUsers } from "./users";

export interface Member {
  /** First and last name, else what Planhat shows instead; undefined when there is none of them. */
  readonly name: string | undefined;
  readonly email: string | undefined;
}

export interface Directory {
  /** @param owner an id or an e-mail address, case ignored @returns undefined when there is no such team member */
  find(owner: string): string | undefined;
  /** Who has this id; includes removed team members, since companies may still name them. */
  member(id: string): Member | undefined;
}

export interface Owners {
  /** The directory, at most ten minutes old. One call at a time; a failure is not remembered. @throws RemoteError, UnexpectedAnswer */
  directory(): Promise<Directory>;
}

const KEPT_MS = 600_000;

/** @param version changes when team members were written: earlier reads are out of date then */
export function createOwners(rest: Rest, clock: Clock, version: () => number = () => 0): Owners {
  let known:
    { readonly directory: Promise<Directory>; readonly readAtMs: number; readonly version: number } | undefined;
  return {
    directory() {
      const isCurrent = known?.version === version() && clock() - known.readAtMs < KEPT_MS;
      if (known !== undefined && isCurrent) return known.directory;
      const reading = { directory: readDirectory(rest), readAtMs: clock(), version: version() };
      known = reading;
      reading.directory.catch(() => {
        if (known === reading) known = undefined;
      });
      return reading.directory;
    },
  };
}

async function readDirectory(rest: Rest): Promise<Directory> {
  const members = new Map<string, Member>();
  const ids = new Set<string>();
  const byEmail = new Map<string, string>();
  for (const row of await listUsers(rest)) {
    const member = memberOf(row);
    members.set(row._id, member);
    if (row["removed"] === true) continue;
    ids.add(row._id);
    if (member.email !== undefined) byEmail.set(foldedKey(member.email), row._id);
  }
  return {
    find: (owner) => (ids.has(owner.trim()) ? owner.trim() : byEmail.get(foldedKey(owner))),
    member: (id) => members.get(id),
  };
}

function memberOf(row: Row): Member {
  const text = (name: string) => {
    const value = row[name];
    return typeof value === "string" && value.trim() !== "" ? value : undefined;
  };
  const full = [text("firstName"), text("lastName")].filter((part) => part !== undefined).join(" ");
  return { name: full === "" ? (text("nickName") ?? text("name")) : full, email: text("email") };
}
