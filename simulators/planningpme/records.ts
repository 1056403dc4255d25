/** What PlanningPME holds for one brand: customers, projects and whatever else templates name. */

export type Value = string | number | boolean;

export interface PlanningPmeRecord {
  readonly id: number;
  /** The entity, such as `Customer`. */
  readonly type: string;
  /** By the names that templates use: custom ones begin with an underscore. Nothing for what is empty. */
  readonly fields: Readonly<Record<string, Value>>;
  readonly createdAt: number;
  readonly modifiedAt: number;
}

/** A state to which one can go back. */
export interface Mark {
  readonly changes: number;
  readonly issued: number;
}

export interface Records {
  get(id: number): PlanningPmeRecord | undefined;
  /** All of a type by id; without a type, all. */
  list(type?: string): readonly PlanningPmeRecord[];
  /** By id: those whose field has this value, without regard to case and to whether it is a number or a text. */
  find(type: string, field: string, value: Value): readonly PlanningPmeRecord[];
  put(record: PlanningPmeRecord): void;
  remove(id: number): boolean;
  newId(): number;
  mark(): Mark;
  /** Takes back everything since a mark. */
  undo(mark: Mark): void;
  /** Nothing before this moment can be taken back any more. */
  settle(): void;
}

/** The fields after a change; null clears. */
export function changedFields(
  before: Readonly<Record<string, Value>>,
  change: Iterable<readonly [string, Value | null]>,
): Record<string, Value> {
  const fields = new Map(Object.entries(before));
  for (const [name, value] of change) {
    if (value === null) fields.delete(name);
    else fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

type Index = Map<string, Set<number>>;

const indexed = (value: Value): string => String(value).toLowerCase();

/** Creates an empty store. Ids grow from `firstId`. Looked-up fields are indexed: an import looks up every row. */
export function createRecords(firstId: number): Records {
  const records = new Map<number, PlanningPmeRecord>();
  /** By type, then by field. */
  const indexes = new Map<string, Map<string, Index>>();
  let changes: { readonly id: number; readonly before: PlanningPmeRecord | undefined }[] = [];
  let issued = 0;

  function indexOf(type: string, field: string): Index {
    const ofType = indexes.get(type) ?? new Map<string, Index>();
    indexes.set(type, ofType);
    const known = ofType.get(field);
    if (known !== undefined) return known;
    const index: Index = new Map();
    ofType.set(field, index);
    for (const record of records.values()) if (record.type === type) enter(index, field, record);
    return index;
  }

  function enter(index: Index, field: string, { id, fields }: PlanningPmeRecord): void {
    const value = fields[field];
    if (value === undefined) return;
    const ids = index.get(indexed(value)) ?? new Set();
    index.set(indexed(value), ids.add(id));
  }

  function set(id: number, after: PlanningPmeRecord | undefined): void {
    const before = records.get(id);
    for (const [field, index] of indexes.get(before?.type ?? "") ?? []) {
      const value = before?.fields[field];
      if (value !== undefined) index.get(indexed(value))?.delete(id);
    }
    if (after === undefined) {
      records.delete(id);
      return;
    }
    records.set(id, after);
    for (const [field, index] of indexes.get(after.type) ?? []) enter(index, field, after);
  }

  function change(id: number, after: PlanningPmeRecord | undefined): void {
    changes.push({ id, before: records.get(id) });
    set(id, after);
  }

  const byId = (left: PlanningPmeRecord, right: PlanningPmeRecord): number => left.id - right.id;

  return {
    get: (id) => records.get(id),
    list: (type) => [...records.values()].filter((record) => type === undefined || record.type === type).sort(byId),
    find(type, field, value) {
      const ids = [...(indexOf(type, field).get(indexed(value)) ?? [])];
      return ids.flatMap((id) => records.get(id) ?? []).sort(byId);
    },
    put: (record) => change(record.id, record),
    remove(id) {
      const isThere = records.has(id);
      change(id, undefined);
      return isThere;
    },
    newId: () => firstId + (issued += 1),
    mark: () => ({ changes: changes.length, issued }),
    undo(mark) {
      for (const { id, before } of changes.splice(mark.changes).reverse()) set(id, before);
      issued = mark.issued;
    },
    settle() {
      changes = [];
    },
  };
}
