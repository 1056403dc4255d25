/**
 * Answers that are cached for a while, and reads that several callers share. A caller gets the cached answer, or the
 * read in progress, or else starts one. A failure is passed to those who waited for it and not cached.
 */
import NodeCache from "node-cache";

export interface Cache<T> {
  /**
   * @param key names what is read and with which credentials: nobody else may get the answer
   * @param isFresh true: only an answer to a read that begins after this moment is good enough
   */
  get(key: string, isFresh: boolean, read: () => Promise<T>): Promise<T>;
  /** What was read under these keys is out of date: later callers get neither cached answers nor reads in progress. */
  drop(isMeant: (key: string) => boolean): void;
  close(): void;
}

interface Reading<T> {
  readonly answer: Promise<T>;
  begun: boolean;
  outdated: boolean;
}

/** @param keptSeconds how long an answer is cached */
export function createCache<T>(keptSeconds: number): Cache<T> {
  // Cached values are never changed, so no caller needs a copy.
  const cache = new NodeCache({ stdTTL: keptSeconds, useClones: false });
  const latest = new Map<string, Reading<T>>();

  /** A read that has not begun yet stays valid. So one may be in progress and one wait, however many ask. */
  function outdate(key: string): void {
    cache.del(key);
    const reading = latest.get(key);
    if (reading?.begun === true) reading.outdated = true;
  }

  return {
    async get(key, isFresh, read) {
      if (isFresh) outdate(key);
      const cached = cache.get<T>(key);
      if (cached !== undefined) return cached;
      const before = latest.get(key);
      if (before?.outdated === false) return before.answer;
      const run = async (): Promise<T> => {
        await before?.answer.catch(() => undefined);
        reading.begun = true;
        try {
          const answer = await read();
          if (!reading.outdated) cache.set(key, answer);
          return answer;
        } finally {
          if (latest.get(key) === reading) latest.delete(key);
        }
      };
      const reading: Reading<T> = { begun: false, outdated: false, answer: run() };
      latest.set(key, reading);
      return reading.answer;
    },
    drop(isMeant) {
      for (const key of new Set([...cache.keys(), ...latest.keys()])) if (isMeant(key)) outdate(key);
    },
    close() {
      cache.close();
    },
  };
}
