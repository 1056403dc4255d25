/**
 * Is it a change? (docs/state.md, "Is it a change?") Pure: desired values and what is remembered go in, the fields
 * to send come out.
 *
 * A value is sent when it differs from what we last delivered *and* from what is there. If only the other side
 * moved, a person changed it there and keeps it; if both moved, Hull wins.
 */
import type { Desired, Json } from "../../record";
import type { FieldSpec } from "../../services/model";
import type { Fact } from "../../storage/port/rows";
import { NOTHING } from "../../services/compare";
import { isSame } from "./write-only";

export interface Difference {
  /** Fields whose value must be sent. */
  readonly send: readonly string[];
  /** Fields that the service is known to hold as desired without our doing. */
  readonly equal: readonly string[];
  /** Equal fields for which that is new: they count as delivered from now on. */
  readonly found: readonly string[];
  /** Fields to send whose remote value is unknown, so it may be equal. */
  readonly blind: readonly string[];
}

export interface DiffOptions {
  /** Exports and batches: send even what is equal. */
  readonly force: boolean;
  /** Replays: compare as if nothing had been sent, so that Hull wins over what a person changed there. */
  readonly replay?: boolean;
  /** Create: there is nothing to compare with. */
  readonly create: boolean;
}

/**
 * @param wire values as the service stores them, where they differ from Hull's own form (an owner's id for an e-mail)
 * @param facts what is remembered of the remote record; a field that is missing is unknown
 */
export function diff(
  desired: Desired,
  wire: Readonly<Record<string, Json>>,
  facts: Readonly<Record<string, Fact>>,
  specOf: (field: string) => FieldSpec,
  options: DiffOptions,
): Difference {
  const send: string[] = [];
  const equal: string[] = [];
  const found: string[] = [];
  for (const [field, own] of Object.entries(desired.fields)) {
    const spec = specOf(field);
    if (spec.readOnly === true || (spec.writeOnce === true && !options.create)) continue;
    if (options.create) {
      if (own !== null) send.push(field);
      continue;
    }
    const [remote, sent] = facts[field] ?? [null, null];
    if (own === null) {
      const evidence = (sent !== null && sent !== NOTHING) || desired.cleared.includes(field);
      if (!evidence) continue;
      if (remote === NOTHING) {
        equal.push(field);
        if (sent !== NOTHING) found.push(field);
        continue;
      }
      if (sent === NOTHING && !options.force && options.replay !== true) continue;
      send.push(field);
    } else if (options.force) send.push(field);
    else if (spec.writeOnly !== true && isSame(remote, wire[field] ?? own, spec)) {
      equal.push(field);
      if (!isSame(sent, own, spec)) found.push(field);
    } else if (options.replay === true || !isSame(sent, own, spec)) send.push(field);
  }
  const companions = send.flatMap((field) => specOf(field).alongside ?? []);
  const isFree = ({ readOnly, writeOnce }: FieldSpec): boolean => readOnly !== true && writeOnce !== true;
  const others = companions.filter(
    (field) => !send.includes(field) && (desired.fields[field] ?? null) !== null && isFree(specOf(field)),
  );
  send.push(...new Set(others));
  // What a write-only field holds cannot be read.
  const isBlind = (field: string): boolean => (facts[field]?.[0] ?? null) === null && specOf(field).writeOnly !== true;
  const blind = options.create ? [] : send.filter(isBlind);
  return {
    send,
    equal: equal.filter((field) => !send.includes(field)),
    found: found.filter((field) => !send.includes(field)),
    blind,
  };
}
