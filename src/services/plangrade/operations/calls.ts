/** plangrade for those who log in: each call has a way of its own, which ends in time. */
import type { AuthProvider } from "../../../http/auth";
import type { ConnectionOptions } from "../../definition";
import { missing, served, within, withShortPauses, type CallWords, type ServiceWords } from "../../interactive";
import type { Asker } from "../../operations";
import { createPlangradeClient } from "../api/client";
import { wordsIn, wordsOf } from "../api/envelope";
import { isNotThere } from "../api/failure";
import { createRest, type Rest } from "../api/rest";
import type { Shared } from "../connection";
import type { PlangradeSettings } from "../settings/settings";

export type Connected = Asker<PlangradeSettings>;

export interface OperationOptions extends ConnectionOptions {
  /** Somebody waits: the work for one request ends after this time, milliseconds. */
  readonly answerWithinMs: number;
  /** The lists that look-ups of this process keep: whoever was just created must not be created again. */
  readonly shared?: Pick<Shared, "lists"> | undefined;
}

/** What a 404 or 410 means: `{code: "company_not_found", thing: "company"}`. */
export type Missing = NonNullable<CallWords["missing"]>;

export interface Call extends CallWords {
  /** It changes something. */
  readonly writes?: boolean;
}

/** All throw OperationError when plangrade cannot serve them, or does not want to. */
export interface Calls {
  /** With the token that a person granted. */
  granted<T>(asker: Connected, work: (rest: Rest) => Promise<T>, call?: Call): Promise<T>;
  /** For the one call that needs no person. */
  open<T>(asker: Connected, work: (rest: Rest) => Promise<T>, call?: Call): Promise<T>;
}

const REFUSED = {
  401: "plangrade refuses the access that was granted, or nobody has granted it yet. Grant access again, and check Application key and Application secret in the connector's settings.",
  403: "plangrade does not let the person who granted access do this. Check in plangrade what they manage, or grant access again as somebody else.",
} as const;

export const PLANGRADE: ServiceWords = {
  name: "plangrade",
  title: "plangrade",
  refused: (status) => REFUSED[status],
  wordsIn,
};

const APPLICATION: ServiceWords = {
  ...PLANGRADE,
  refused: () =>
    "plangrade refuses the application. Check Application key and Application secret in the connector's settings.",
};

/** Without a grant the call is refused by plangrade itself. */
const NOBODY: AuthProvider = { headers: () => ({}) };

export function createCalls({ budgets, http, answerWithinMs, shared }: OperationOptions): Calls {
  const interactive = withShortPauses(http);

  async function asking<T>(
    words: ServiceWords,
    { settings, target, auth = NOBODY }: Connected,
    work: (rest: Rest) => Promise<T>,
    call: Call = {},
  ): Promise<T> {
    const client = createPlangradeClient({ settings, target, auth, budgets, http: interactive });
    const rest = createRest(client, { priority: "interactive", timeoutMs: interactive.timeoutMs });
    try {
      return await served(words, () => within(client, answerWithinMs, () => orMissing(() => work(rest), call)), call);
    } finally {
      if (call.writes === true) shared?.lists.get(target.fingerprint)?.clear();
    }
  }

  return {
    granted: (asker, work, call) => asking(PLANGRADE, asker, work, call),
    open: (asker, work, call) => asking(APPLICATION, asker, work, call),
  };
}

/** plangrade may say that a record was there once (410). */
async function orMissing<T>(work: () => Promise<T>, { missing: what }: Call): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw what !== undefined && isNotThere(error) ? missing(PLANGRADE, what, wordsOf(error)) : error;
  }
}
