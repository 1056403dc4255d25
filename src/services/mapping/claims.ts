/**
 * The tables `incoming_user_claims` and `incoming_account_claims`: by which of a record's fields Hull knows it. Without
 * rows each service goes by its own order. Pure.
 */
import type { z } from "zod";
import type { Claims } from "../../record";
import { textOf } from "./attributes";
import { chosen, flag, rows } from "./cells";

export interface ClaimRule {
  readonly claim: "external_id" | "email" | "domain";
  /** In the service's naming. */
  readonly field: string;
  /** A record without it is not told to Hull, unless Hull is known to have it. */
  readonly required: boolean;
}

const OFFERED = { user: ["external_id", "email"], account: ["external_id", "domain"] } as const;

/**
 * The table as a part of the settings' schema; undefined where no row is filled.
 *
 * @param service reads a cell with a field; undefined where it is blank
 */
export function claimTable(entity: "user" | "account", service: z.ZodType<string | undefined>) {
  return rows(
    { hull: chosen(OFFERED[entity]), service, required: flag(false) },
    "must be a table of rows {hull, service, required}; open the settings and save the table again.",
  ).transform((stored): readonly ClaimRule[] | undefined => {
    const rules = (stored ?? []).flatMap((row): ClaimRule[] => {
      const { hull: claim, service: field, required = false } = row ?? {};
      return claim === undefined || field === undefined ? [] : [{ claim, field, required }];
    });
    return rules.length === 0 ? undefined : rules;
  });
}

/**
 * Of several rows for one claim the first with a value counts.
 *
 * @returns undefined when the record lacks one that is required
 */
export function claimsBy(rules: readonly ClaimRule[], read: (field: string) => unknown): Claims | undefined {
  const claims = new Map<ClaimRule["claim"], string>();
  for (const { claim, field } of rules) {
    const value = claims.has(claim) ? undefined : claimed(read(field));
    if (value !== undefined) claims.set(claim, value);
  }
  return rules.some(({ claim, required }) => required && !claims.has(claim)) ? undefined : Object.fromEntries(claims);
}

/** A list says who it is only if it has no other element. */
function claimed(value: unknown): string | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const [only, ...others] = values;
  return others.length > 0 ? undefined : textOf(only)?.trim();
}
