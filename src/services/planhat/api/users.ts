/** Planhat's users, called team members where they could be confused with Hull's. */
import { UnexpectedAnswer } from "../../../http/errors";
import { readPages } from "./paging";
import type { Rest, Row } from "./rest";

export const USERS = "/users";
/** The largest page of this list. */
export const USERS_PAGE = 10_000;

/** All of them, as the list shows them, removed ones too. @throws RemoteError, UnexpectedAnswer, never part of the list */
export async function listUsers(rest: Rest): Promise<readonly Row[]> {
  const { rows, complete, error } = await readPages(rest, { path: USERS, query: {}, limit: USERS_PAGE });
  if (error !== undefined) throw error;
  if (!complete) throw new UnexpectedAnswer(`planhat GET ${USERS} could not be read to its end.`);
  return [...rows.values()];
}
