/** The sentences about variables that cannot be used: which, what it must be, what it is instead, and what to do. */
import type { z } from "zod";
import { cleaned, givenValue } from "./shown";

export interface RefusedVariable {
  readonly name: string;
  /** As a clause that begins with "must". */
  readonly must: string;
  /** Undefined: it is not set, but has to be. */
  readonly given: string | undefined;
  /** What counts when it is unset, as people write it; empty when that is nothing. */
  readonly standard: string;
}

/** Each in a line of its own. */
export function refusalOf(variables: readonly RefusedVariable[]): string {
  return ["The environment is not usable.", ...variables.map(sentenceOf)].join("\n");
}

function sentenceOf({ name, must, given, standard }: RefusedVariable): string {
  if (given === undefined) return `${name}: must be set, and ${must}.`;
  const remedy = standard === "" ? "or unset it" : `or unset it for the default, ${standard}`;
  return `${name}: ${cleaned(must)}${givenValue(name, given)}. Correct it, ${remedy}.`;
}

/** A clause for what a schema says in no words of its own; zod's would be about types, which people do not write. */
export const plainClause: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_value":
      return `must be ${issue.values.map(String).join(" or ")}`;
    case "invalid_format":
      return issue.format === "url" ? "must be an address such as https://host.example" : "must have another form";
    case "too_small":
      return `must be at least ${issue.minimum}${issue.origin === "string" ? " characters long" : ""}`;
    case "too_big":
      return `must be at most ${issue.maximum}${issue.origin === "string" ? " characters long" : ""}`;
    case "invalid_type":
      return issue.expected === "string" ? "must be a text" : "must be a number in digits";
    default:
      return "must have another form";
  }
};
