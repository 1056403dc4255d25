// The download of an extract: one GET, a few redirects, and a body that is read no faster than its rows are consumed.
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { addAbortSignal } from "node:stream";
import type { HostAllowList } from "../../http/guards/hosts";
import { joinSignals } from "../../http/signals";
import type { Sleep } from "../../http/time";
import { ExtractError, type Fail } from "./error";
import { checkLink } from "./link";
import { standstill, troubleOfAnswer, troubleOfConnection } from "./trouble";
import { unpack } from "./unpack";
import { readUrl } from "../../web-address";
import { traceCall } from "../../tracing";

export interface DownloadOptions {
  readonly allowedHosts: HostAllowList;
  /** The guarded one, so that an allowed name cannot lead to a private address. */
  readonly lookup: LookupFunction;
  /** How long we wait for the next byte. */
  readonly idleMs: number;
  readonly sleep: Sleep;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * The unpacked bytes of a link. Nothing is read ahead beyond the buffers of the connection, and the connection is
 * closed as soon as the caller stops reading.
 *
 * @throws what `fail` makes of trouble; the signal's reason when it aborts
 */
export async function* download(
  link: string,
  options: DownloadOptions,
  fail: Fail,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const joined = joinSignals(ending.signal, signal);

  /** Only waits for the other side count: a slow consumer of the rows is not cut off. */
  async function inTime<T>(work: Promise<T>): Promise<T> {
    const arrived = new AbortController();
    options.sleep(options.idleMs, arrived.signal).then(
      () => ending.abort(),
      () => undefined, // the work was done in time
    );
    try {
      return await work;
    } finally {
      arrived.abort();
    }
  }

  try {
    const response = await inTime(follow(link, options, fail, joined.signal));
    // A packed file may be packed once more for transfer.
    const layers = /\bx?-?gzip\b/i.test(response.headers["content-encoding"] ?? "") ? 2 : 1;
    const { body, check } = await inTime(unpack(response, layers, fail));
    const chunks: AsyncIterator<unknown, undefined> = body[Symbol.asyncIterator]();
    for (let bytes = 0; ;) {
      const { done, value } = await inTime(chunks.next());
      if (done === true) return;
      if (!Buffer.isBuffer(value)) continue;
      bytes += value.length;
      check(bytes);
      yield value;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ExtractError) throw error;
    // So far only a timeout ends it.
    throw fail(ending.signal.aborted ? standstill(options.idleMs) : troubleOfConnection(error));
  } finally {
    ending.abort();
    joined.release();
  }
}

/** Follows redirects and resolves to the one response that has the file. */
async function follow(
  link: string,
  { allowedHosts, lookup }: DownloadOptions,
  fail: Fail,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let target = checkLink(link, undefined, allowedHosts, fail);
  for (let redirects = 0; ; redirects += 1) {
    const response = await get(target, lookup, signal);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined) {
      const trouble = troubleOfAnswer(status, response.headers);
      if (trouble === undefined) return response;
      throw fail(trouble);
    }
    response.destroy();
    if (redirects === MAX_REDIRECTS) {
      const what = `it was redirected more than ${MAX_REDIRECTS} times; send the batch from Hull again.`;
      throw fail({ kind: "http_status", what, status });
    }
    const next = readUrl(location, target)?.href ?? "";
    target = checkLink(next, target, allowedHosts, fail);
  }
}

function get(target: URL, lookup: LookupFunction, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = target.protocol === "https:" ? https : http;
    const headers = { accept: "*/*", "accept-encoding": "gzip", "user-agent": "hull-planhat-connector" };
    // `agent: false`: its own connection, which ends with the download.
    const asked = request(target, { method: "GET", agent: false, lookup, signal, headers });
    // The link is signed: nothing is added to what is sent, and of its path and query nothing is shown.
    const traced = traceCall({ method: "GET", url: target.href, system: "hull-extract" });
    asked.on("error", (error) => {
      traced.end({ error: troubleOfConnection(error).kind });
      reject(error);
    });
    asked.on("response", (response) => {
      traced.end({ status: response.statusCode });
      response.on("error", () => undefined); // whoever reads gets the error; between two readers nobody does
      resolve(addAbortSignal(signal, response));
    });
    asked.end();
  });
}
