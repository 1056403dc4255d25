/** The object types of a service, by their name and by the Hull entity that they are made of. */
import type { ObjectType } from "./model";

interface Typed {
  readonly types: readonly ObjectType[];
}

/** Undefined for a name that a later version wrote. */
export function typeNamed({ types }: Typed, name: string | undefined): ObjectType | undefined {
  return types.find((type) => type.name === name);
}

export function entityOf(service: Typed, type: string): "user" | "account" {
  return typeNamed(service, type)?.entity ?? "user";
}

/** The object type of a Hull entity's own record; undefined where the service has none. */
export function typeOf({ types }: Typed, entity: "user" | "account"): string | undefined {
  return types.find((each) => each.entity === entity)?.name;
}

/** Under which an entity's own record is counted: its object type, or where the service has none the entity itself. */
export function countedAs(service: Typed, entity: "user" | "account"): string {
  return typeOf(service, entity) ?? entity;
}
