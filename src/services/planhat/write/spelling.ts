/**
 * A row of the mapping may write a custom field's name in another case than Planhat does, and to Planhat that is
 * another field. So everything is written under Planhat's name, and in what is read such a field also appears under the
 * mapping's name: all other code uses the names of the mapping.
 */
import memoize from "lodash/memoize";
import { definitionOf } from "../api/custom-fields";
import type { CustomField } from "../api/custom-fields";
import { customName, typeAt } from "../object-types";
import { isObject } from "../../../json";
import type { Page, Rest, Row } from "../api/rest";
import { mappingOf } from "../settings/settings";
import type { PlanhatSettings } from "../settings/settings";

/** @param definitions undefined when they cannot be known: then names are used unchanged */
export function spelled(
  rest: Rest,
  settings: PlanhatSettings,
  definitions: () => Promise<readonly CustomField[] | undefined>,
): Rest {
  async function shown<T extends Row | undefined>(path: string, rows: readonly T[]): Promise<readonly T[]> {
    const type = typeAt(path);
    const names = mappingOf(type ?? "", settings).flatMap(({ field }) => customName(field) ?? []);
    if (type === undefined || names.length === 0) return rows;
    const known = await definitions();
    if (known === undefined) return rows.map((row) => withAliases(row, namesakesIn(row, names)));
    const pairs = names.flatMap((name) => aliasOf(name, definitionOf(type, name, known)?.name));
    return pairs.length === 0 ? rows : rows.map((row) => withAliases(row, pairs));
  }

  async function sent(path: string, items: readonly unknown[]): Promise<readonly unknown[]> {
    const type = typeAt(path);
    const known = type !== undefined && items.some(hasCustom) ? await definitions() : undefined;
    if (type === undefined || known === undefined) return items;
    const nameOf = memoize((name: string) => definitionOf(type, name, known)?.name ?? name);
    return items.map((item) => {
      if (!hasCustom(item)) return item;
      const custom = Object.entries(item.custom).map(([name, value]) => [nameOf(name), value] as const);
      return { ...item, custom: Object.fromEntries(custom) };
    });
  }

  return {
    page: async (path, query): Promise<Page> => shown(path, await rest.page(path, query)),
    list: async (path, query) => shown(path, await rest.list(path, query)),
    one: async (path, id) => (await shown(path, [await rest.one(path, id)]))[0],
    bulk: async (path, items, safeToRepeat) => rest.bulk(path, await sent(path, items), safeToRepeat),
    create: async (path, item) => rest.create(path, (await sent(path, [item]))[0]),
    update: async (path, id, item) => rest.update(path, id, (await sent(path, [item]))[0]),
  };
}

/** A name of the mapping with Planhat's own, where the two differ. */
type Alias = readonly [string, string];

const aliasOf = (name: string, theirs: string | undefined): Alias[] =>
  theirs === undefined || theirs === name ? [] : [[name, theirs]];

/** Without definitions, a row's only name that differs in case is taken for Planhat's; else the field seems empty. */
function namesakesIn(row: Row | undefined, names: readonly string[]): readonly Alias[] {
  if (row === undefined || !hasCustom(row)) return [];
  const { custom } = row;
  return names.flatMap((name) => {
    if (Object.hasOwn(custom, name)) return [];
    const [theirs, ...others] = Object.keys(custom).filter((each) => each.toLowerCase() === name.toLowerCase());
    return others.length > 0 ? [] : aliasOf(name, theirs);
  });
}

/** A value under the mapping's own spelling was stored invisibly, and is not a value of the field. */
function withAliases<T extends Row | undefined>(row: T, pairs: readonly Alias[]): T {
  if (row === undefined || !hasCustom(row)) return row;
  const { custom } = row;
  const unseen = new Set(pairs.map(([own]) => own));
  const others = Object.entries(custom).filter(([name]) => !unseen.has(name));
  const read = pairs.flatMap(([own, theirs]) =>
    Object.hasOwn(custom, theirs) ? [[own, custom[theirs]] as const] : [],
  );
  return { ...row, custom: Object.fromEntries([...others, ...read]) };
}

function hasCustom(item: unknown): item is { readonly custom: Readonly<Record<string, unknown>> } {
  return isObject(item) && isObject(item["custom"]);
}
