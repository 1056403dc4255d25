/** What stands in paths and queries of operations, and what it means where it is left out. */
import { z } from "zod";
import { countParameter, optionalFlagParameter, pathIdParameter } from "../../../input";
import { namesByCode, type Connected } from "./calls";

export const SWITCH = "Send true or false, or leave it out.";
export const includeTest = optionalFlagParameter.meta({
  description: "With employees that are marked as tests; as the connector's settings say when left out.",
});

const isCustomId = optionalFlagParameter.meta({
  description:
    "Whether subscribers are named by their `subscriber_code`, not by PlanSource's id; as the connector's settings say " +
    "when left out.",
});
export const BY_KEY = { schema: z.object({ is_custom_id: isCustomId }), remedies: { is_custom_id: SWITCH } };

export const PAGING = {
  schema: z.object({
    page: countParameter(1, 1_000_000).optional().meta({ description: "From 1." }),
    per_page: countParameter(1, 500).optional().meta({ description: "PlanSource's own measure, 500, when left out." }),
    include_test: includeTest,
    is_custom_id: isCustomId,
  }),
  remedies: {
    page: "Send the number of a page, or leave it out.",
    per_page: "Send the number of subscribers on a page, or leave it out.",
    include_test: SWITCH,
    is_custom_id: SWITCH,
  },
};

export const ID = {
  schema: z.object({
    id: pathIdParameter.meta({ description: "A `subscriber_code`, or PlanSource's id: see `is_custom_id`." }),
  }),
  words: {
    code: "invalid_subscriber_id",
    problem: "The address names no subscriber",
    remedies: { id: "Send the subscriber_code or, with is_custom_id=false, PlanSource's id." },
  },
  refused: "The path names no subscriber",
};

export interface ByKey {
  readonly is_custom_id?: boolean | undefined;
}

/** @returns undefined rather than false, so that nothing is sent */
export function withTests({ settings }: Connected, asked: boolean | undefined): true | undefined {
  return (asked ?? settings.includeTestEmployees) ? true : undefined;
}

export function byCode(asker: Connected, { is_custom_id }: ByKey): boolean {
  return is_custom_id ?? namesByCode(asker);
}
