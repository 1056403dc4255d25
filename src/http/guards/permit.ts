/** Whether requests may be sent for some work at all. It is asked just before each one goes out, after all waits. */
import { AsyncLocalStorage } from "node:async_hooks";

const permits = new AsyncLocalStorage<() => boolean>();

/** Does some work, in which nothing is sent to anybody unless `maySend` says so at that moment. */
export function whilePermitted<T>(maySend: () => boolean, work: () => Promise<T>): Promise<T> {
  return permits.run(maySend, work);
}

export const maySend = (): boolean => permits.getStore()?.() ?? true;
