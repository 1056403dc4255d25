/** Hull deleted users (`user:delete`): everything stored about them is erased. Accounts and the service are left alone. */
import { idText, isAttributes } from "../../hull/protocol/shapes";
import type { Service } from "../../services/service";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import type { Log } from "../../outcome/log-lines";
import type { Tenant } from "../tenants";

export interface ForgetOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly log: Log;
  readonly announce: (outcomes: readonly RecordOutcome[]) => void;
  /** Called when a lane may have new work: records that waited for a deleted user. */
  readonly wake: (lane: Lane) => void;
}

/** Ids are keys of the store, which limits their length. */
const MAX_ID_LENGTH = 200;

/** @returns handles the messages of a `user:delete` notification; resolves when nothing is stored any more */
export function createForgetting<S>({ store, service, log, announce, wake }: ForgetOptions<S>) {
  const types = service.types.filter(({ entity, append }) => entity === "user" && append !== true);
  const own = types.map(({ name }) => name);
  const children = service.types.filter(({ parent }) => own.includes(parent?.type ?? "")).map(({ name }) => name);

  return async (tenant: Tenant<S>, messages: readonly unknown[]): Promise<void> => {
    const ids = messages.map(userIdOf);
    const { organization, id } = tenant.credentials;
    const context = { organization, id };
    const users = [...new Set(ids.flatMap((each) => each ?? []))];
    for (const user of users) {
      announce(await store.forgetEntity(tenant.key, { types: own, children }, user));
    }
    const remotes = await store.remotesOf(tenant.key);
    for (const lane of await store.lanes()) if (remotes.includes(lane.remote)) wake(lane);
    log({ level: "info", event: "connector.forget.success", context, data: { users: users.length } });
    const unreadable = ids.filter((each) => each === undefined).length;
    if (unreadable === 0) return;
    const message = "Messages about deleted users name no user; nothing was erased for them.";
    log({ level: "warn", event: "connector.forget.error", context, data: { message, messages: unreadable } });
  };
}

/** The channel is not documented: the user may be inside the message as elsewhere, or be the message itself. */
function userIdOf(message: unknown): string | undefined {
  if (!isAttributes(message)) return undefined;
  const { user } = message;
  const id = idText(isAttributes(user) ? user["id"] : (message["user_id"] ?? message["id"]));
  return id !== undefined && id.length <= MAX_ID_LENGTH ? id : undefined;
}
