/** What a person can do about a dead letter, by its reason code. */
const REMEDIES: Readonly<Record<string, string>> = {
  refused:
    "Planhat's words say what it does not accept. Correct the value in Hull or the mapping, and the next message about " +
    "the record closes the dead letter; or change what Planhat expects, and replay the dead letter.",
  identity_alarm:
    "Compare the record in Planhat that the reason names: its keys overlap with this one's. Separate the two, then " +
    "replay the dead letter.",
  parent_rejected:
    "Its company (of an event: its user) was refused. Mend that and replay its dead letter: this one goes with it.",
  parent_dead:
    "Its company (of an event: its user) could not be delivered. Replay its dead letter: this one goes with it.",
  parent_skipped:
    "Its company (of an event: its user) was skipped, for the reason in brackets. Mend that, then replay this dead letter; " +
    "what it needs is created again.",
  unconfirmed:
    "The answer was lost, so Planhat may have it. Look there; replay the dead letter if it is missing, or else drop it.",
};

const OTHERWISE = "Mend what the reason names, then replay the dead letter; or drop it if it is no longer needed.";

export function remedyFor(code: string): string {
  return REMEDIES[code] ?? OTHERWISE;
}
