/** Listens on a port that was released: another test may have been given it meanwhile, for as long as that one runs. */
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 50;
const TRIES = 200;

/** @param listen rejects with the error of the server when it cannot listen */
export async function listenAgain(listen: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await listen();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || tries === TRIES) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
