import { createPoisonList, type PoisonList, type PoisonMode, type PoisonTarget } from "./poison";
import { changedFields, createRecords, type PlanningPmeRecord, type Records, type Value } from "./records";
import type { Template } from "./template";

type Fields = Readonly<Record<string, Value>>;

/** One customer of PlanningPME, and what its people and PlanningPME's staff can do by hand. */
export interface Brand {
  /** In lower case. */
  readonly name: string;
  readonly templates: readonly Template[];
  /** Installs a template, or another version of it. */
  install(template: Template): void;
  /** Throws when there is no such template. */
  uninstall(name: string): void;
  /** Adds a record as if it had always been there: no call, no check. */
  seed(type: string, fields: Fields, modifiedAt?: number): PlanningPmeRecord;
  /** Changes fields as a person would; null clears. Throws when there is no such record. */
  edit(id: number, fields: Readonly<Record<string, Value | null>>): PlanningPmeRecord;
  remove(id: number): boolean;
  /** Those whose field has this value, oldest first. */
  find(type: string, field: string, value: Value): readonly PlanningPmeRecord[];
  /** Refuses rows that match. Answers the function that takes the poison away again. */
  poison(target: PoisonTarget, message: string, mode?: PoisonMode): () => void;
  /** Plain copies by id, for comparing whole states. */
  snapshot(type?: string): readonly PlanningPmeRecord[];
}

/** The brand as the routes see it. */
export interface BrandState {
  readonly brand: Brand;
  readonly records: Records;
  readonly poison: Pick<PoisonList, "find">;
  template(name: string): Template | undefined;
}

/** Creates a brand without records. `now` stamps what people do. */
export function createBrand(
  name: string,
  installed: readonly Template[],
  firstId: number,
  now: () => number,
): BrandState {
  const templates = new Map(installed.map((template) => [template.name, template]));
  const records = createRecords(firstId);
  const poison = createPoisonList();

  const put = (record: PlanningPmeRecord): PlanningPmeRecord => {
    records.put(record);
    records.settle();
    return record;
  };

  const brand: Brand = {
    name,
    get templates() {
      return [...templates.values()];
    },
    install: (template) => void templates.set(template.name, template),
    uninstall(gone) {
      if (!templates.delete(gone)) throw new Error(`There is no template ${gone}.`);
    },
    seed: (type, fields, modifiedAt = now()) =>
      put({ id: records.newId(), type, fields: { ...fields }, createdAt: modifiedAt, modifiedAt }),
    edit(id, change) {
      const before = records.get(id);
      if (before === undefined) throw new Error(`There is no record ${id}.`);
      return put({ ...before, fields: changedFields(before.fields, Object.entries(change)), modifiedAt: now() });
    },
    remove(id) {
      const isGone = records.remove(id);
      records.settle();
      return isGone;
    },
    find: (type, field, value) => records.find(type, field, value),
    poison: (target, message, mode = "row") => poison.add(target, message, mode),
    snapshot: (type) => structuredClone(records.list(type)),
  };
  return { brand, records, poison, template: (wanted) => templates.get(wanted) };
}
