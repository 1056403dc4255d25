/**
 * Work that any sender can cause is done in turns: a few milliseconds of it, then the process handles everything else
 * that has come in. It yields several times, since Node accepts at most one connection each time (libuv/libuv#3696).
 */

export type Turns = ReturnType<typeof createTurns>;

const TURN_MS = 5;
const LOOKS = 64;

/** Calls back when everything that has come in was handled. */
function afterOthers(next: () => void, looks = LOOKS): void {
  setImmediate(() => (looks > 1 ? afterOthers(next, looks - 1) : next()));
}

/** @param now milliseconds @param later as `afterOthers` */
export function createTurns(
  turnMs = TURN_MS,
  now = (): number => performance.now(),
  later: (next: () => void) => void = afterOthers,
) {
  const waiting: (() => void)[] = [];
  let endsAtMs: number | undefined;

  function begin(): void {
    endsAtMs = now() + turnMs;
    later(next);
  }

  function next(): void {
    endsAtMs = undefined;
    if (waiting.length === 0) return;
    begin();
    goOn();
  }

  function goOn(): void {
    if (!isTime()) return;
    const work = waiting.shift();
    if (work === undefined) return;
    work();
    // Such a tick comes when no promise callbacks are left.
    queueMicrotask(() => process.nextTick(goOn));
  }

  const isTime = (): boolean => endsAtMs !== undefined && now() < endsAtMs;

  return {
    /**
     * Does the work at once if there is time for it, otherwise when its turn comes, after the work queued before it.
     *
     * @param work must not throw; its continuations in settled promises count as well
     */
    take: (work: () => void): void => {
      if (endsAtMs === undefined) begin();
      if (waiting.length === 0 && isTime()) work();
      else waiting.push(work);
    },
  };
}
