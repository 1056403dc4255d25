/**
 * The bodies that are being received or processed, and how much memory they may use together. Among unknown senders,
 * the one that has taken longest makes room for the next: an honest sender is done quickly, one that trickles is not.
 */
import groupBy from "lodash/groupBy";
import maxBy from "lodash/maxBy";
import sumBy from "lodash/sumBy";
import { refuse, type HttpError } from "../http-error";
import { RETRY } from "../flow-control";

const MB = 1024 * 1024;

export type RoomLimits = typeof ROOM_LIMITS;

const ROOM_LIMITS = {
  /** Of senders whose credentials were not confirmed yet. */
  strangers: { bodies: 256, bytes: 16 * MB },
  /** Of those among them with a valid signature; a limit of its own. */
  vouched: { bodies: 256, bytes: 64 * MB },
  /** Of confirmed connectors; one of them may use half of the bytes. The one that uses most makes room for others. */
  known: { bytes: 256 * MB },
};

/** The reservation of one body. */
export interface BodyPlace {
  /** @throws HttpError 503 when there is no room for this many more bytes */
  grow(bytes: number): void;
  /** Its sender is known from now on. @param owner key of the connector @throws HttpError 503 */
  belongsTo(owner: string): void;
  /** The body is complete and being processed: from now on it does not make room for others. */
  stay(): void;
  leave(): void;
}

interface Body {
  readonly vouched: boolean;
  readonly giveUp: (error: HttpError) => void;
  owner: string | undefined;
  bytes: number;
  stays: boolean;
}

export function createBodyRoom({ strangers, vouched, known }: RoomLimits = ROOM_LIMITS) {
  /** The oldest first. */
  const bodies = new Set<Body>();

  function makeRoom(newest: Body): void {
    const alike = [...bodies].filter((each) => each.owner === undefined && each.vouched === newest.vouched);
    const most = newest.vouched ? vouched : strangers;
    let bytes = sumBy(alike, "bytes");
    while (alike.length > most.bodies || bytes > most.bytes) {
      const oldest = alike.shift();
      if (oldest === undefined) return;
      bytes -= oldest.bytes;
      bodies.delete(oldest);
      if (oldest === newest) throw full();
      oldest.giveUp(full());
    }
  }

  /** The confirmed connector that uses most makes room, so that it cannot keep the others out. */
  function makeRoomFor(newest: Body): void {
    for (;;) {
      const confirmed = [...bodies].filter((each) => each.owner !== undefined);
      const owners = Object.values(groupBy(confirmed, "owner")).map((own) => ({ own, bytes: sumBy(own, "bytes") }));
      const largest = maxBy(owners, "bytes");
      if (largest === undefined || (sumBy(confirmed, "bytes") <= known.bytes && largest.bytes <= known.bytes / 2))
        return;
      const oldest = largest.own.find(({ stays }) => !stays) ?? newest;
      const given = largest.own.includes(newest) ? newest : oldest;
      bodies.delete(given);
      if (given === newest) throw full();
      given.giveUp(full());
    }
  }

  return {
    /**
     * @param isVouched the request carries a valid signature
     * @param giveUp called when the body must make room for others; its reservation is gone by then
     */
    enter(isVouched: boolean, giveUp: (error: HttpError) => void): BodyPlace {
      const body: Body = { vouched: isVouched, giveUp, owner: undefined, bytes: 0, stays: false };
      bodies.add(body);
      makeRoom(body);
      return {
        grow: (bytes) => {
          body.bytes += bytes;
          if (body.owner === undefined) makeRoom(body);
          else makeRoomFor(body);
        },
        belongsTo: (owner) => {
          body.owner = owner;
          makeRoomFor(body);
        },
        stay: () => void (body.stays = true),
        leave: () => void bodies.delete(body),
      };
    },
  };
}

function full(): HttpError {
  const headers = { "retry-after": String(RETRY.in / 1_000) };
  return refuse(503, "busy", "Too much is being received at the moment; send it again.", { headers });
}
