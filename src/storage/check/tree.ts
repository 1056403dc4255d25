/**
 * Walks the trees of LMDB's file and compares everything that two places in it say about the same thing: page numbers,
 * kinds, counts, the order of keys, and that no page is used twice, or used and free. A file that passes can be read and
 * written by LMDB without harm. It has no sums over its pages, so what a value says is for others to check.
 */
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

/** A table by its name, and where it is. */
export interface Table {
  readonly name: string;
  readonly tree: Tree;
}

export type OnRow = (key: Buffer, value: Buffer) => void;

export interface WalkOptions {
  /** Called for each row, in the order of keys; the memory is used again afterwards. */
  readonly onRow?: OnRow;
  /** Asked before each page of rows; when false, it is only made sure that the page is there and used once. */
  readonly isRead?: () => boolean;
}

export interface Trees {
  readonly pageBytes: number;
  /** Smallest first. */
  readonly tables: readonly Table[];
  /** @throws DamageError */
  walk(table: Table, options?: WalkOptions): void;
}

type Compare = (left: Buffer, right: Buffer) => number;

const asBytes: Compare = (left, right) => left.compare(right);
/** MDB_INTEGERKEY: transactions. */
const asNumbers: Compare = (left, right) => numberAt(left, 0) - numberAt(right, 0);

/**
 * Which pages are free, by LMDB's list: numbers of pages, and a negative one before the first page of that many.
 *
 * @throws DamageError
 */
export function freePagesOf(file: DataFile, state: State): Uint8Array {
  const uses = new Uint8Array(Math.min(state.lastPage + 1, mostPages(file, state)));
  const found: number[] = [];
  const onRow: OnRow = (key, value) => {
    const count = value.length < 8 ? 0 : numberAt(value, 0);
    if (key.length !== 8 || value.length % 8 !== 0 || count > value.length / 8 - 1) {
      throw new DamageError("its list of free pages is damaged");
    }
    for (let index = 1; index <= count; index += 1) {
      const entry = Number(value.readBigInt64LE(index * 8));
      if (entry >= 0) found.push(entry, entry === 0 ? 0 : 1);
      else if (index < count) found.push(Number(value.readBigInt64LE((index += 1) * 8)), -entry);
    }
  };
  walkTree({ file, state, uses, tree: state.free, compare: asNumbers, onRow });
  for (let index = 0; index < found.length; index += 2) {
    const first = found[index] ?? 0;
    const pages = found[index + 1] ?? 0;
    if (pages === 0) continue;
    if (first < 2 || first + pages > uses.length || pages > uses.length) {
      throw new DamageError(`its list of free pages names page ${first}, which it cannot have`);
    }
    for (let page = first; page < first + pages; page += 1) {
      if (uses[page] === USED) throw new DamageError(`page ${page} is used, and free as well`);
      uses[page] = FREE;
    }
  }
  return uses;
}

export const FREE = 2;
const USED = 1;

/** A damaged number of pages must not decide how much memory is asked for. */
function mostPages(file: DataFile, state: State): number {
  // Pages at the end that nobody uses may be missing, but a transaction makes only so many.
  const most = Math.ceil(file.bytes / file.pageBytes) * 2 + 1_000_000;
  if (state.lastPage >= most) {
    throw new DamageError(`data.mdb has ${file.bytes} bytes, and says that page ${state.lastPage} is its last one`);
  }
  return most;
}

/** @throws DamageError when the tree of tables, or the list of free pages, is damaged */
export function openTrees(file: DataFile, state: State): Trees {
  const uses = freePagesOf(file, state);
  const tables: Table[] = [];
  walkTree({
    file,
    state,
    uses,
    tree: state.main,
    compare: asBytes,
    onRow: (key, value, flags) => {
      if ((flags & NODE.tree) === 0 || value.length !== TREE_BYTES) {
        throw new DamageError("its list of tables is damaged");
      }
      tables.push({ name: key.toString("utf8").replace(/\0$/, ""), tree: treeAt(value, 0) });
    },
  });
  tables.sort((left, right) => left.tree.leafPages - right.tree.leafPages);
  return {
    pageBytes: file.pageBytes,
    tables,
    walk: ({ name, tree }, options = {}) => {
      try {
        walkTree({ file, state, uses, tree, compare: asBytes, ...options });
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        throw new DamageError(`${error.message}, in the table ${name}`, { cause: error });
      }
    },
  };
}

interface Walk extends Pick<WalkOptions, "isRead"> {
  readonly onRow?: (key: Buffer, value: Buffer, flags: number) => void;
  readonly file: DataFile;
  readonly state: State;
  /** By page. */
  readonly uses: Uint8Array;
  readonly tree: Tree;
  readonly compare: Compare;
}

interface Child {
  readonly page: number;
  readonly key: Buffer;
}

function walkTree({ file, state, uses, tree, compare, onRow, isRead = () => true }: Walk): void {
  const { pageBytes } = file;
  const memory = Buffer.alloc(pageBytes);
  const counts = { branch: 0, leaf: 0, overflow: 0, entries: 0, notRead: 0 };

  function claim(page: number, pages = 1): void {
    if (!(page >= 2 && pages >= 1 && page + pages <= uses.length)) {
      throw new DamageError(`it leads to page ${page}, which it cannot have`);
    }
    if ((page + pages) * pageBytes > file.bytes) {
      throw new DamageError(
        `page ${page + pages - 1} is used, and data.mdb ends before it: it has ${file.bytes} bytes, ` +
          `and ${(page + pages) * pageBytes - file.bytes} more are missing at least`,
      );
    }
    for (let each = page; each < page + pages; each += 1) {
      if (uses[each] !== 0) {
        throw new DamageError(`page ${each} is used ${uses[each] === FREE ? "and free as well" : "twice"}`);
      }
      uses[each] = USED;
    }
  }

  /** A page's header, which says again which page it is. */
  function assertHeader(page: number, head: Buffer, kind: number): void {
    const isRight =
      numberAt(head, 0) === page &&
      (head.readUInt16LE(18) & ~PASSING) === kind &&
      numberAt(head, 8) <= state.transaction;
    if (!isRight) throw damagedPage(page);
  }

  const damagedPage = (page: number): DamageError =>
    new DamageError(`page ${page} (at byte ${page * pageBytes}) is damaged`);

  /** Where the nodes of the page in memory are, each of them inside it, and together as long as the page says. */
  function nodesOf(page: number, kind: number): readonly number[] {
    const count = memory.readUInt16LE(20) / 2;
    const upper = HEADER_BYTES + memory.readUInt16LE(22);
    if (count < 1 || !Number.isInteger(count) || HEADER_BYTES + count * 2 > upper || upper > pageBytes) {
      throw damagedPage(page);
    }
    const nodes: number[] = [];
    let used = 0;
    for (let index = 0; index < count; index += 1) {
      // Like both bounds before, counted from the end of the header.
      const at = HEADER_BYTES + memory.readUInt16LE(HEADER_BYTES + index * 2);
      if (at < upper || at + NODE_BYTES > pageBytes) throw damagedPage(page);
      const bytes = NODE_BYTES + memory.readUInt16LE(at + 6) + (kind === PAGE.leaf ? storedBytes(at) : 0);
      if (at + bytes > pageBytes) throw damagedPage(page);
      used += bytes + (bytes % 2);
      nodes.push(at);
    }
    if (used !== pageBytes - upper) throw damagedPage(page);
    return nodes;
  }

  const valueBytes = (at: number): number => memory.readUInt32LE(at);
  const storedBytes = (at: number): number =>
    (memory.readUInt16LE(at + 4) & NODE.big) !== 0 ? BIG_BYTES : valueBytes(at);
  const keyOf = (at: number): Buffer => memory.subarray(at + NODE_BYTES, at + NODE_BYTES + memory.readUInt16LE(at + 6));

  /** Copies, because the memory is used again for the pages below. */
  function childrenOf(page: number, low: Buffer | undefined, high: Buffer | undefined): readonly Child[] {
    const children = nodesOf(page, PAGE.branch).map((at) => ({
      page: memory.readUInt32LE(at) + memory.readUInt16LE(at + 4) * 0x1_0000_0000,
      key: Buffer.from(keyOf(at)),
    }));
    // The first one leads to whatever is smaller, and LMDB does not read its key.
    for (const [index, { key }] of children.entries()) {
      if (index === 0) continue;
      const before = index === 1 ? low : children[index - 1]?.key;
      if (!isBetween(before, key, high) || (before !== undefined && compare(before, key) === 0))
        throw damagedPage(page);
    }
    return children;
  }

  /** Not before what the pages above begin this one with, and before what they begin the next one with. */
  const isBetween = (low: Buffer | undefined, key: Buffer, high: Buffer | undefined): boolean =>
    (low === undefined || compare(low, key) <= 0) && (high === undefined || compare(key, high) < 0);

  function visitLeaf(page: number, low: Buffer | undefined, high: Buffer | undefined): void {
    const nodes = nodesOf(page, PAGE.leaf);
    let before: Buffer | undefined;
    for (const [index, at] of nodes.entries()) {
      const key = keyOf(at);
      const isFirst = index === 0;
      const isInOrder = before === undefined || compare(before, key) < 0;
      const isWithin =
        (!isFirst || low === undefined || compare(low, key) <= 0) &&
        (index < nodes.length - 1 || high === undefined || compare(key, high) < 0);
      if (!isInOrder || !isWithin)
        throw new DamageError(`page ${page} (at byte ${page * pageBytes}) has its rows in disorder`);
      before = key;
      const flags = memory.readUInt16LE(at + 4);
      if ((flags & ~(NODE.big | NODE.tree)) !== 0) throw damagedPage(page);
      const start = at + NODE_BYTES + key.length;
      if ((flags & NODE.big) === 0) onRow?.(key, memory.subarray(start, start + valueBytes(at)), flags);
      else {
        const value = bigValue(page, start, valueBytes(at));
        onRow?.(key, value, flags);
      }
    }
    counts.entries += nodes.length;
  }

  /** A value that has pages of its own. */
  function bigValue(page: number, at: number, bytes: number): Buffer {
    const first = numberAt(memory, at);
    const pages = numberAt(memory, at + 16);
    if (pages !== Math.floor((HEADER_BYTES - 1 + bytes) / pageBytes) + 1) throw damagedPage(page);
    claim(first, pages);
    counts.overflow += pages;
    const whole = Buffer.allocUnsafe(onRow === undefined ? HEADER_BYTES : HEADER_BYTES + bytes);
    file.read(first, whole);
    assertHeader(first, whole, PAGE.overflow);
    if (whole.readUInt32LE(20) !== pages) throw damagedPage(first);
    return whole.subarray(HEADER_BYTES);
  }

  function visit(page: number, level: number, low: Buffer | undefined, high: Buffer | undefined): void {
    claim(page);
    const isLeaf = level === tree.depth;
    counts[isLeaf ? "leaf" : "branch"] += 1;
    if (isLeaf && !isRead()) {
      counts.notRead += 1;
      return;
    }
    file.read(page, memory);
    assertHeader(page, memory, isLeaf ? PAGE.leaf : PAGE.branch);
    if (isLeaf) {
      visitLeaf(page, low, high);
      return;
    }
    const children = childrenOf(page, low, high);
    for (const [index, child] of children.entries()) {
      visit(child.page, level + 1, index === 0 ? low : child.key, children[index + 1]?.key ?? high);
    }
  }

  if (tree.root !== undefined) {
    if (tree.depth < 1 || tree.depth > MOST_DEPTH) throw new DamageError(`a tree says that it is ${tree.depth} deep`);
    visit(tree.root, 1, undefined, undefined);
  }
  const isCounted =
    counts.branch === tree.branchPages &&
    counts.leaf === tree.leafPages &&
    (counts.notRead > 0 || (counts.overflow === tree.overflowPages && counts.entries === tree.entries));
  if (!isCounted) {
    throw new DamageError(
      `it should have ${tree.entries} rows on ${tree.leafPages} pages, and has ${counts.entries} on ${counts.leaf}`,
    );
  }
}
