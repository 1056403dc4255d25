/** What others may know of a backup. */

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
