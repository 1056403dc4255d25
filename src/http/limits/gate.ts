/** A limit of concurrent work and of waiting work; beyond both, it is refused. */

/** The queue is full. */
export class GateFullError extends Error {
  override readonly name = "GateFullError";
}

export interface GateLimits {
  readonly atOnce: number;
  readonly waiting: number;
}

export function createGate({ atOnce, waiting }: GateLimits) {
  const queue: (() => void)[] = [];
  let running = 0;

  return {
    /** @throws GateFullError at once when too many wait already; otherwise what `work` throws */
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (running >= atOnce) {
        if (queue.length >= waiting) throw new GateFullError("Too many wait for their turn already.");
        // A finished one hands its place to the next, so that nobody slips in between.
        await new Promise<void>((resolve) => queue.push(resolve));
      } else running += 1;
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
    isIdle: (): boolean => running === 0,
  };
}

/** A gate for each key, kept while it is in use. */
export function createGates(limits: GateLimits) {
  const gates = new Map<string, ReturnType<typeof createGate>>();
  return {
    async run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const gate = gates.get(key) ?? createGate(limits);
      gates.set(key, gate);
      try {
        return await gate.run(work);
      } finally {
        if (gate.isIdle()) gates.delete(key);
      }
    },
  };
}
