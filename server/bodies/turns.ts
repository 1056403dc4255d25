/**
 * What anybody may cause is done in turns: some milliseconds of it, and then the process looks after everything else that
 * has come in. It does so several times: each time Node accepts one connection at most (libuv/libuv#3696).
 */

export interface Turns {
  /**
   * Does the work at once if there is time for it, else when it is its turn, after what came before.
   *
   * @param work must not throw; what it leaves to promises that are settled counts as well
   */
  take(work: () => void): void;
}

const TURN_MS = 5;
const LOOKS = 64;

/** Calls back when everything that has come in was looked after. */
function afterOthers(next: () => void, looks = LOOKS): void {
  setImmediate(() => (looks > 1 ? afterOthers(next, looks - 1) : next()));
}

/** @param now milliseconds @param later as `afterOthers` */
export function createTurns(
  turnMs = TURN_MS,
  now = (): number => performance.now(),
  later: (next: () => void) => void = afterOthers,
): Turns {
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
    // Such a tick comes when no promise is left to be seen to.
    queueMicrotask(() => process.nextTick(goOn));
  }

  const isTime = (): boolean => endsAtMs !== undefined && now() < endsAtMs;

  return {
    take: (work) => {
      if (endsAtMs === undefined) begin();
      if (waiting.length === 0 && isTime()) work();
      else waiting.push(work);
    },
  };
}
