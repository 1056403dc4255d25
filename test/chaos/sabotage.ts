/** Kills the connector at chosen moments: the n-th time that a point is passed, for every n in the plan. */

export interface Sabotage<Point extends string> {
  /** Counts a passage. True when the connector must be killed at this one. */
  due(point: Point): boolean;
  /** As `due`, and kills. Resolves with true when the process is gone. */
  strike(point: Point): Promise<boolean>;
  /** Kills by point. */
  readonly kills: Readonly<Record<Point, number>>;
  /** Kills that were planned and did not come about, by point. */
  missing(): Partial<Record<Point, number>>;
}

/**
 * @param plan ordinals of the fatal passages, ascending, by point
 * @param kill resolves with false when there was nothing to kill; then the next passage is fatal instead
 */
export function createSabotage<Point extends string>(
  plan: Readonly<Record<Point, readonly number[]>>,
  kill: () => Promise<boolean>,
): Sabotage<Point> {
  const points = Object.keys(plan) as Point[];
  const passages = new Map<Point, number>();
  const kills = Object.fromEntries(points.map((point) => [point, 0])) as Record<Point, number>;

  const due = (point: Point): boolean => {
    const passed = (passages.get(point) ?? 0) + 1;
    passages.set(point, passed);
    const next = plan[point][kills[point]];
    if (next === undefined || passed < next) return false;
    kills[point] += 1;
    return true;
  };

  return {
    due,
    strike: async (point) => {
      if (!due(point)) return false;
      const killed = await kill();
      if (!killed) kills[point] -= 1;
      return killed;
    },
    kills,
    missing: () =>
      Object.fromEntries(
        points.flatMap((point) => {
          const left = plan[point].length - kills[point];
          return left === 0 ? [] : [[point, left]];
        }),
      ) as Partial<Record<Point, number>>,
  };
}
