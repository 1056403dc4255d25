/**
 * How documents are stored: as lists of their fields in a declared order, without the fields' names. The order belongs
 * to the stored format: new fields go to the end, and none may change its place.
 */

/** How one value is written and read again. */
export interface Codec<V> {
  readonly pack: (value: V) => unknown;
  readonly unpack: (packed: unknown) => V;
}

/** Every field of a document, in the order of its list; with a codec if the field itself is packed. */
type Shape<V> = { readonly [K in keyof Required<V>]: Codec<Exclude<V[K], undefined>> | true };

/** An absent field is written as null, so no field of a document may itself be null. */
export const structure = <V extends object>(shape: Shape<V>): Codec<V> => codecOf(shape, false);

/**
 * The same for documents that the rules copy with more fields than they had. Once read, one has all of its fields, absent
 * ones as undefined: V8 takes ten times as long to add a field to a copy as to replace one.
 */
export const extended = <V extends object>(shape: Shape<V>): Codec<V> => codecOf(shape, true);

function codecOf<V extends object>(shape: Shape<V>, isExtended: boolean): Codec<V> {
  const names = Object.keys(shape) as (keyof V)[];
  const codecs = names.map((name) => shape[name] as Codec<unknown> | true);
  const blank = Object.fromEntries(names.map((name) => [name, undefined])) as Partial<Record<keyof V, unknown>>;
  return {
    pack: (value) => {
      const list: unknown[] = [];
      let length = 0;
      for (let index = 0; index < names.length; index += 1) {
        const name = names[index];
        const field = name === undefined ? undefined : value[name];
        const codec = codecs[index];
        if (field === undefined || codec === undefined) list.push(null);
        else length = list.push(codec === true ? field : codec.pack(field));
      }
      list.length = length;
      return list;
    },
    unpack: (packed) => {
      const list = packed as readonly unknown[];
      const value: Partial<Record<keyof V, unknown>> = isExtended ? { ...blank } : {};
      for (let index = 0; index < list.length; index += 1) {
        const field = list[index];
        const name = names[index];
        const codec = codecs[index];
        if (field === null || name === undefined || codec === undefined) continue;
        value[name] = codec === true ? field : codec.unpack(field);
      }
      // The list was written by `pack` from a whole document.
      return value as V;
    },
  };
}

export const listOf = <V>({ pack, unpack }: Codec<V>): Codec<readonly V[]> => ({
  pack: (value) => value.map(pack),
  unpack: (packed) => (packed as readonly unknown[]).map(unpack),
});

/** Few values by their name or number. */
export const mapOf = <V>({ pack, unpack }: Codec<V>): Codec<Readonly<Record<string, V>>> => ({
  pack: (value) => {
    const list: unknown[] = [];
    for (const name in value) {
      const each = value[name];
      if (each !== undefined) list.push(name, pack(each));
    }
    return list;
  },
  unpack: (packed) => {
    const list = packed as readonly unknown[];
    const value: Record<string, V> = {};
    for (let index = 0; index < list.length; index += 2) value[String(list[index])] = unpack(list[index + 1]);
    return value;
  },
});

/** Written as it is, but without what is absent, at any depth. */
export const asIs = <V>(): Codec<V> => ({ pack: present, unpack: (packed) => packed as V });

/** The value itself if nothing in it is undefined, or a copy without that. */
function present(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    return list.some((each) => present(each) !== each) ? list.map(present) : list;
  }
  for (const name in value) {
    const field: unknown = (value as Record<string, unknown>)[name];
    if (field === undefined || present(field) !== field) {
      return Object.fromEntries(
        Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
          each === undefined ? [] : [[key, present(each)]],
        ),
      );
    }
  }
  return value;
}
