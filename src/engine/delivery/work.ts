/** One record in the hands of the delivery lane, what is known of it, and what a request has brought. Pure. */
import memoize from "lodash/memoize";
import type { Desired, Json } from "../../record";
import type { Result, Stuck } from "../../services/connection";
import type { FieldSpec, ObjectType, RemoteRecord, WritePolicy } from "../../services/model";
import type { Service } from "../../services/service";
import type { Content, EntryRow, MirrorRow, RecordRow } from "../../storage/port/rows";
import type { Observation } from "../../storage/port/store";
import { fingerprint } from "../../services/compare";
import { nextStep, type Step } from "../rules/state";
import type { OutcomeCodes, Reason } from "../../outcome/outcome";

/** For an intent without a result. */
export const NO_RESULT: Result = { kind: "unconfirmed", message: "The service gave no result." };

export interface Work {
  readonly entry: EntryRow;
  readonly content: Content;
  readonly record?: RecordRow;
  /** The linked remote record, as far as it is known. */
  readonly mirror?: MirrorRow;
  /** Remote id of the parent. */
  readonly parentId?: string;
  /** Another remote record has one of its keys. */
  readonly namesake: boolean;
  /** What a person should know about how the record was found, and about values that were changed before sending. */
  readonly note?: Reason;
  /** It is to be ended or restarted, and cannot be. */
  readonly stuck?: Stuck;
  /** Values as the service stores them; write-only ones are open here, and nowhere else. */
  readonly wire: Readonly<Record<string, Json>>;
}

/** What the cycle needs to know about its type. */
export interface TypeContext {
  readonly type: ObjectType;
  readonly specOf: (field: string) => FieldSpec;
  readonly attributeOf: (field: string) => string;
  /** Fields of today's mapping that can be read. */
  readonly mapped: readonly string[];
  readonly stepOf: (desired: Desired, known: Pick<MirrorRow, "archived" | "facts">) => Step | undefined;
  readonly policy: WritePolicy | undefined;
  /** Hull attribute that says when a record went missing; undefined unless the settings have records marked. */
  readonly markAttribute: string | undefined;
  /** The service's own outcome codes. */
  readonly outcomes: OutcomeCodes;
  readonly nowMs: number;
}

export function typeContext<S>(service: Service<S>, type: ObjectType, settings: S, nowMs: number): TypeContext {
  // A cycle or a page has many thousands of values, and few fields.
  const specOf = memoize((field: string): FieldSpec => service.field(type.name, field));
  const { marksDeleted, deletedAttribute } = service.fetchPolicy(settings);
  return {
    type,
    specOf,
    markAttribute: marksDeleted ? deletedAttribute : undefined,
    attributeOf: memoize((field) => service.hullAttribute(type.name, field)),
    mapped: service.mappedFields(type.name, settings).filter((field) => specOf(field).writeOnly !== true),
    stepOf: (desired, known) => nextStep(service, type, desired, known),
    policy: service.writePolicy?.(type.name, settings),
    outcomes: service.outcomes,
    nowMs,
  };
}

/** What became of a record that the service has. */
export interface Delivery {
  readonly remoteId: string;
  /** Fields that were sent in this delivery. */
  readonly sent: readonly string[];
  /** Fields found equal. */
  readonly equal: readonly string[];
  readonly outcome: "sent" | "unchanged";
  readonly why: Reason;
  /** A new record: what we did not send is empty there. */
  readonly created: boolean;
  /** Whether it is ended now; absent: that did not change. */
  readonly archived?: boolean;
  /** The record as the answer showed it. */
  readonly shown?: RemoteRecord;
}

/** A remote record as the mirror remembers it. @param keys those by which it may be confused with another one */
export function observationOf(record: RemoteRecord, context: TypeContext, keys = record.keys): Observation {
  const facts: Record<string, string> = {};
  for (const [field, value] of Object.entries(record.fields)) {
    const { type, writeOnly } = context.specOf(field);
    // A service that shows it nevertheless: what is short could be read in its fingerprint.
    if (writeOnly !== true) facts[field] = fingerprint(value, type);
  }
  return {
    id: record.id,
    keys,
    parentId: record.parentId,
    complete: record.complete,
    archived: record.archived === true,
    createdAtMs: record.createdAtMs,
    facts,
  };
}
