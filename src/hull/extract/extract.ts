// The file of a batch: downloaded, unpacked and read row by row, with only one row in memory at a time.
import { createGuardedLookup } from "../../http/guards/addresses";
import type { HostAllowList } from "../../http/guards/hosts";
import { systemSleep, type Sleep } from "../../http/time";
import { createCsvFormat } from "./csv";
import { createCutter } from "./cutter";
import { download } from "./download";
import { ExtractError, type Fail } from "./error";
import { createJsonFormat } from "./json";
import { placeOf } from "./link";
import { createOpening } from "./opening";
import { createRowReader, type ExtractRow } from "./rows";

export { ExtractError, type ExtractErrorKind } from "./error";
export type { ExtractRow } from "./rows";

export interface ExtractOrder {
  /** Mostly presigned: the query is a secret. */
  readonly url: string;
  readonly format: "json" | "csv";
  /** Rows that are done already: downloaded, but neither parsed nor returned. */
  readonly skipRows: number;
}

export interface ExtractReaderOptions {
  readonly allowedHosts: HostAllowList;
  readonly limits?: Partial<typeof DEFAULT_LIMITS>;
  readonly sleep?: Sleep;
  /** How host names become addresses. */
  readonly resolve?: Parameters<typeof createGuardedLookup>[1];
}

export type ExtractReader = ReturnType<typeof createExtractReader>;

const DEFAULT_LIMITS = {
  /** A longer row is a bad row. */
  maxRowBytes: 5_000_000,
  maxRows: Infinity,
  /** Limit of the whole file, unpacked. */
  maxBytes: Infinity,
  /** How long we wait for the next byte. */
  idleMs: 60_000,
};

export function createExtractReader(options: ExtractReaderOptions) {
  const { allowedHosts, sleep = systemSleep } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const lookup = createGuardedLookup((host) => allowedHosts.names(host), options.resolve);

  return {
    /**
     * Downloads the file and yields its rows, in batches as they come. Nothing is read ahead while the caller is busy;
     * a caller that stops early closes the connection.
     *
     * @throws ExtractError when not all rows could be read; the signal's reason when it aborts
     */
    async *rows(order: ExtractOrder, signal: AbortSignal): AsyncIterable<readonly ExtractRow[]> {
      const fail: Fail = (trouble) => new ExtractError(placeOf(order.url), rows.nextRow, trouble);
      const tooLarge = (limit: string): ExtractError =>
        fail({ kind: "too_large", what: `it has more than ${limit}; send smaller batches.` });
      const format = order.format === "csv" ? createCsvFormat(fail) : createJsonFormat(fail);
      const opened = createOpening(order.format, fail);
      const cutter = createCutter(format.scanner, limits.maxRowBytes);
      const rows = createRowReader({ ...limits, format, skipRows: order.skipRows });
      let bytes = 0;

      const source = { allowedHosts, lookup, sleep, idleMs: limits.idleMs };
      for await (const piece of download(order.url, source, fail, signal)) {
        bytes += piece.length;
        if (bytes > limits.maxBytes) throw tooLarge(`${limits.maxBytes} bytes`);
        const batch = rows.read(cutter.push(opened(piece)));
        if (batch.length > 0) yield batch;
        if (rows.isFull) throw tooLarge(`${limits.maxRows} rows`);
      }
      // A download that broke off does not get here: half a row is not a bad row.
      const last = rows.read(cutter.end());
      if (last.length > 0) yield last;
      if (rows.isFull) throw tooLarge(`${limits.maxRows} rows`);
      format.end?.();
    },
  };
}
