/** Answers in time: whoever asked does not wait for ever. */

/** Rejects with `late` when the work takes too long; what was begun goes on. */
export async function within<T>(limitMs: number, late: Error, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late), limitMs);
  });
  // Its failure after the time limit has nobody to hear it.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
