/**
 * Lists that look-ups share for a while: plangrade finds nothing by a key, so every look-up is a list, and many
 * participants of one company come one after the other. What we write ourselves is added, so that it is never missed.
 */
import { LRUCache } from "lru-cache";
import type { Row } from "../api/envelope";
import type { Rest } from "../api/rest";
import { idOf } from "./record";

/** What somebody else created since then is not seen, and could be created a second time. */
const KEPT_MS = 60_000;
const MOST_ROWS = 200_000;

export interface Lists {
  /** @param isFresh what was read before is not good enough @throws RemoteError, UnexpectedAnswer */
  participants(rest: Rest, companyId: string, isFresh: boolean): Promise<readonly Row[]>;
  companies(rest: Rest, isFresh: boolean): Promise<readonly Row[]>;
  /** We created the company, so nobody is in it. */
  begin(companyId: string): void;
  /** We created or changed a participant, and this is what was sent. */
  put(companyId: string, row: Row): void;
  /** Something of the company changed in a way that is not known here. */
  drop(companyId?: string): void;
  /** Somebody wrote, and any list may be out of date. */
  clear(): void;
}

/** @param nowMs for how long lists are kept */
export function createLists(nowMs: () => number): Lists {
  const kept = new LRUCache<string, readonly Row[]>({
    maxSize: MOST_ROWS,
    sizeCalculation: (rows) => rows.length + 1,
    ttl: KEPT_MS,
    ttlResolution: 0,
    perf: { now: nowMs },
  });
  /** Reads in progress and their keys; a read that something changed meanwhile is not kept. */
  const reading = new Map<string, { readonly answer: Promise<readonly Row[]> }>();

  async function get(key: string, isFresh: boolean, read: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    if (isFresh) drop(key);
    const known = kept.get(key) ?? reading.get(key)?.answer;
    if (known !== undefined) return known;
    const one = { answer: read() };
    reading.set(key, one);
    try {
      const rows = await one.answer;
      if (reading.get(key) === one) kept.set(key, rows);
      return rows;
    } finally {
      if (reading.get(key) === one) reading.delete(key);
    }
  }

  function drop(key: string): void {
    kept.delete(key);
    reading.delete(key);
  }

  const ofCompany = (companyId: string): string => `company ${companyId}`;
  const COMPANIES = "companies";
  return {
    participants: (rest, companyId, isFresh) =>
      get(ofCompany(companyId), isFresh, () => rest.participants.list(companyId)),
    companies: (rest, isFresh) => get(COMPANIES, isFresh, () => rest.companies.list()),
    begin(companyId) {
      drop(COMPANIES);
      kept.set(ofCompany(companyId), []);
    },
    put(companyId, row) {
      const key = ofCompany(companyId);
      // A read in progress may miss the row.
      reading.delete(key);
      const rows = kept.get(key);
      if (rows === undefined) return;
      const others = rows.filter((each) => idOf(each) !== idOf(row));
      kept.set(key, [...others, row], { noUpdateTTL: true });
    },
    drop: (companyId) => drop(companyId === undefined ? COMPANIES : ofCompany(companyId)),
    clear() {
      kept.clear();
      reading.clear();
    },
  };
}
