/** AbortSignal.any keeps dependants of a long-lived signal alive on Node 20, so this is by hand, with a release. */
export function joinSignals(
  own: AbortSignal,
  foreign: AbortSignal | undefined,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const sources = foreign ? [own, foreign] : [own];
  const abort = (): void => controller.abort();
  for (const source of sources) {
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const source of sources) source.removeEventListener("abort", abort);
    },
  };
}

/**
 * The result of the work, if it comes before the signal ends; otherwise the work goes on for whoever else waits for it.
 *
 * @throws DOMException when the signal has ended
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let end = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    end = () => reject(new DOMException("Aborted while waiting.", "AbortError"));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
