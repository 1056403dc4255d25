/** Planhat needs bulk writes one after another: overlapping ones of the same records refuse each other. */
export interface Mutex {
  /** Runs `task` after everything with the same key that came before. */
  next<T>(key: string, task: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  const last = new Map<string, Promise<unknown>>();
  return {
    async next(key, task) {
      const before = last.get(key);
      const mine = (async () => {
        await before?.catch(() => undefined);
        return task();
      })();
      last.set(key, mine);
      try {
        return await mine;
      } finally {
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
