/** The only place where items for Hull are made. */
import type { FirehoseItem } from "../../hull/firehose/items";
import type { Claims, Json } from "../../record";

/**
 * What Hull is told of one entity: its attributes, if there are any, and its link to an account, which is an item of its own.
 *
 * @param account claims of the account that a user is to be linked to
 */
export function itemsFor(
  subject: "user" | "account",
  claims: Claims,
  attributes: Readonly<Record<string, Json>>,
  account?: Claims,
): FirehoseItem[] {
  const items: FirehoseItem[] = [];
  if (Object.keys(attributes).length > 0) {
    items.push(
      subject === "user"
        ? { type: "traits", subject, user: claims, attributes }
        : { type: "traits", subject, account: claims, attributes },
    );
  }
  if (account !== undefined) items.push({ type: "link", user: claims, account });
  return items;
}

/** By which Hull knows every record of the service, also one that nobody else names. */
export const anonymousId = (serviceName: string, remoteId: string): string => `${serviceName}:${remoteId}`;
