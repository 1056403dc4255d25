/** PlanningPME's outcome codes, and its words for some that every service has. */
import { createReasons, type CommonCode } from "../../outcome/outcome";

export const OUTCOMES = {
  created: { text: "Imported into PlanningPME for the first time." },
  updated: { text: "Imported into PlanningPME again." },
  accepted: { text: "PlanningPME took the import; its report does not name the row." },
  in_sync: { text: "PlanningPME took the same values before." },
  outside_segments: {
    text: "The user or account does not belong to any of the synchronized segments.",
    remedy: "Intended, or synchronize one of its segments in the settings.",
  },
  missing_key: {
    text: "The record has nothing for the property by which the template finds it.",
    level: "info",
    remedy: "Fill the attribute that the settings map to that property.",
  },
  no_key_property: {
    text: "The settings name no property by which the template finds records.",
    level: "warn",
    remedy: "Name the property in the settings.",
  },
  no_template: {
    text: "The settings feed no template with this kind of Hull entity.",
    remedy: "Name a template for it in the settings, or no longer have Hull send it.",
  },
  nothing_mapped: {
    text: "None of the mapped attributes has a value, so there is nothing to import.",
    level: "info",
    remedy: "Fill one of the mapped attributes in Hull, or map others.",
  },
} as const;

export type ReasonCode = keyof typeof OUTCOMES | CommonCode;

/** @param detail what is specific to this record, appended in brackets: never a value */
export const reason = createReasons(OUTCOMES);
