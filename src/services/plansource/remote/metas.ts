/** What each client of PlanSource demands, cached: it is needed for every record, and changes rarely. */
import { RemoteError } from "../../../http/errors";
import { createCache } from "../../cache";
import { EMPTY_META, readMeta, type Meta } from "../rules/meta";
import type { Rest } from "../api/rest";

const CACHE_SECONDS = 300;

export interface Metas {
  /**
   * @param key names the client and the credentials
   * @returns an empty description where PlanSource has none to offer (404)
   * @throws RemoteError, UnexpectedAnswer
   */
  get(key: string, rest: Rest): Promise<Meta>;
  clear(): void;
  close(): void;
}

export function createMetas(): Metas {
  const cache = createCache<Meta>(CACHE_SECONDS);
  return {
    get: (key, rest) => cache.get(key, false, () => read(rest)),
    clear: () => cache.drop(() => true),
    close: () => cache.close(),
  };
}

async function read(rest: Rest): Promise<Meta> {
  try {
    return readMeta(await rest.meta());
  } catch (error) {
    if (error instanceof RemoteError && error.status === 404) return EMPTY_META;
    throw error;
  }
}
