/**
 * PlanningPME's object types as data. What it holds cannot be looked up, and it gives no ids back: a record is known by
 * its own key, and by what this connector sent. A type is fed by one kind of Hull entity, so customers and projects have
 * two each. What export templates yield is told to Hull, and is never sent.
 */
import type { FieldSpec, ObjectType } from "../model";

/** The one key of a record: the value of the property by which the template matches. */
export const KEY = "key";

/** Two imports, each for accounts or users as the settings say. */
export const ROLES = ["customer", "project"] as const;
export type Role = (typeof ROLES)[number];
export type Entity = ObjectType["entity"];

const NAMES: Readonly<Record<Role, Readonly<Record<Entity, string>>>> = {
  customer: { account: "customers", user: "user_customers" },
  project: { account: "projects", user: "user_projects" },
};
const EXPORTS: Readonly<Record<Entity, string>> = { account: "account_exports", user: "user_exports" };

const ENTITIES: readonly Entity[] = ["account", "user"];

/** Nothing shows what an import did before its answer was lost, and importing a row twice has the same effect. */
const imported = (role: Role, entity: Entity): ObjectType => ({
  name: NAMES[role][entity],
  entity,
  keys: [{ name: KEY, scope: "remote" }],
  identity: "ownKey",
  lookup: false,
  writes: { most: 1_000, whole: true, dryRun: true, repeatable: ["create", "update"] },
});

const exported = (entity: Entity): ObjectType => ({
  name: EXPORTS[entity],
  entity,
  keys: [{ name: KEY, scope: "remote" }],
  identity: "ownKey",
  lookup: false,
});

export const OBJECT_TYPES: readonly ObjectType[] = [
  ...ENTITIES.flatMap((entity) => ROLES.map((role) => imported(role, entity))),
  ...ENTITIES.map(exported),
];

/** The type of a role that is fed by an entity. */
export const importType = (role: Role, entity: Entity): string => NAMES[role][entity];

/** The type of what is exported for an entity. */
export const exportType = (entity: Entity): string => EXPORTS[entity];

/** The entity whose exports a type holds; undefined for imports. */
export function exportedEntity(type: string): Entity | undefined {
  return ENTITIES.find((entity) => EXPORTS[entity] === type);
}

/** Properties are whatever a template names, so nothing is known of their form. */
export const fieldSpec = (_type: string, name: string): FieldSpec => ({ name, type: "any" });
