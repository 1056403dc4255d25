/** Carries out what the command-line tools ask for: in the running server, or on a store that no server has open. */
import type { Store } from "../../src/storage/port/store";
import type { Answers, Command, TenantSummary } from "./commands";
import type { DeadLetters } from "./dead-letters";

export interface AdminOptions {
  readonly store: Pick<Store, "tenants" | "depth">;
  readonly deadLetters: DeadLetters;
  /** Erases a tenant; answers how many rows there were. */
  readonly forgetTenant: (tenantKey: string) => Promise<number>;
}

/** Carries out one parsed command. */
export function createAdmin({ store, deadLetters, forgetTenant }: AdminOptions) {
  async function summaryOf(tenant: string, settingsAtMs: number, remote: string | undefined): Promise<TenantSummary> {
    if (remote === undefined) return { tenant, settingsAtMs, outbox: 0, tells: 0 };
    const { outbox, hullUpdates } = await store.depth({ remote, tenant });
    return { tenant, settingsAtMs, remote, outbox, tells: hullUpdates };
  }

  return async (command: Command): Promise<Answers[keyof Answers]> => {
    switch (command.command) {
      case "letters.list": {
        const { deadLetters: letters, ...page } = await deadLetters.list(command);
        return { letters, ...page };
      }
      case "letters.show":
        return { letter: await deadLetters.show(command.id) };
      case "letters.replay": {
        const replayed = await deadLetters.replay(command.id);
        return { known: replayed.queued + replayed.underway + replayed.superseded > 0, replayed };
      }
      case "letters.replay-all":
        return deadLetters.replayPage(command);
      case "letters.drop":
        return { letter: await deadLetters.drop(command.id) };
      case "tenants.list": {
        const rows = await store.tenants();
        return { tenants: await Promise.all(rows.map((row) => summaryOf(row.key, row.settingsAtMs, row.remote))) };
      }
      case "tenants.forget":
        return { rows: await forgetTenant(command.tenant) };
    }
  };
}
