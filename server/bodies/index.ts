/** Reading JSON bodies: of senders that are known already, and of those that only their body makes known. */
import type { Request } from "express";
import { createJsonScan, MAX_DEPTH } from "../../src/http/json-scan";
import { createTurns } from "../turns";
import { receive, type ReceivedBody } from "./read";
import { createBodyRoom, type BodyRoom } from "./room";

const KB = 1024;
const MB = KB * KB;

/** Hull's own limit is not known; its frameworks take 50 MB. */
export const MAX_BODY_BYTES = 50 * MB;
/** Of a sender that is neither confirmed nor vouched for by a signature. */
const MAX_STRANGER_BYTES = 16 * MB;
/** Small enough to be parsed for anybody, so that the answer can name what is missing. */
const SMALL = { bytes: 128 * KB, values: 20_000 };
const MAX_VALUES = 1_000_000;
/** Text of real notifications packs to a tenth or a thirtieth; what packs better is made of repetition. */
const MAX_STRANGER_RATIO = 100;
/** Hull gives up after 25 s, and the answer takes its time as well. */
const WITHIN_MS = 15_000;

const FEWER_MESSAGES = "send less at a time, such as fewer messages per shipment";

export interface Bodies {
  /**
   * The body of a sender that was confirmed before.
   *
   * @param owner key of the connector @param smaller ends the sentence about one that is too large
   * @throws HttpError
   */
  read(request: Request, owner: string, maxBytes: number, smaller?: string): Promise<unknown>;
  /**
   * The body of a sender that one of its members makes known. It is parsed when the sender is confirmed, or when it is
   * small; everything else about it is bounded.
   *
   * @param judge gets the JSON text of the member as soon as it is there; answers the key of the connector, or rejects,
   *   which ends the reading. Undefined when the text makes nobody known.
   * @returns undefined for a body that is not small and made nobody known
   * @throws HttpError
   */
  readUnknown(request: Request, judging: Judging): Promise<{ readonly body: unknown } | undefined>;
}

export interface Judging {
  readonly member: string;
  readonly judge: (text: string) => Promise<string> | undefined;
  /** The request carries a valid signature. */
  readonly vouched: boolean;
}

export function createBodies(
  room: BodyRoom = createBodyRoom(),
  withinMs = WITHIN_MS,
  turnsOfStrangers = createTurns(),
): Bodies {
  const limits = { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES };

  return {
    read: async (request, owner, maxBytes, smaller = FEWER_MESSAGES) => {
      const ending = new AbortController();
      const place = room.enter(false, (error) => ending.abort(error));
      try {
        place.belongsTo(owner);
        const size = { maxBytes: () => maxBytes, mostBytes: maxBytes, maxRatio: Infinity, smaller };
        const scan = createJsonScan(limits);
        const { signal } = ending;
        const turns = (): undefined => undefined;
        return await (await receive(request, { ...size, scan, place, turns, withinMs, signal })).json();
      } finally {
        place.leave();
      }
    },

    readUnknown: async (request, { member, judge, vouched }) => {
      const ending = new AbortController();
      const place = room.enter(vouched, (error) => ending.abort(error));
      const scan = createJsonScan(limits, [member]);
      let turns = vouched ? undefined : turnsOfStrangers;
      let maxBytes = vouched ? MAX_BODY_BYTES : MAX_STRANGER_BYTES;
      let judged: Promise<void> | undefined;

      const look = (): void => {
        const text = scan.member(member);
        if (judged !== undefined || text === undefined) return;
        judged = judge(text)?.then((owner) => {
          place.belongsTo(owner);
          maxBytes = MAX_BODY_BYTES;
          turns = undefined;
        });
        judged?.catch((error: unknown) => ending.abort(error));
      };
      try {
        const { signal } = ending;
        const size = {
          maxBytes: () => maxBytes,
          mostBytes: MAX_BODY_BYTES,
          maxRatio: MAX_STRANGER_RATIO,
          smaller: FEWER_MESSAGES,
        };
        const reading = { scan, place, turns: () => turns, withinMs, onScanned: look, signal };
        const received = await receive(request, { ...size, ...reading });
        await unlessAborted(signal, judged);
        if (judged === undefined && !isSmall(received, scan.values)) return undefined;
        return { body: await received.json() };
      } finally {
        place.leave();
      }
    },
  };
}

function isSmall({ bytes }: ReceivedBody, values: number): boolean {
  return bytes <= SMALL.bytes && values <= SMALL.values;
}

/** Waits for it, but not after the signal has aborted. @throws the signal's reason */
async function unlessAborted(signal: AbortSignal, work: Promise<void> | undefined): Promise<void> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([work, aborted]);
}
