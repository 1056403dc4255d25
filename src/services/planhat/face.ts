/** What the server says about Planhat. */
import manifest from "../../../manifest.json";
import type { Face } from "../face";
import { reason } from "./reasons";
import { PLANHAT } from "./users";

export const planhatFace: Face = {
  title: PLANHAT.title,
  manifest,
  assets: "assets",
  fieldLists: ["contacts", "companies", "licenses"],
  missingToken: "The connector has no Personal Access Token; enter it in its settings in Hull.",
  remedies: {
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
  },
  examples: {
    remoteId: "5f1111111111111111111111",
    parent: "a company",
    skipped: reason("outside_user_segments"),
  },
};
