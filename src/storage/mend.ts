import type { Database } from "./database/rows";
import type { DamagedName } from "./port/disk";

export type Mend = <T>(work: () => Promise<T>) => Promise<T>;

export function createMend(_database: Database, _now: () => number, _onDamaged: (row: DamagedName) => void): Mend {
  return (work) => work();
}
