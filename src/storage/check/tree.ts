/**
 * Walks the trees of LMDB's file and compares everything that two places in it say about the same thing: page numbers,
 * kinds, counts, the order of keys, and that no page is used twice, or used and free. A file that passes can be read and
 * written by LMDB without harm. It has no sums over its pages, so what a value says is for others to check.
 */
import isMatch from "lodash/isMatch";
import pick from "lodash/pick";
import sortBy from "lodash/sortBy";
import { DamageError, HEADER_BYTES, numberAt, treeAt, TREE_BYTES, type DataFile, type State, type Tree } from "./file";

/** MDB_page's and MDB_node's flags. */
const PAGE = { branch: 0x01, leaf: 0x02, overflow: 0x04 } as const;
/** Of a page's flags, those that only say how it came to be written. */
const PASSING = 0xe000;
const NODE = { big: 0x01, tree: 0x02 } as const;
const NODE_BYTES = 8;
/** MDB_ovpage: which pages a large value has. */
const BIG_BYTES = 24;
/** Deeper than any tree that fits a disk. */
const MOST_DEPTH = 32;
/** What is known of a page; 0: nothing yet. */
const USED = 1;
const FREE = 2;

export type OnRow = (key: Buffer, value: Buffer, flags: number) => void;

export interface WalkOptions {
  /** Called for each row, in the order of keys. */
  readonly onRow?: OnRow;
  /** Asked before each page of rows, with its size. If false, it is only made sure that the page is used once. */
  readonly isRead?: (bytes: number) => boolean;
}

export interface Table {
  readonly name: string;
  /** @throws DamageError */
  walk(options?: WalkOptions): void;
}

/** Which pages are free, by LMDB's list: numbers of pages, and a negative one before the first page of that many. */
function freePagesOf(file: DataFile, state: State): Uint8Array {
  // Pages at the end that nobody uses may be missing, but a transaction makes only so many: a damaged number of pages
  // must not decide how much memory is asked for.
  if (state.lastPage >= Math.ceil(file.bytes / file.pageBytes) * 2 + 1_000_000) {
    throw new DamageError(`data.mdb has ${file.bytes} bytes, and says that page ${state.lastPage} is its last one`);
  }
  const uses = new Uint8Array(state.lastPage + 1);
  const free = (first: number, pages: number): void => {
    if (first < 2 || first + pages > uses.length) {
      throw new DamageError(`its list of free pages names page ${first}, which it cannot have`);
    }
    for (let page = first; page < first + pages; page += 1) {
      if (uses[page] === USED) throw new DamageError(`page ${page} is used, and free as well`);
      uses[page] = FREE;
    }
  };
  const onRow: OnRow = (key, value) => {
    const count = value.length < 8 ? 0 : numberAt(value, 0);
    if (key.length !== 8 || value.length % 8 !== 0 || count > value.length / 8 - 1) {
      throw new DamageError("its list of free pages is damaged");
    }
    for (let index = 1; index <= count; index += 1) {
      const entry = Number(value.readBigInt64LE(index * 8));
      if (entry > 0) free(entry, 1);
      else if (entry < 0 && index < count) free(Number(value.readBigInt64LE((index += 1) * 8)), -entry);
    }
  };
  // Its keys are numbers of transactions (MDB_INTEGERKEY).
  walkTree(file, state, uses, state.free, { onRow }, (left, right) => numberAt(left, 0) - numberAt(right, 0));
  return uses;
}

/** @throws DamageError when pages at the end are missing, unless nobody uses them: LMDB does not write those */
export function assertNotCut(file: DataFile, state: State): void {
  const missing = (state.lastPage + 1) * file.pageBytes - file.bytes;
  if (missing <= 0) return;
  const beyond = freePagesOf(file, state).subarray(Math.floor(file.bytes / file.pageBytes));
  if (beyond.some((use) => use !== FREE)) {
    throw new DamageError(`data.mdb is cut off: it has ${file.bytes} bytes, and ${missing} more are missing`);
  }
}

/** The tables of a file, the smallest first. @throws DamageError when their list, or that of free pages, is damaged */
export function tablesOf(file: DataFile, state: State): readonly Table[] {
  const uses = freePagesOf(file, state);
  const trees: (Tree & Pick<Table, "name">)[] = [];
  const onRow: OnRow = (key, value, flags) => {
    if ((flags & NODE.tree) === 0 || value.length !== TREE_BYTES) {
      throw new DamageError("its list of tables is damaged");
    }
    trees.push({ ...treeAt(value, 0), name: key.toString("utf8").replace(/\0$/, "") });
  };
  walkTree(file, state, uses, state.main, { onRow });
  return sortBy(trees, "leafPages").map((tree) => ({
    name: tree.name,
    walk: (options = {}) => {
      try {
        walkTree(file, state, uses, tree, options);
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        throw new DamageError(`${error.message}, in the table ${tree.name}`, { cause: error });
      }
    },
  }));
}

/** MDB_node */
interface Node {
  readonly flags: number;
  readonly key: Buffer;
  /** Of a row: how long its value is. Of a branch: with the flags above it, which page it leads to. */
  readonly low: number;
  /** Of a row: its value, or where that is. */
  readonly stored: Buffer;
}

/** @param uses by page; those of the tree are noted */
function walkTree(
  file: DataFile,
  state: State,
  uses: Uint8Array,
  tree: Tree,
  { onRow, isRead = () => true }: WalkOptions,
  compare = (left: Buffer, right: Buffer): number => left.compare(right),
): void {
  const { pageBytes } = file;
  const counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
  let skipped = 0;
  /** The key before: of a row, or what a branch says that its next page begins with at the earliest. */
  let before: { readonly key: Buffer; readonly isRow: boolean } | undefined;

  const placeOf = (page: number): string => `page ${page} (at byte ${page * pageBytes})`;
  const damaged = (page: number): DamageError => new DamageError(`${placeOf(page)} is damaged`);

  function claim(page: number, pages = 1): void {
    if (!(page >= 2 && pages >= 1 && page + pages <= uses.length)) {
      throw new DamageError(`it leads to page ${page}, which it cannot have`);
    }
    for (let each = page; each < page + pages; each += 1) {
      if (uses[each] !== 0) {
        throw new DamageError(`page ${each} is used ${uses[each] === FREE ? "and free as well" : "twice"}`);
      }
      uses[each] = USED;
    }
  }

  /** Its beginning, whose header says again which page it is. */
  function read(page: number, kind: number, bytes: number): Buffer {
    const memory = Buffer.allocUnsafe(bytes);
    file.read(page, memory);
    const isRight =
      numberAt(memory, 0) === page &&
      (memory.readUInt16LE(18) & ~PASSING) === kind &&
      numberAt(memory, 8) <= state.transaction;
    if (!isRight) throw damaged(page);
    return memory;
  }

  /** Each of them inside the page, and together as long as it says. */
  function nodesOf(page: number, isLeaf: boolean): readonly Node[] {
    const memory = read(page, isLeaf ? PAGE.leaf : PAGE.branch, pageBytes);
    const count = memory.readUInt16LE(20) / 2;
    // Like where each node is, counted from the end of the header.
    const upper = HEADER_BYTES + memory.readUInt16LE(22);
    if (count < 1 || !Number.isInteger(count) || HEADER_BYTES + count * 2 > upper) throw damaged(page);
    const nodes: Node[] = [];
    let used = 0;
    for (let index = 0; index < count; index += 1) {
      const at = HEADER_BYTES + memory.readUInt16LE(HEADER_BYTES + index * 2);
      if (at < upper || at + NODE_BYTES > pageBytes) throw damaged(page);
      const low = memory.readUInt32LE(at);
      const flags = memory.readUInt16LE(at + 4);
      const keyEnd = at + NODE_BYTES + memory.readUInt16LE(at + 6);
      const rowBytes = (flags & NODE.big) === 0 ? low : BIG_BYTES;
      const end = isLeaf ? keyEnd + rowBytes : keyEnd;
      if (end > pageBytes) throw damaged(page);
      used += end - at + ((end - at) % 2);
      nodes.push({ flags, key: memory.subarray(at + NODE_BYTES, keyEnd), low, stored: memory.subarray(keyEnd, end) });
    }
    if (used !== pageBytes - upper) throw damaged(page);
    return nodes;
  }

  /** A row may have the key that its page begins with at the earliest; otherwise no key comes twice. */
  function assertInOrder(page: number, key: Buffer, isRow: boolean): void {
    const order = before === undefined ? -1 : compare(before.key, key);
    if (order > 0 || (order === 0 && (before?.isRow === true || !isRow))) {
      throw new DamageError(`${placeOf(page)} has its rows in disorder`);
    }
    before = { key, isRow };
  }

  function visitRow(page: number, { flags, key, low, stored }: Node): void {
    assertInOrder(page, key, true);
    if ((flags & ~(NODE.big | NODE.tree)) !== 0) throw damaged(page);
    const value = (flags & NODE.big) === 0 ? stored : bigValue(page, stored, low);
    onRow?.(key, value, flags);
    counts.entries += 1;
  }

  /** A value that has pages of its own. */
  function bigValue(page: number, place: Buffer, bytes: number): Buffer {
    const first = numberAt(place, 0);
    const pages = numberAt(place, 16);
    if (pages !== Math.floor((HEADER_BYTES - 1 + bytes) / pageBytes) + 1) throw damaged(page);
    claim(first, pages);
    counts.overflowPages += pages;
    const whole = read(first, PAGE.overflow, HEADER_BYTES + (onRow === undefined ? 0 : bytes));
    if (whole.readUInt32LE(20) !== pages) throw damaged(first);
    return whole.subarray(HEADER_BYTES);
  }

  function visit(page: number, level: number): void {
    claim(page);
    const isLeaf = level === tree.depth;
    counts[isLeaf ? "leafPages" : "branchPages"] += 1;
    if (isLeaf && !isRead(pageBytes)) {
      skipped += 1;
      return;
    }
    for (const [index, node] of nodesOf(page, isLeaf).entries()) {
      if (isLeaf) visitRow(page, node);
      else {
        // The first one leads to whatever is smaller, and LMDB does not read its key.
        if (index > 0) assertInOrder(page, node.key, false);
        visit(node.low + node.flags * 0x1_0000_0000, level + 1);
      }
    }
  }

  if (tree.root !== undefined) {
    if (tree.depth < 1 || tree.depth > MOST_DEPTH) throw new DamageError(`a tree says that it is ${tree.depth} deep`);
    visit(tree.root, 1);
  }
  if (!isMatch(tree, skipped === 0 ? counts : pick(counts, "branchPages", "leafPages"))) {
    throw new DamageError(
      `it should have ${tree.entries} rows on ${tree.leafPages} pages, and has ${counts.entries} on ${counts.leafPages}`,
    );
  }
}
