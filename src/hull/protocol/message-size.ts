// Limits of one message: many times what Hull has of any profile, and small enough that nobody waits for it.
import type { Problem } from "./problems";
import { isAttributes, MAX_SEGMENTS } from "./shapes";

/** Of one user, account or event; Hull's index has room for a tenth of it. */
const MAX_ATTRIBUTES = 10_000;

/** What a message has too much of, checked before anything else. */
export function excessIn(raw: unknown): readonly Problem[] {
  if (!isAttributes(raw)) return [];
  const { user, account, changes, events } = raw;
  const changed = isAttributes(changes) ? changes : {};
  const problems: Problem[] = [];
  const look = (path: string, value: unknown, what: "attributes" | "segments", most: number): void => {
    const size = Array.isArray(value) ? value.length : isAttributes(value) ? Object.keys(value).length : 0;
    if (size <= most) return;
    const remedy = `Remove ${what} that nobody needs in Hull.`;
    problems.push({ path, message: `holds ${size} ${what}, at most ${most} are accepted`, remedy });
  };
  look("user", user, "attributes", MAX_ATTRIBUTES);
  look("account", account, "attributes", MAX_ATTRIBUTES);
  look("changes.user", changed["user"], "attributes", MAX_ATTRIBUTES);
  look("changes.account", changed["account"], "attributes", MAX_ATTRIBUTES);
  look("segments", raw["segments"], "segments", MAX_SEGMENTS);
  look("account_segments", raw["account_segments"], "segments", MAX_SEGMENTS);
  if (isAttributes(user)) look("user.segment_ids", user["segment_ids"], "segments", MAX_SEGMENTS);
  if (isAttributes(account)) look("account.segment_ids", account["segment_ids"], "segments", MAX_SEGMENTS);
  if (Array.isArray(events)) {
    for (const [at, event] of events.entries()) {
      if (isAttributes(event)) look(`events[${at}].properties`, event["properties"], "attributes", MAX_ATTRIBUTES);
    }
  }
  return problems;
}
