/**
 * A notification that arrives again while it is still being processed: the sender timed out or lost the connection. The
 * work is done once, and both requests get its result, or its failure. Nothing is remembered after that.
 */
import { isDeepStrictEqual } from "node:util";
import omit from "lodash/omit";
import { mapYielding } from "../../../src/yielding";
import type { Notification } from "../../../src/hull/protocol/notification";

/**
 * Does the work, or waits for the same work in progress.
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

/** Whether the body is the same, apart from the sender's notes on delivery: the same id alone does not prove it. */
async function isRepetition(later: Notification, first: Notification): Promise<boolean> {
  const { messages } = first;
  if (later.messages.length !== messages.length || !isDeepStrictEqual(aboutAll(later), aboutAll(first))) return false;
  const equal = await mapYielding(messages, (message, at) => isDeepStrictEqual(message, later.messages[at]));
  return equal.every(Boolean);
}

/** Without the messages, and without Hull's notes on its own retries. */
function aboutAll(notification: Notification): object {
  return omit(notification, ["messages", "kraken"]);
}
