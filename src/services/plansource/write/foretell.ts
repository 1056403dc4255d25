/** What an employee would show after a call that is not made, as far as it decides who is terminated and rehired. Pure. */
import type { Json } from "../../../record";
import type { Intent } from "../../connection";
import type { RemoteRecord } from "../../model";
import { STANDING } from "../objects";
import type { Standing } from "../rules/life-cycle";

/** Undefined after an update, which leaves the status as it is. */
export function foretold({ kind, remoteId = "", keys, knownKeys = keys, fields }: Intent): RemoteRecord | undefined {
  const shown = (standing: Standing, days: Readonly<Record<string, Json>>): RemoteRecord => ({
    id: remoteId,
    keys: knownKeys,
    fields: { [STANDING]: standing, ...days },
    complete: false,
    archived: standing === "ended",
  });
  switch (kind) {
    case "create":
      return shown("active", {});
    case "update":
      return undefined;
    case "end":
      return shown("ended", { termination_date: fields["termination_date"] ?? null });
    case "restart":
      return shown("active", { hire_date: fields["rehire_date"] ?? null, termination_date: null });
  }
}
