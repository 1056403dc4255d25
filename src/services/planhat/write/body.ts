/** What one intent looks like on the wire, and which keys Planhat could match it by. */
import type { Json } from "../../../record";
import type { Intent } from "../../connection";
import { customName, typeSpec, UPSERT_KEYS } from "../object-types";

export type Body = Readonly<Record<string, Json>>;

/**
 * One item of a bulk upsert. An update carries `_id` and what changed; a create carries everything, its keys and its
 * company included. Custom fields are nested under their literal names.
 */
export function bodyOf(type: string, intent: Intent): Body {
  const { parent } = typeSpec(type).object;
  const body = new Map<string, Json>();
  const custom = new Map<string, Json>();
  if (intent.kind === "update" && intent.remoteId !== undefined) body.set("_id", intent.remoteId);
  if (intent.kind === "create") {
    for (const [name, value] of Object.entries(intent.keys)) if (value !== "") body.set(name, value);
    if (parent !== undefined && intent.parentId !== undefined) body.set(parent.field, intent.parentId);
  }
  for (const [name, value] of Object.entries(intent.fields)) {
    const display = customName(name);
    if (display === undefined) body.set(name, value);
    else custom.set(display, value);
  }
  // fromEntries defines own properties, so that a field called "__proto__" is just a field.
  if (custom.size > 0) body.set("custom", Object.fromEntries(custom));
  return Object.fromEntries(body);
}

export interface SentKey {
  readonly name: string;
  readonly value: string;
}

/** The keys in a body, `_id` first. */
export function sentKeys(body: Body): readonly SentKey[] {
  return ["_id", ...UPSERT_KEYS].flatMap((name) => {
    const value = body[name];
    return typeof value === "string" && value !== "" ? [{ name, value }] : [];
  });
}
