/** Whom a question may mean: in what is remembered, and at the service itself. */
import { isAlike } from "../../record";
import { typeOf } from "../../services/types";
import type { Asked, Store } from "../../storage/port/store";
import type { RecordName } from "../../storage/port/rows";
import type { RecordDryRunOptions } from "../dry-run/records";
import type { Tenant } from "../tenants";

/** Most entities of one name that are shown. */
export const MOST_FOUND = 20;

/** How a person names an entity. */
export interface Question {
  readonly entity?: "user" | "account" | undefined;
  readonly by: Asked | "id";
  readonly value: string;
}

/** A record at the service. */
export interface Hit {
  readonly type: string;
  readonly id: string;
}

export function createSearch<S>(
  options: Pick<RecordDryRunOptions<S>, "service" | "tenants"> & { readonly store: Store },
) {
  const { store, service, tenants } = options;
  return { places, atService };

  /** Records that the question may mean. */
  async function places({ remote, key }: Tenant<S>, { entity, by, value }: Question): Promise<readonly RecordName[]> {
    if (remote === undefined) return [];
    const lane = { remote, tenant: key };
    const found: RecordName[] = [];
    for (const type of ownTypes(entity)) {
      const claimed = type.keys.find(({ claim }) => claim === by)?.name;
      const ids =
        by === "id" ? [value] : await store.findBy(lane, type.name, { name: by, value, key: claimed }, MOST_FOUND);
      for (const hullId of ids) {
        const known = by === "id" ? await store.inspectRecord(lane, type.name, hullId) : undefined;
        if (known === undefined || Object.keys(known).length > 0) found.push({ type: type.name, hullId });
      }
    }
    return found;
  }

  /** The types of the entities' own records. */
  function ownTypes(entity: Question["entity"]) {
    const entities = entity === undefined ? (["user", "account"] as const) : [entity];
    const names = entities.map((each) => typeOf(service, each));
    return service.types.filter(({ name }) => names.includes(name));
  }

  /** One look-up in the service; if it has no such key or does not answer, that says nothing. */
  async function atService(tenant: Tenant<S>, { entity, by, value }: Question): Promise<readonly Hit[] | undefined> {
    const connection = tenants.connection(tenant);
    if (connection === undefined) return undefined;
    const found: Hit[] = [];
    let answered = false;
    for (const type of ownTypes(entity)) {
      // A key that is unique only within its parent cannot be looked up without the parent.
      const key = type.keys.find(({ claim, scope, movable }) => claim === by && (scope === "remote" || movable));
      if (key === undefined || type.lookup === false) continue;
      const wanted = [{ keys: { [key.name]: value }, fresh: true }];
      const answer = await connection.find?.(type.name, wanted, { fields: [], identityOnly: true });
      if (answer === undefined) continue;
      const { records, exhaustive } = answer;
      const hits = records.filter(({ keys }) => isAlike(keys[key.name], value));
      found.push(...hits.map(({ id }) => ({ type: type.name, id })));
      answered ||= exhaustive[0] === true || hits.length > 0;
    }
    return answered ? found : undefined;
  }
}
