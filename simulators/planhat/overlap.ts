import { keyOf, matchItem } from "./matching";
import { models, type ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { TenantState } from "./tenant-state";

/** One bulk call under way. */
export interface Flight {
  /** Positions of the items that an older call under way also holds. */
  readonly overlapping: ReadonlySet<number>;
  /** True when any other bulk call on the model was under way at the start. */
  readonly concurrent: boolean;
  end(): void;
}

export interface OverlapWatch {
  begin(tenant: TenantState, model: ModelName, items: readonly Fields[], switches: Readonly<PlanhatSwitches>): Flight;
}

/**
 * Watches bulk calls from arrival to answer, latency included. Two items overlap when they share a key or mean the
 * same stored record. Keys are compared without regard to the company: the known case is one person written for
 * several companies at once (sheet 13, point 1).
 */
export function createOverlapWatch(): OverlapWatch {
  const underWay = new Map<string, Set<ReadonlySet<string>>>();

  return {
    begin(tenant, model, items, switches) {
      const lane = `${tenant.cluster}/${tenant.name}/${model}`;
      const flights = underWay.get(lane) ?? new Set<ReadonlySet<string>>();
      underWay.set(lane, flights);

      const marksOf = (item: Fields): string[] => {
        const marks = models[model].bulkKeys.flatMap((key) => {
          const value = keyOf(item, key);
          return value === undefined ? [] : [`${key}:${value}`];
        });
        const record = matchItem(tenant, model, item, switches);
        return record === undefined ? marks : [...marks, `_id:${record._id}`];
      };

      const mine = new Set<string>();
      const overlapping = new Set<number>();
      items.forEach((item, position) => {
        const marks = marksOf(item);
        for (const flight of flights) if (marks.some((mark) => flight.has(mark))) overlapping.add(position);
        for (const mark of marks) mine.add(mark);
      });
      const concurrent = flights.size > 0;
      flights.add(mine);
      return {
        overlapping,
        concurrent,
        end() {
          flights.delete(mine);
        },
      };
    },
  };
}
