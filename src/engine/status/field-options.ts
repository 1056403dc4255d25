/** The lists of fields in the settings: always useful, with a tenant's own fields where they can be had in time. */
import type { FieldChoice, FieldUse } from "../../services/connection";
import type { Service } from "../../services/service";
import type { Tenant, Tenants } from "../tenants";
import { withTimeout } from "../rules/timeout";

/** @param tenant the caller, if Hull confirmed it; undefined result: there is no such list */
export type FieldsOf<S> = (
  table: string,
  use: FieldUse,
  tenant: () => Promise<Tenant<S> | undefined>,
) => Promise<FieldChoice | undefined>;

export interface FieldChoiceOptions<S> {
  readonly service: Pick<Service<S>, "fieldOptions">;
  readonly tenants: Pick<Tenants<S>, "connection">;
  /** How long the service may take to answer, milliseconds. */
  readonly waitMs: number;
}

const LATE = "The service has not answered in time, so custom fields are missing; open the settings again.";

export function createFieldChoice<S>({ service, tenants, waitMs }: FieldChoiceOptions<S>): FieldsOf<S> {
  return async (table, use, tenant) => {
    const standard = service.fieldOptions(table, use);
    if (standard === undefined) return undefined;
    const asking = await tenant();
    const connection = asking === undefined ? undefined : tenants.connection(asking);
    if (connection === undefined) return { options: standard };
    return (await withTimeout(waitMs, connection.fieldOptions(table, use))) ?? { options: standard, problem: LATE };
  };
}
