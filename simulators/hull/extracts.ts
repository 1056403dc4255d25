/** The storage behind presigned links (sheet 4): files of batches, and everything that goes wrong with them. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createGzip, gzipSync } from "node:zlib";
import { refuse, textReply, type Prepared, type Reply } from "../loopback/call";
import type { Clock } from "../loopback/clock";
import { untilGone } from "../loopback/delivery";
import type { Random } from "../loopback/random";
import type { Arrival } from "../loopback/server";

export interface ExtractFile {
  /** The last part of the URL's path; default: a random one that ends like the format. */
  readonly name?: string;
  /** Default "json": one object a line. */
  readonly format?: "json" | "csv";
  /** A function makes the pieces while they are downloaded, for files of any size. */
  readonly content: string | Buffer | (() => Iterable<string | Buffer>);
  /** "file" packs it as a .gz file without a word in the headers; "transfer" names it as content-encoding. */
  readonly gzip?: "file" | "transfer";
  /** How its end is marked. Default "length"; content made by a function is always chunked or close. */
  readonly framing?: "length" | "chunked" | "close";
  /** On top of the usual ones, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What happens instead of a good download. */
export type ExtractFault =
  | { readonly kind: "status"; readonly status: number }
  /** 200 with a web page; `type` is the content type, by default the file's own. */
  | { readonly kind: "page"; readonly type?: string }
  /** The line is cut after as many bytes of the answer's body. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Nothing comes any more after as many bytes, and the line stays open. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The file over and over. */
  | { readonly kind: "endless" }
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
  /** `pieceBytes` at a time, with a wait before each piece. */
  | { readonly kind: "slow"; readonly pieceBytes: number; readonly waitMs: number };

export interface PublishedExtract {
  /** With a signature in the query, without which nothing is served. */
  readonly url: string;
  readonly signature: string;
  /** Requests with the right method and signature. */
  readonly downloads: number;
  /** Bytes of bodies that were handed to the network. */
  readonly sentBytes: number;
  /** Every download fails like this from now on; `undefined` mends it. */
  fail(fault: ExtractFault | undefined): void;
}

export interface Extracts {
  publish(file: ExtractFile, baseUrl: string): PublishedExtract;
  /** A call to `/extracts/:name`; `undefined` when there is no such file. */
  prepare(arrival: Arrival): Prepared | undefined;
}

interface Stored {
  readonly file: ExtractFile;
  readonly signature: string;
  fault: ExtractFault | undefined;
  downloads: number;
  sentBytes: number;
}

const PREFIX = "/extracts/";
const ROUTE = "GET /extracts/:name";

/** Creates an empty storage. */
export function createExtracts(random: Random, clock: Clock): Extracts {
  const files = new Map<string, Stored>();

  return {
    publish(file, baseUrl) {
      const name = file.name ?? `${random.hex(8)}.${file.format ?? "json"}${file.gzip === "file" ? ".gz" : ""}`;
      const stored: Stored = { file, signature: random.hex(32), fault: undefined, downloads: 0, sentBytes: 0 };
      files.set(name, stored);
      return {
        url: `${baseUrl}${PREFIX}${name}?X-Amz-Expires=3600&X-Amz-Signature=${stored.signature}`,
        signature: stored.signature,
        get downloads() {
          return stored.downloads;
        },
        get sentBytes() {
          return stored.sentBytes;
        },
        fail(fault) {
          stored.fault = fault;
        },
      };
    },
    prepare({ method, path, query }) {
      const stored = path.startsWith(PREFIX) ? files.get(path.slice(PREFIX.length)) : undefined;
      if (stored === undefined) return undefined;
      // Links are presigned for GET alone, as on the real storage (sheet 14).
      if (method !== "GET") return refuse(`${method} /extracts/:name`, textReply(403, "Forbidden"));
      if (query.get("X-Amz-Signature") !== stored.signature) return refuse(ROUTE, denied(403));
      return { route: ROUTE, apply: () => serve(stored, clock) };
    },
  };
}

const denied = (status: number): Reply => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${status}</Code></Error>`,
  contentType: "application/xml",
});

function serve(stored: Stored, clock: Clock): Reply {
  const { file, fault } = stored;
  stored.downloads += 1;
  const contentType = file.format === "csv" ? "text/csv" : "application/json";
  switch (fault?.kind) {
    case "status":
      return denied(fault.status);
    case "page":
      return { status: 200, body: "<!DOCTYPE html><p>Sign in.</p>", contentType: fault.type ?? contentType };
    case "redirect":
      return { status: fault.status ?? 302, headers: { location: fault.to } };
    default:
      return { status: 200, send: (response, closing) => send(stored, contentType, response, clock, closing) };
  }
}

/** Writes the file no faster than it is read, as its fault has it. */
async function send(
  stored: Stored,
  contentType: string,
  response: ServerResponse,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
  const { file, fault } = stored;
  const gone = untilGone(response, closing);
  const { content, gzip, framing = "length" } = file;
  const whole = typeof content === "function" || fault?.kind === "endless" ? undefined : packed(content, gzip);
  if (framing === "close") {
    // Neither a length nor chunks: the end of the line is the end of the file.
    response.removeHeader("transfer-encoding");
    response.shouldKeepAlive = false;
  }
  response.writeHead(200, {
    "content-type": contentType,
    ...(gzip === "transfer" ? { "content-encoding": "gzip" } : {}),
    ...(whole !== undefined && framing === "length" ? { "content-length": whole.length } : {}),
    ...file.headers,
  });
  response.flushHeaders();

  const breaksOff = fault?.kind === "cut" || fault?.kind === "stall";
  let left = breaksOff ? fault.afterBytes : Infinity;
  const pieces = whole === undefined ? streamed(file, fault) : [whole];
  for await (const piece of slices(pieces, fault?.kind === "slow" ? fault.pieceBytes : 65_536)) {
    if (left === 0) break;
    if (fault?.kind === "slow") await clock.sleep(fault.waitMs, closing);
    if (response.destroyed || closing.aborted) return;
    const part = piece.subarray(0, left);
    left -= part.length;
    stored.sentBytes += part.length;
    await Promise.race([gone, new Promise<void>((resolve) => response.write(part, () => resolve()))]);
    // On Node 24 a write to a line that was just closed ends at once, and nobody would ever hear of the close.
    await nextTurn();
  }
  if (fault?.kind === "stall") await gone;
  if (breaksOff) response.destroy();
  else response.end();
}

function packed(content: string | Buffer, gzip: ExtractFile["gzip"]): Buffer {
  return gzip === undefined ? Buffer.from(content) : gzipSync(content);
}

function streamed({ content, gzip }: ExtractFile, fault: ExtractFault | undefined): AsyncIterable<Buffer> {
  const pieces = function* (): Generator<Buffer> {
    do {
      if (typeof content === "function") for (const piece of content()) yield Buffer.from(piece);
      // Many at once: a write of a few bytes returns before any other event has had its turn.
      else yield Buffer.concat(Array<Buffer>(1_000).fill(Buffer.from(content)));
    } while (fault?.kind === "endless");
  };
  const stream = Readable.from(pieces());
  return gzip === undefined ? stream : stream.pipe(createGzip());
}

async function* slices(pieces: AsyncIterable<Buffer> | Iterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += bytes) yield piece.subarray(at, at + bytes);
  }
}
