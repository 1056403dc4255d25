import type { Keys } from "../../../src/record";
import type { Subject } from "../../../src/engine/rules/identity";
import type { MirrorRow } from "../../../src/storage/port/rows";

export function row(id: string, keys: Keys, more: Partial<MirrorRow> = {}): MirrorRow {
  return { id, generation: 1, keys, facts: {}, complete: true, ...more };
}

/** The Hull entity `me`, a child of remote company `here` where it has one. */
export function subject(keys: Keys, more: Partial<Subject> = {}): Subject {
  return { hullId: "me", keys, ...more };
}
