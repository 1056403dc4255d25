/**
 * Scans a JSON text while it arrives, without building anything: how deeply it nests, how many values it contains,
 * the text of a few members of its outermost object, and where a long list in it can be cut. So a sender can be judged
 * before its body costs anything, and a large body can be parsed piece by piece.
 */

/** Real payloads nest about ten levels; much deeper ones would exhaust the stack of whatever walks them. */
export const MAX_DEPTH = 64;

export interface ScanLimits {
  readonly maxDepth: number;
  /** Objects, lists and their values: parsing takes memory for each, however short the text. */
  readonly maxValues: number;
  /** Of one object or list: an object of a hundred thousand names takes as long to parse as megabytes of small ones. */
  readonly maxMembers: number;
}

/** A list of the outermost object that is cut between its elements, so that each piece can be parsed by itself. */
export interface Cutting {
  readonly name: string;
  /** A piece has at least this many bytes, unless it is the last. */
  readonly bytes: number;
}

/** Where the list begins and ends, and where it can be cut: offsets of a bracket, of commas, of a bracket. */
export interface CutList {
  readonly name: string;
  readonly cuts: readonly number[];
}

export interface JsonScan {
  /** Scans the next bytes. @returns what is wrong with the text so far */
  push(bytes: Uint8Array): "too_deep" | "too_many_values" | "too_many_members" | undefined;
  /** The JSON text under a wanted name, once it is complete; of several the last, like `JSON.parse`. */
  member(name: string): string | undefined;
  /** Of several lists of that name the last; undefined when it is too short to be cut. */
  readonly list: CutList | undefined;
  /** Counted so far. */
  readonly values: number;
}

/** Longer texts under a wanted name are ignored. */
const MAX_MEMBER_BYTES = 16_384;
/** Longer names cannot be wanted ones. */
const MAX_NAME_BYTES = 64;

/** Strings are searched, which takes half the time; but where one byte is escaped, more are, and so many are walked. */
const WALKED_BYTES = 256;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/** @param wanted names of the outermost object; a name that is written with escapes is not recognised */
export function createJsonScan(
  { maxDepth, maxValues, maxMembers }: ScanLimits,
  wanted: readonly string[] = [],
  cutting?: Cutting,
): JsonScan {
  const members = new Map<string, string>();
  /** Members of each open object or list, the outermost first. */
  const counts: number[] = [];
  let depth = 0;
  let values = 0;
  let tooMany = false;
  /** Bytes of earlier pushes. */
  let before = 0;
  let cuts: number[] = [];
  /** The list that is cut; `named`: it comes next. */
  let state: "none" | "named" | "open" | "closed" = "none";
  let inString = false;
  let escaped = false;
  /** The next one of these bytes, as far as that was looked for. */
  let backslash = -1;
  /** Where a name of the outermost object may begin. */
  let nameMayBegin = false;
  let inName = false;
  let colonMayFollow = false;
  let name = "";
  let kept: Buffer[] | undefined;
  let keptBytes = 0;

  function keep(bytes: Uint8Array, from: number, to: number): void {
    if (kept === undefined) return;
    keptBytes += to - from;
    // A copy: the bytes belong to a chunk that is released.
    if (keptBytes <= MAX_MEMBER_BYTES) kept.push(Buffer.from(bytes.subarray(from, to)));
    else kept = undefined;
  }

  function endMember(bytes: Uint8Array, from: number, to: number): void {
    keep(bytes, from, to);
    if (kept !== undefined) members.set(name, Buffer.concat(kept).toString("utf8").trim());
    kept = undefined;
  }

  /** Where the quote is that ends the string; the end of the bytes when it goes on beyond them. */
  function endOfString(bytes: Uint8Array, from: number): number {
    let index = escaped ? from + 1 : from;
    escaped = false;
    for (let quote = -1; ;) {
      // No byte is searched twice for the same thing.
      if (quote < index) quote = placeOf(QUOTE, bytes, index);
      if (backslash < index) backslash = placeOf(BACKSLASH, bytes, index);
      if (quote <= backslash) return quote;
      const walkedTo = Math.min(bytes.length, backslash + WALKED_BYTES);
      for (index = backslash; index < walkedTo && bytes[index] !== QUOTE; index += 1)
        if (bytes[index] === BACKSLASH) index += 1;
      escaped = index > bytes.length;
      if (index < walkedTo || index >= bytes.length) return Math.min(index, bytes.length);
    }
  }

  return {
    push(bytes) {
      backslash = -1;
      /** Where the captured text, or the name, continues in these bytes. */
      let from = 0;
      for (let index = 0; index < bytes.length; index += 1) {
        if (inString) {
          index = endOfString(bytes, index);
          if (index === bytes.length) break;
          inString = false;
          if (inName) {
            inName = false;
            colonMayFollow = true;
            name = addToName(name, bytes, from, index);
          }
          continue;
        }
        const byte = bytes[index] ?? 0;
        if (byte === QUOTE) {
          inString = true;
          if (depth === 1 && nameMayBegin) {
            nameMayBegin = false;
            inName = true;
            colonMayFollow = false;
            name = "";
            from = index + 1;
          }
        } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
          depth += 1;
          values += 1;
          if (depth > maxDepth) return "too_deep";
          counts[depth] = 1;
          if (depth === 1) nameMayBegin = byte === OPEN_BRACE;
          else if (depth === 2 && state === "named") {
            state = byte === OPEN_BRACKET ? "open" : "none";
            cuts = [before + index];
          }
        } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          if (depth === 1) endMember(bytes, from, index);
          else if (depth === 2 && state === "open") {
            state = "closed";
            cuts.push(before + index);
          }
          depth -= 1;
        } else if (byte === COMMA) {
          values += 1;
          // No object or list is open, so there is nothing to count: such a text is not JSON.
          if (depth > 0) {
            const count = (counts[depth] ?? 0) + 1;
            counts[depth] = count;
            tooMany ||= count > maxMembers;
          }
          if (depth === 1) {
            endMember(bytes, from, index);
            nameMayBegin = true;
            if (state === "named") state = "none";
          } else if (depth === 2 && state === "open") {
            if (before + index - (cuts.at(-1) ?? 0) > (cutting?.bytes ?? 0)) cuts.push(before + index);
          }
        } else if (byte === COLON && depth === 1 && colonMayFollow) {
          colonMayFollow = false;
          if (name === cutting?.name) state = "named";
          if (wanted.includes(name)) {
            kept = [];
            keptBytes = 0;
            from = index + 1;
          }
        }
      }
      if (inName) name = addToName(name, bytes, from, bytes.length);
      else keep(bytes, from, bytes.length);
      before += bytes.length;
      return tooMany ? "too_many_members" : values > maxValues ? "too_many_values" : undefined;
    },
    member: (wantedName) => members.get(wantedName),
    get list() {
      return cutting !== undefined && state === "closed" && cuts.length > 2 ? { name: cutting.name, cuts } : undefined;
    },
    get values() {
      return values;
    },
  };
}

/** The first index of a byte from there on; the end of the bytes when it does not occur. */
function placeOf(byte: number, bytes: Uint8Array, from: number): number {
  const place = bytes.indexOf(byte, from);
  return place < 0 ? bytes.length : place;
}

function addToName(name: string, bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, from + MAX_NAME_BYTES - name.length + 1);
  return name + Buffer.from(bytes.subarray(from, end)).toString("latin1");
}

/** Whether a JSON text nests deeper than `MAX_DEPTH`; brackets in strings do not count. */
export function nestsTooDeep(text: Uint8Array | string): boolean {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const limits = { maxDepth: MAX_DEPTH, maxValues: Infinity, maxMembers: Infinity };
  return createJsonScan(limits).push(bytes) !== undefined;
}
