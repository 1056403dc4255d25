/**
 * A connector that begins anew within the same process when Redis has lost what it held, or the store was upgraded: nothing
 * that it remembers may count then. While it may not use the store, because older processes do or newer ones have upgraded
 * it, it says so and takes nothing in.
 */
import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { createAlertMemory } from "../../src/engine/alerts/alerts";
import { createWaitingApp } from "../app";
import { createLossLog, createWaitLog } from "../log";
import { StoreTooNew, StoreWaits, type KnownLoss } from "../../src/storage/port/leases";
import type { OpenStorage, Renewal } from "./open";

/** How often a new beginning is tried. */
const AGAIN_MS = 1_000;
/** How long the old connector may take to end; what it still does counts for nothing. */
const CLOSE_MS = 25_000;

/** What is built on a storage. */
export interface Connector {
  readonly app: RequestListener;
  readonly place: OpenStorage["place"];
  drain(): void;
  close(): Promise<void>;
}

/**
 * @param begin makes a connector
 * @throws whatever the first beginning throws, unless it waits for older processes; later ones are tried again
 */
export async function createRenewing(
  begin: (renewal: Renewal) => Promise<Connector>,
  logger: Logger,
): Promise<Connector> {
  const logLoss = createLossLog(logger);
  const logWait = createWaitLog(logger);
  const own = { id: randomUUID(), alerts: createAlertMemory() };
  let isClosing = false;
  let isDraining = false;
  /** What the next beginning must know; undefined: none is due. */
  let due: { readonly lost?: KnownLoss | undefined } | undefined;
  let renewing: Promise<void> | undefined;
  /** The one that answers; after its end it says that the store is lost, until the next one has begun. */
  let current: Connector | undefined;
  /** Whether it has not ended. */
  let isOpen = false;
  /** Why this process may not use the store; undefined: it may. */
  let waits: string | undefined;
  let place: OpenStorage["place"];
  const waiting = createWaitingApp({ why: () => waits, accepting: () => !isDraining, logger });

  try {
    const first = await begin({ ...own, onOver });
    current = first;
    isOpen = true;
    place = first.place;
  } catch (error) {
    if (!(error instanceof StoreWaits)) throw error;
    place = { redis: error.redis };
    wait(error);
    due = {};
  }
  goOn();

  function onOver(why: string, lost: KnownLoss | undefined): void {
    if (lost !== undefined) logLoss(lost.loss, why);
    again(lost);
    // A beginning ends first.
    if (isOpen) goOn();
  }

  function again(lost: KnownLoss | undefined): void {
    due = { lost: due?.lost ?? lost };
  }

  function wait(error: StoreWaits | StoreTooNew): void {
    // Said again only when others are waited for.
    if (waits !== error.message) logWait(error.message, error instanceof StoreTooNew);
    waits = error.message;
  }

  function goOn(): void {
    if (due === undefined || isClosing) return;
    renewing ??= renew().finally(() => {
      renewing = undefined;
      goOn();
    });
  }

  async function renew(): Promise<void> {
    while (due !== undefined) {
      await end();
      // The process may end meanwhile.
      if (isClosing) return;
      const known = due;
      due = undefined;
      try {
        current = await begin({ ...own, lost: known.lost, onOver });
        isOpen = true;
        waits = undefined;
        logger.info("connector.redis.renewed");
      } catch (error) {
        again(known.lost);
        if (error instanceof StoreWaits || error instanceof StoreTooNew) wait(error);
        else {
          const reason = error instanceof Error ? error.message : String(error);
          logger.warn({ data: { reason } }, "connector.redis.warning");
        }
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
    place,
    app: (request, response) =>
      (waits === undefined && current !== undefined ? current.app : waiting)(request, response),
    drain: () => {
      isDraining = true;
      current?.drain();
    },
    close: async () => {
      isClosing = true;
      await renewing;
      if (isOpen) await current?.close();
    },
  };
}
