/**
 * A notification that comes again while it is still worked on: whoever sent it lost patience, or the connection. The work
 * is done once, and both are answered with what it comes to, a failure too. Nothing is remembered after that.
 */
import { isDeepStrictEqual } from "node:util";
import omit from "lodash/omit";
import { mapYielding } from "../../../src/engine/intake/yielding";
import type { Notification } from "../../../src/hull/protocol/notification";

/**
 * Does the work, or waits for the same work that is under way.
 *
 * @param tenant key of the connector
 */
export type Join<R> = (tenant: string, notification: Notification, work: () => Promise<R>) => Promise<R>;

export function createJoin<R>(): Join<R> {
  const underWay = new Map<string, { readonly notification: Notification; readonly answer: Promise<R> }>();

  return async (tenant, notification, work) => {
    const mark = JSON.stringify([tenant, notification.notification_id]);
    const first = underWay.get(mark);
    if (first !== undefined && (await isRepetition(notification, first.notification))) return first.answer;
    const answer = work();
    if (underWay.has(mark)) return answer;
    underWay.set(mark, { notification, answer });
    try {
      return await answer;
    } finally {
      underWay.delete(mark);
    }
  };
}

/** Whether it says the same, whatever its sender says about the delivery: the id alone proves nothing about the rest. */
async function isRepetition(later: Notification, first: Notification): Promise<boolean> {
  const { messages } = first;
  if (later.messages.length !== messages.length || !isDeepStrictEqual(aboutAll(later), aboutAll(first))) return false;
  const equal = await mapYielding(messages, (message, at) => isDeepStrictEqual(message, later.messages[at]));
  return equal.every(Boolean);
}

/** Without the messages, and without what Hull notes of its own tries. */
function aboutAll(notification: Notification): object {
  return omit(notification, ["messages", "kraken"]);
}
