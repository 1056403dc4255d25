/** Planhat's REST interface, of which only pages of lists are asked for. */
import { isRow, type Page, type Rest } from "../../../src/services/planhat/api/rest";
import type { Query } from "../../../src/http/route";

export function restOfPages(page: (path: string, query: Query) => Page | Promise<Page>): Rest {
  const unexpected = (): Promise<never> => Promise.reject(new Error("Nobody expected this call."));
  return {
    page: async (path, query) => page(path, query),
    list: unexpected,
    one: unexpected,
    bulk: unexpected,
    create: unexpected,
    update: unexpected,
  };
}

/** As it comes from Planhat: what is no record has no place of its own. */
export const pageOf = (rows: readonly unknown[]): Page => rows.map((row) => (isRow(row) ? row : undefined));
