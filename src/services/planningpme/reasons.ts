/** PlanningPME's outcome codes, and its words for some that every service has. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  created: { text: "Imported into PlanningPME for the first time." },
  updated: { text: "Imported into PlanningPME again." },
  accepted: { text: "PlanningPME took the import; its report does not name the row." },
  in_sync: { text: "PlanningPME took the same values before." },
  outside_segments: { text: "The user or account does not belong to any of the synchronized segments." },
  missing_key: {
    text: "The record has nothing for the property by which the template finds it.",
    level: "info",
  },
  no_key_property: {
    text: "The settings name no property by which the template finds records.",
    level: "warn",
  },
  no_template: { text: "The settings feed no template with this kind of Hull entity." },
  nothing_mapped: { text: "None of the mapped attributes has a value, so there is nothing to import.", level: "info" },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets: never a value */
export const reason = createReasons(OUTCOMES);
