/** Planhat's users (team members) for those who log in: a wrapper around its routes, with a cached list. */
import { isObject } from "../../json";
import { UnexpectedAnswer } from "../../http/errors";
import type { HttpClient } from "../../http/client";
import type { ConnectionOptions } from "../definition";
import type { Asker } from "../operations";
import { missing, served, within, withShortPauses, type ServiceWords } from "../interactive";
import { createPlanhatClient } from "./api/client";
import { messageOf, shortened } from "./api/envelope";
import { isFailed } from "./api/failure";
import { createCache } from "../cache";
import { createRest, isRow } from "./api/rest";
import type { Rest, Row } from "./api/rest";
import type { PlanhatSettings } from "./settings/settings";
import { listUsers, USERS, USERS_PAGE } from "./api/users";

export type Fields = Readonly<Record<string, unknown>>;
type Connected = Asker<PlanhatSettings>;

/** The first four throw OperationError when Planhat cannot serve them, or does not want to. */
export interface PlanhatUsers {
  /** All, at most ten minutes old. @param isFresh read now, ignoring the cache */
  list(asker: Connected, isFresh: boolean): Promise<readonly Row[]>;
  get(asker: Connected, id: string): Promise<Row>;
  create(asker: Connected, fields: Fields): Promise<Row>;
  update(asker: Connected, id: string, fields: Fields): Promise<Row>;
  /** How often users were written with the token of this quota key, so that other caches notice. */
  version(quotaKey: string): number;
  /** The tenant was erased: its cached values go too. @param key organization and connector id */
  forget(key: string): void;
  close(): void;
}

export interface UsersOptions extends ConnectionOptions {
  /** Somebody waits: the work for one request ends after this time, milliseconds. */
  readonly answerWithinMs: number;
}

const REFUSED_TOKEN = {
  401: "Planhat refuses the stored token. Enter a valid Personal Access Token and API Prefix in the connector's settings.",
  403: "The stored token has no right to this. Grant its service account in Planhat the right to list, create and update users.",
} as const;

export const PLANHAT: ServiceWords = {
  name: "planhat",
  title: "Planhat",
  refused: (status) => REFUSED_TOKEN[status],
  wordsIn: (body) => shortened(messageOf(body)),
};

const ONE = { missing: { code: "user_not_found", thing: "user" } };
const NEW = {
  unrepeatable: "and the user may exist nevertheless; read the list with cacheclear=1 before you send it again",
};

const KEPT_SECONDS = 600;

export function createUsers(options: UsersOptions): PlanhatUsers {
  const lists = createCache<readonly Row[]>(KEPT_SECONDS);
  const versions = new Map<string, number>();
  const http = withShortPauses(options.http);

  /** Gives `work` a way to Planhat that ends in time. */
  function asking<T>(
    { settings, target }: Connected,
    work: (rest: Rest, client: HttpClient) => Promise<T>,
  ): Promise<T> {
    const client = createPlanhatClient(settings, target, { ...options, http });
    return within(client, options.answerWithinMs, () =>
      work(createRest(client, http.timeoutMs, "interactive"), client),
    );
  }

  /** After a write, even one whose answer was lost, earlier reads are out of date. */
  async function writing<T>({ key, target }: Connected, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } finally {
      forget(key);
      versions.set(target.quotaKey, version(target.quotaKey) + 1);
    }
  }

  function version(quotaKey: string): number {
    return versions.get(quotaKey) ?? 0;
  }

  function forget(key: string): void {
    lists.drop((each) => each.startsWith(listsOf(key)));
  }

  return {
    // The cache key contains the credentials as well: another token or host may lead to other people's data.
    list: (asker, isFresh) => {
      const key = listsOf(asker.key) + asker.target.fingerprint;
      return served(PLANHAT, () => lists.get(key, isFresh, () => asking(asker, listUsers)));
    },
    get: (asker, id) => served(PLANHAT, () => asking(asker, (_rest, client) => readUser(client, id)), ONE),
    create: (asker, fields) =>
      writing(asker, () => served(PLANHAT, () => asking(asker, (rest) => createUser(rest, fields)), NEW)),
    update: (asker, id, fields) =>
      writing(asker, () =>
        served(PLANHAT, () => asking(asker, (rest, client) => updateUser(rest, client, id, fields)), ONE),
      ),
    version,
    forget,
    close: () => lists.close(),
  };
}

/** Neither organizations nor connector ids contain blanks, so no key is a prefix of another connector's. */
function listsOf(key: string): string {
  return `${key} `;
}

async function readUser(client: HttpClient, id: string): Promise<Row> {
  const { body } = await client.request({
    method: "GET",
    route: `${USERS}/:id`,
    params: { id },
    priority: "interactive",
  });
  // In place of a 404.
  if (body === null) throw missing(PLANHAT, ONE.missing, "The answer was null.");
  if (isRow(body) && isMeant(body, id)) return body;
  throw new UnexpectedAnswer(`planhat GET ${USERS}/:id did not answer with the record that was asked for.`);
}

/** An answer without the record is not trusted but read back. */
async function createUser(rest: Rest, fields: Fields): Promise<Row> {
  const { body } = await rest.create(USERS, fields);
  if (isRow(body)) return body;
  const found = await createdUser(rest, fields);
  if (found !== undefined) return found;
  throw new UnexpectedAnswer(
    `planhat POST ${USERS} did not answer with the new record, and the list does not show it.`,
  );
}

/** The one record that has the address and everything else that was sent, as far as that can be compared. */
async function createdUser(rest: Rest, fields: Fields): Promise<Row | undefined> {
  const wanted = Object.entries(fields).filter(([, value]) => !isObject(value) && !Array.isArray(value));
  try {
    const rows = await rest.list(USERS, { email: String(fields["email"]), limit: USERS_PAGE });
    const found = rows.filter((row) => wanted.every(([name, value]) => isSame(row[name], value)));
    return found.length === 1 ? found[0] : undefined;
  } catch (error) {
    if (isFailed(error)) return undefined;
    throw error;
  }
}

async function updateUser(rest: Rest, client: HttpClient, id: string, fields: Fields): Promise<Row> {
  const { body } = await rest.update(USERS, id, fields);
  return isRow(body) && isMeant(body, id) ? body : readUser(client, id);
}

/** An id may also be a prefixed key, `extid-…` or `srcid-…`, which leads to a record of another `_id`. */
function isMeant(row: Row, id: string): boolean {
  return isSame(row._id, id) || /^(?:ext|src)id-/.test(id);
}

/** Planhat chooses the case of hexadecimal ids, addresses and names. */
function isSame(stored: unknown, sent: unknown): boolean {
  const plain = (value: unknown): unknown => (typeof value === "string" ? value.toLowerCase() : (value ?? null));
  return plain(stored) === plain(sent);
}
