/** A connector that begins anew in the same process when Redis has lost what it held: nothing that it knew may count then. */
import type { RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { createLossLog } from "../log";
import type { KnownLoss } from "../../src/storage/port/leases";
import type { OpenStorage, Renewal } from "./open";

/** How often a new beginning is tried. */
const AGAIN_MS = 1_000;
/** So long the old connector may take to end; what it still does counts for nothing. */
const CLOSE_MS = 25_000;

/** What is built on a storage. */
export interface Connector {
  readonly app: RequestListener;
  readonly place: OpenStorage["place"];
  drain(): void;
  close(): Promise<void>;
}

/** @param begin makes a connector. @throws whatever the first beginning throws; later ones are tried again */
export async function createRenewing(
  begin: (renewal: Renewal) => Promise<Connector>,
  logger: Logger,
): Promise<Connector> {
  const logLoss = createLossLog(logger);
  let isClosing = false;
  let lost: KnownLoss | undefined;
  let renewing: Promise<void> | undefined;
  /** The one that answers; that the store is lost, from its end until the next one has begun. */
  let current: Connector | undefined;
  let isOpen = true;
  const first = await begin({ onLoss });
  current = first;
  goOn();

  function onLoss(known: KnownLoss, why: string): void {
    logLoss(known.loss, why);
    lost = known;
    // Not in the middle of its beginning.
    if (current !== undefined) goOn();
  }

  function goOn(): void {
    if (lost === undefined || isClosing) return;
    renewing ??= renew().finally(() => {
      renewing = undefined;
      goOn();
    });
  }

  async function renew(): Promise<void> {
    while (lost !== undefined) {
      await end();
      // The process may end meanwhile.
      if (isClosing) return;
      const known = lost;
      lost = undefined;
      try {
        current = await begin({ lost: known, onLoss });
        isOpen = true;
        logger.info("connector.redis.renewed");
      } catch (error) {
        lost ??= known;
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ data: { reason } }, "connector.redis.warning");
        await sleep(AGAIN_MS);
      }
    }
  }

  async function end(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    const ending = current?.close().catch((error: unknown) => logger.debug({ err: error }, "connector.job.error"));
    await Promise.race([ending, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  return {
    place: first.place,
    app: (request, response) => (current ?? first).app(request, response),
    drain: () => current?.drain(),
    close: async () => {
      isClosing = true;
      await renewing;
      if (isOpen) await current?.close();
    },
  };
}
