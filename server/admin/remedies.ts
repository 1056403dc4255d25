/** What a person can do about what became of a record. */
import { outcomeCode, type OutcomeCodes } from "../../src/outcome/outcome";

/** About a dead letter, by its reason code, whatever the service is. */
const REMEDIES: Readonly<Record<string, string>> = {
  refused:
    "The service's words say what it does not accept. Correct the value in Hull or the mapping, and the next message " +
    "about the record closes the dead letter; or change what the service expects, and replay the dead letter.",
  identity_alarm:
    "Compare the record in the service that the reason names: its keys overlap with this one's. Separate the two, then " +
    "replay the dead letter.",
  parent_rejected: "What it belongs to was refused. Mend that and replay its dead letter: this one goes with it.",
  parent_dead: "What it belongs to could not be delivered. Replay its dead letter: this one goes with it.",
  parent_skipped:
    "What it belongs to was skipped, for the reason in brackets. Mend that, then replay this dead letter; what it needs " +
    "is created again.",
  unconfirmed:
    "The answer was lost, so the service may have it. Look there; replay the dead letter if it is missing, or else drop it.",
};

const OTHERWISE = "Mend what the reason names, then replay the dead letter; or drop it if it is no longer needed.";

/**
 * What can be done about a dead letter.
 *
 * @param ofService what the service has to say beyond that
 * @param own the codes of the service
 */
export function remedyFor(
  code: string,
  ofService: Readonly<Record<string, string>> = {},
  own: OutcomeCodes = {},
): string {
  return ofService[code] ?? REMEDIES[code] ?? outcomeCode(code, own).remedy ?? OTHERWISE;
}

/** What can be done about an outcome; undefined where nothing need be done. */
export function remedyOf(
  { outcome, code }: { readonly outcome: string; readonly code: string },
  own: OutcomeCodes,
  ofService: Readonly<Record<string, string>>,
): string | undefined {
  const isRefused = outcome === "rejected" || outcome === "dead";
  return isRefused ? remedyFor(code, ofService, own) : outcomeCode(code, own).remedy;
}
