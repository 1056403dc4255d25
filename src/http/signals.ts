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
