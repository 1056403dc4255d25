/** Reading JSON bodies: of senders that are known already, and of those that only their body makes known. */
import type { Request } from "express";
import { createJsonScan, MAX_DEPTH } from "../../src/http/guards/json-scan";
import { createTurns } from "./turns";
import { MAX_MEMBERS, receive, type ReceivedBody } from "./read";
import { createBodyRoom, type BodyPlace, type BodyRoom } from "./room";

const KB = 1024;
const MB = KB * KB;

/** Hull's own limit is not known; its frameworks take 50 MB. */
export const MAX_BODY_BYTES = 50 * MB;
/** Of a sender that is neither confirmed nor vouched for by a signature. */
const MAX_STRANGER_BYTES = 8 * MB;
/** Small enough to be parsed for anybody, so that the answer can name what is missing. */
const SMALL = { bytes: 128 * KB, values: 5_000 };
const MAX_VALUES = 1_000_000;
/** What is parsed at once: a hundredth of a second's worth. */
const PIECE_BYTES = 512 * 1024;
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
  read(request: Request, owner: string, maxBytes: number, smaller: string): Promise<unknown>;
  /**
   * The body of a sender that one of its members makes known. It is parsed when the sender is confirmed, or when it is
   * small; everything else about it is bounded.
   *
   * @returns undefined for a body that is not small and made nobody known
   * @throws HttpError
   */
  readUnknown(request: Request, judging: Judging): Promise<{ readonly body: unknown } | undefined>;
}

/** How a body makes its sender known. */
export interface Judging {
  /** Name of the outermost object's member that names the sender. */
  readonly member: string;
  /**
   * Gets the JSON text of that member once it has arrived. Answers the key of the confirmed connector, or rejects, which
   * ends the reading; undefined when the text names nobody.
   *
   * @param isKnown to be called with the key before Hull is asked, when the credentials are those that it confirmed last
   */
  readonly judge: (text: string, isKnown: (owner: string) => void) => Promise<string> | undefined;
  /** The request carries a valid signature. */
  readonly vouched: boolean;
  /** The member that is a list of many; a long one is parsed piece by piece, and others have their turn in between. */
  readonly list?: string;
}

export function createBodies(
  room: BodyRoom = createBodyRoom(),
  withinMs = WITHIN_MS,
  turnsOfStrangers = createTurns(),
): Bodies {
  const limits = { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES, maxMembers: MAX_MEMBERS };

  return {
    read: async (request, owner, maxBytes, smaller) => {
      const ending = new AbortController();
      const place = room.enter(false, (error) => ending.abort(error));
      try {
        place.belongsTo(owner);
        const size = { maxBytes: () => maxBytes, mostBytes: maxBytes, maxRatio: () => Infinity, smaller };
        const scan = createJsonScan(limits);
        const { signal } = ending;
        const turns = (): undefined => undefined;
        const body = await (await receive(request, { ...size, scan, place, turns, withinMs, signal })).json();
        stayUntilAnswered(place, request);
        return body;
      } catch (error) {
        place.leave();
        throw error;
      }
    },

    readUnknown: async (request, { member, judge, vouched, list }) => {
      const ending = new AbortController();
      const place = room.enter(vouched, (error) => ending.abort(error));
      const cutting = list === undefined ? undefined : { name: list, bytes: PIECE_BYTES };
      const scan = createJsonScan(limits, [member], cutting);
      let turns = vouched ? undefined : turnsOfStrangers;
      let maxBytes = vouched ? MAX_BODY_BYTES : MAX_STRANGER_BYTES;
      let maxRatio = MAX_STRANGER_RATIO;
      let judged: Promise<void> | undefined;

      const belongsTo = (owner: string): void => {
        place.belongsTo(owner);
        maxBytes = MAX_BODY_BYTES;
        maxRatio = Infinity;
        turns = undefined;
      };

      const look = (): void => {
        const text = scan.member(member);
        if (judged !== undefined || text === undefined) return;
        judged = judge(text, belongsTo)?.then(belongsTo);
        judged?.catch((error: unknown) => ending.abort(error));
      };
      try {
        const { signal } = ending;
        const size = {
          maxBytes: () => maxBytes,
          mostBytes: MAX_BODY_BYTES,
          maxRatio: () => maxRatio,
          smaller: FEWER_MESSAGES,
        };
        const reading = { scan, place, turns: () => turns, withinMs, onScanned: look, signal };
        const received = await receive(request, { ...size, ...reading });
        await unlessAborted(signal, judged);
        const isKnown = judged !== undefined;
        const body = isKnown || isSmall(received, scan.values) ? await received.json() : undefined;
        if (isKnown) stayUntilAnswered(place, request);
        else place.leave();
        return body === undefined ? undefined : { body };
      } catch (error) {
        place.leave();
        throw error;
      }
    },
  };
}

/** What was read is in memory until it is dealt with, and counts as long. */
function stayUntilAnswered(place: BodyPlace, { res }: Request): void {
  place.stay();
  if (res === undefined || res.closed) place.leave();
  else res.once("close", () => place.leave());
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
