/** Reading JSON bodies: of known senders, and of senders that are known only by what their body says. */
import type { Request } from "express";
import { createJsonScan, MAX_DEPTH } from "../../src/http/guards/json-scan";
import { createTurns } from "./turns";
import { MAX_MEMBERS, receive } from "./read";
import { createBodyRoom, type BodyPlace } from "./room";

const KB = 1024;
const MB = KB * KB;

/** Hull's own limit is not known; its frameworks take 50 MB. */
export const MAX_BODY_BYTES = 50 * MB;
/** Limit for a sender that is neither confirmed nor has a valid signature. */
const MAX_STRANGER_BYTES = 8 * MB;
/** Small enough to be parsed for anybody, so that the answer can name what is missing. */
const SMALL = { bytes: 128 * KB, values: 5_000 };
const MAX_VALUES = 1_000_000;
/** How much is parsed at once: about a hundredth of a second. */
const PIECE_BYTES = 512 * 1024;
/** Real notifications compress to a tenth or a thirtieth of their size; more than that means artificial repetition. */
const MAX_STRANGER_RATIO = 100;
/** Hull gives up after 25 s, and answering takes time as well. */
const WITHIN_MS = 15_000;

const FEWER_MESSAGES = "send less at a time, such as fewer messages per shipment";

export interface Bodies {
  /**
   * Reads the body of a sender that was confirmed before.
   *
   * @param owner key of the connector @param smaller last sentence of the error about a body that is too large
   * @throws HttpError
   */
  read(request: Request, owner: string, maxBytes: number, smaller: string): Promise<unknown>;
  /**
   * Reads a body whose sender is named by one of its members. It is parsed once the sender is confirmed, or when it is
   * small; in every other respect it is bounded.
   *
   * @returns undefined for a body that is not small and names no sender
   * @throws HttpError
   */
  readUnknown(request: Request, judging: Judging): Promise<{ readonly body: unknown } | undefined>;
}

/** How a body identifies its sender. */
export interface Judging {
  /** Name of the member of the outermost object that names the sender. */
  readonly member: string;
  /**
   * Gets the JSON text of that member once it has arrived. Resolves to the key of the confirmed connector, or rejects,
   * which ends the reading; undefined when the text names no connector.
   *
   * @param isKnown call it with the key before Hull is asked, if the credentials are those that Hull confirmed last
   */
  readonly judge: (text: string, isKnown: (owner: string) => void) => Promise<string> | undefined;
  /** The request carries a valid signature. */
  readonly vouched: boolean;
  /** The member that holds a long list; it is parsed piece by piece, so that other requests are served in between. */
  readonly list?: string;
}

export function createBodies(room = createBodyRoom(), withinMs = WITHIN_MS, turnsOfStrangers = createTurns()): Bodies {
  const limits = { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES, maxMembers: MAX_MEMBERS };

  return {
    read: async (request, owner, maxBytes, smaller) => {
      const ending = new AbortController();
      const place = room.enter(false, (error) => ending.abort(error));
      try {
        place.belongsTo(owner);
        const size = { maxBytes: () => maxBytes, mostBytes: maxBytes, maxRatio: () => Infinity, smaller };
        const reading = { scan: createJsonScan(limits), place, withinMs, signal: ending.signal };
        const body = await (await receive(request, { ...size, ...reading })).json();
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
        const received = await receive(request, {
          maxBytes: () => maxBytes,
          mostBytes: MAX_BODY_BYTES,
          maxRatio: () => maxRatio,
          smaller: FEWER_MESSAGES,
          turns: () => turns,
          onScanned: look,
          scan,
          place,
          withinMs,
          signal,
        });
        await unlessAborted(signal, judged);
        const isKnown = judged !== undefined;
        const isSmall = received.bytes <= SMALL.bytes && scan.values <= SMALL.values;
        const body = isKnown || isSmall ? await received.json() : undefined;
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

/** What was read stays in memory until the request is done, and counts until then. */
function stayUntilAnswered(place: BodyPlace, { res }: Request): void {
  place.stay();
  if (res === undefined || res.closed) place.leave();
  else res.once("close", () => place.leave());
}

/** Waits for the promise until the signal aborts. @throws the signal's reason */
async function unlessAborted(signal: AbortSignal, work: Promise<void> | undefined): Promise<void> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([work, aborted]);
}
