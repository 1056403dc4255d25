/** Why a call about a team member failed, as far as the caller has to know. */
import { RemoteError } from "../../../http/errors";
import { messageOf, shortened } from "../api/envelope";
import { isFailed, waitOf } from "../api/failure";
import type { Failed } from "../api/failure";

/** Refusals that are the caller's own business. */
export const CALLERS_STATUS = [400, 404, 409, 422] as const;
export type CallersStatus = (typeof CALLERS_STATUS)[number];

export type Trouble =
  | { readonly kind: "not_found"; readonly message: string }
  /** Planhat refuses the request itself; `message` has its words. */
  | { readonly kind: "refused"; readonly status: CallersStatus; readonly message: string }
  /** Planhat refuses the stored token, or it lacks a right. */
  | { readonly kind: "token"; readonly status: 401 | 403 }
  /** Too many calls: Planhat says so, or the budget. */
  | { readonly kind: "busy"; readonly waitMs: number }
  /** No answer, or no usable one. */
  | { readonly kind: "failed"; readonly message: string }
  /** The same after a create: the new record may be there. */
  | { readonly kind: "in_doubt"; readonly message: string };

export class UsersError extends Error {
  override readonly name = "UsersError";
  constructor(
    readonly trouble: Trouble,
    cause?: unknown,
  ) {
    super(`Planhat's users: ${trouble.kind}`, { cause });
  }
}

/** How soon a call may find room in the budget again. */
const BUDGET_WAIT_MS = 30_000;

/** Runs `work` and translates its failures. @throws UsersError for remote trouble */
export async function told<T>(work: () => Promise<T>, isCreate = false): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFailed(error)) throw new UsersError(troubleOf(error, isCreate), error);
    throw error;
  }
}

function troubleOf(error: Failed, isCreate: boolean): Trouble {
  const { message } = error;
  const failed: Trouble = { kind: isCreate ? "in_doubt" : "failed", message };
  if (!(error instanceof RemoteError)) return failed;
  const { status, kind, failure, applied, route, body } = error;
  if (status === 401 || status === 403) return { kind: "token", status };
  // The body of a RemoteError is an excerpt from which secrets have been taken.
  if (status === 404 && route.endsWith("/:id")) return { kind: "not_found", message: shortened(messageOf(body)) };
  const refused = CALLERS_STATUS.find((each) => each === status);
  if (refused !== undefined) return { kind: "refused", status: refused, message: shortened(messageOf(body)) };
  if (kind === "throttled") return { kind: "busy", waitMs: waitOf(error) };
  if (applied === "maybe") return failed;
  const isOurs = failure === "budget_closed" || failure === "client_closed" || failure === "cancelled";
  return isOurs ? { kind: "busy", waitMs: BUDGET_WAIT_MS } : { kind: "failed", message };
}
