/** Field by field: what Hull wants, what is remembered, and what follows. The rule itself is in `diff.ts`. Pure. */
import { isHidden, type Desired, type Json } from "../../record";
import type { FieldSpec } from "../../services/model";
import type { Fact } from "../../storage/port/rows";
import { NOTHING } from "../../services/compare";
import { isSame } from "../rules/write-only";
import { diff, type DiffOptions } from "../rules/diff";
import type { Reason } from "../../outcome/outcome";

/** How a remembered value compares with Hull's. */
export type Standing = "same" | "other" | "empty" | "unknown";

export interface FieldVerdict {
  readonly field: string;
  /** Hull's value; `hidden` for a write-only one. */
  readonly value: Json;
  /** What the service is known to hold, what we delivered last, and what Hull confirmed. */
  readonly remote: Standing;
  readonly sent: Standing;
  readonly confirmed: Standing;
  readonly verdict: "send" | "equal" | "kept" | "left";
  readonly why: string;
}

/**
 * @param wire values as the service stores them, where they differ from Hull's own form
 * @param facts undefined when no remote record is known
 * @param withheld fields that the service withholds, and why
 */
export function fieldVerdicts(
  desired: Desired,
  wire: Readonly<Record<string, Json>>,
  facts: Readonly<Record<string, Fact>> | undefined,
  specOf: (field: string) => FieldSpec,
  options: Omit<DiffOptions, "create">,
  withheld: Readonly<Record<string, Reason>> = {},
): readonly FieldVerdict[] {
  const create = facts === undefined;
  const difference = diff(desired, wire, facts ?? {}, specOf, { ...options, create });
  return Object.entries(desired.fields).map(([field, value]): FieldVerdict => {
    const spec = specOf(field);
    const about = { field, value: isHidden(value) ? "hidden" : value };
    const [remote, sent, confirmed] = facts?.[field] ?? [null, null, null];
    const there = spec.writeOnly === true ? value : (wire[field] ?? value);
    const standings = {
      remote: standing(remote, there, spec),
      sent: standing(sent, value, spec),
      confirmed: standing(confirmed, there, spec),
    };
    const is = (names: readonly string[]): boolean => names.includes(field);
    const hindrance = Object.hasOwn(withheld, field) ? withheld[field] : undefined;
    if (hindrance !== undefined) return { ...about, ...standings, verdict: "left", why: hindrance.text };
    const verdict = is(difference.send) ? "send" : is(difference.equal) ? "equal" : isKept() ? "kept" : "left";
    return { ...about, ...standings, verdict, why: whyOf() };

    function isKept(): boolean {
      const compared = !create && spec.readOnly !== true && spec.writeOnce !== true;
      return compared && standings.sent === "same" && ["other", "empty"].includes(standings.remote);
    }

    function whyOf(): string {
      switch (verdict) {
        case "send":
          if (create) return "A new record gets every field that has a value.";
          if (value === null) return "Hull's value was removed, and the field is known to hold one.";
          if (options.force) return "Exports and batches send even what is equal.";
          if (options.replay === true) return "A replayed dead letter overwrites what is there.";
          if (spec.writeOnly === true)
            return "It can be written, but not read, and Hull's value is not what was sent last.";
          if (standings.remote === "unknown") return "It is not known what the field holds, so that is read first.";
          return standings.sent === "unknown"
            ? "It was never sent and differs."
            : "Hull's value changed since it was sent.";
        case "equal":
          return "The field has this value already.";
        case "kept":
          return "Somebody changed the field there; Hull's value has not changed since it was sent.";
        case "left":
          if (spec.readOnly === true) return "The service computes this field.";
          if (spec.writeOnce === true) return "Only sent when the record is created.";
          if (standings.sent === "same" && value !== null)
            return "Hull's value has not changed since it was sent; what the field holds now is not known.";
          return "Hull has no value, and nothing shows that there is one to clear.";
      }
    }
  });
}

function standing(known: string | null, wanted: Json, spec: FieldSpec): Standing {
  if (known === null) return "unknown";
  if (isSame(known, wanted, spec)) return "same";
  return known === NOTHING ? "empty" : "other";
}
