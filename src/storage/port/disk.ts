/** What others may know of the disk that the store is on, and of copies of it. */
import { getSystemErrorMap } from "node:util";

/** The code when the store is on Redis, and Redis is lost. */
export const REDIS_LOST = "REDIS";

/** The store cannot be written now; the message says where it is, why, and what a person can do. */
export class DiskError extends Error {
  override readonly name: string = "DiskError";

  /** @param code the system's word, such as `ENOSPC`; `LOW`, `FULL` and `REDIS` are ours */
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface Disk {
  /** For those who may not have root's share of it; `NaN` when the system does not say. */
  freeBytes(): number;
  /** Why nothing is taken in, or nothing can be written at all: a sentence. Undefined: all is well. */
  trouble(): string | undefined;
  /** Whether anything may be taken in. */
  hasRoom(): boolean;
  /** @throws DiskError when nothing may be taken in */
  assertRoom(): void;
  /** Whether what was taken in can go on, which needs less room. */
  isWritable(): boolean;
  /** @throws DiskError when nothing can be written */
  assertWritable(): void;
}

/** The system's name and words for an error, wherever it comes from: Node.js, or LMDB with its bare number. */
export function systemErrorOf(error: unknown): { readonly code: string; readonly words: string } | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  for (const [number, [name, words]] of getSystemErrorMap()) {
    if (code === name || code === -number) return { code: name, words };
  }
  return undefined;
}

/** A row that was mended, as far as it may be named: keys of other tables may hold addresses. */
export interface DamagedName {
  /** The database's name of it. */
  readonly table: string;
  readonly tenant?: string;
  readonly type?: string;
  readonly hullId?: string;
  readonly remoteId?: string;
}

/** A copy of the store. */
export interface Backup {
  /** Of all files together. */
  readonly bytes: number;
  /** Whether the key is in it. */
  readonly hasKey: boolean;
}

/** There is no backup; the message says why, and what a person can do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
