/** The object types of a service, by their name and by the Hull entity that they are made of. */
import type { ObjectType } from "./model";

interface Typed {
  readonly name: string;
  readonly types: readonly ObjectType[];
}

/** Undefined for a name that a later version wrote. */
export function typeNamed({ types }: Pick<Typed, "types">, name: string | undefined): ObjectType | undefined {
  return types.find((type) => type.name === name);
}

export function entityOf(service: Pick<Typed, "types">, type: string): "user" | "account" {
  return typeNamed(service, type)?.entity ?? "user";
}

/** The object type of a Hull entity's own record. */
export function typeOf({ name, types }: Typed, entity: "user" | "account"): string {
  const type = types.find((each) => each.entity === entity);
  if (type === undefined) throw new Error(`${name} has no object type for a Hull ${entity}.`);
  return type.name;
}
