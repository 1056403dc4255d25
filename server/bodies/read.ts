/**
 * Receives one body: at most so many bytes, packed and unpacked, in so much time, and looked over while it comes. What is
 * packed stays packed until its sender is known, so that a small body cannot fill the memory.
 */
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { MAX_DEPTH, type JsonScan } from "../../src/http/json-scan";
import { parseJson } from "../../src/json";
import { RETRY, RETRY_LATER, SMALLER } from "../flow-control";
import { HttpError } from "../http-error";
import type { BodyPlace } from "./room";

const MB = 1024 * 1024;

/** As much may be unpacked whatever it was packed to. */
const FREE_BYTES = MB;

/** What can be packed, and how it is undone: piece by piece to look at it, at once to have it. */
const PACKINGS = {
  gzip: { stream: zlib.createGunzip, whole: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip) },
  deflate: { stream: zlib.createInflate, whole: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate) },
  br: {
    stream: zlib.createBrotliDecompress,
    whole: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  },
} as const;

export interface ReadOptions {
  /** Unpacked. It may rise when the sender becomes known. */
  readonly maxBytes: () => number;
  /** What it may rise to. */
  readonly mostBytes: number;
  /** How many times its size a packed body may unpack to. */
  readonly maxRatio: number;
  /** Ends a sentence: what to do about a body that is too large. */
  readonly smaller: string;
  readonly scan: JsonScan;
  readonly place: BodyPlace;
  /** From now until the last byte, milliseconds. */
  readonly withinMs: number;
  /** Called after each piece that was looked over. */
  readonly onScanned?: () => void;
  /** Ends the reading when it aborts, with its reason. */
  readonly signal: AbortSignal;
}

export interface ReceivedBody {
  /** Unpacked. */
  readonly bytes: number;
  /** @throws HttpError when there is no room for it */
  json(): Promise<unknown>;
}

/** @throws HttpError that says what is wrong with the body and what to do; what was not read yet is discarded */
export async function receive(request: IncomingMessage, options: ReadOptions): Promise<ReceivedBody> {
  const { scan, place, maxBytes } = options;
  const packing = packingOf(request);
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > options.mostBytes) throw tooLarge(options.mostBytes, options.smaller);
  const pieces: Buffer[] = [];
  let packedBytes = 0;
  let bytes = 0;

  const look = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > maxBytes()) throw tooLarge(maxBytes(), options.smaller);
    if (packing !== undefined && bytes > FREE_BYTES && bytes > options.maxRatio * packedBytes) {
      throw tooPacked(options.maxRatio);
    }
    const problem = scan.push(piece);
    if (problem === "too_deep") throw tooDeep();
    if (problem === "too_many_values") throw tooManyValues();
    options.onScanned?.();
  };
  const take = (piece: Buffer): void => {
    packedBytes += piece.length;
    place.grow(piece.length);
    pieces.push(piece);
  };
  await pump(request, packing && PACKINGS[packing].stream(), { take, look }, options);

  return {
    bytes,
    json: async () => {
      const [first, ...others] = pieces;
      const received = others.length === 0 && first !== undefined ? first : Buffer.concat(pieces, packedBytes);
      pieces.length = 0;
      if (packing === undefined) return parse(received, scan);
      place.grow(bytes);
      return parse(await PACKINGS[packing].whole(received, { maxOutputLength: Math.max(1, bytes) }), scan);
    },
  };
}

/** Passes the pieces on as they come, and ends with the last one, or with the first thing that goes wrong. */
function pump(
  request: IncomingMessage,
  unpacker: zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress | undefined,
  on: { readonly take: (piece: Buffer) => void; readonly look: (piece: Buffer) => void },
  { withinMs, signal }: ReadOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(tooLong(withinMs)), withinMs);
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      request.off("data", received).off("end", ended).off("error", broken).off("close", broken);
      unpacker?.removeAllListeners();
      // A destroyed one may still report what it was about to.
      unpacker?.on("error", () => undefined).destroy();
      // The sender reads the answer only when it was allowed to send all.
      request.resume();
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error instanceof Error ? error : new Error("The body could not be read.", { cause: error }));
    };
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        fail(error);
      }
    };
    const received = (piece: Buffer): void =>
      attempt(() => {
        on.take(piece);
        if (unpacker === undefined) on.look(piece);
        else if (!unpacker.write(piece)) request.pause();
      });
    const done = (): void => {
      stop();
      resolve();
    };
    const ended = (): void => {
      // From here on its end is that of the request.
      request.off("close", broken);
      if (unpacker === undefined) done();
      else unpacker.end();
    };
    const broken = (): void => fail(new HttpError(400, "aborted", "The body ended early; send it again.", RETRY));
    const abort = (): void => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    unpacker
      ?.on("data", (piece: Buffer) => attempt(() => on.look(piece)))
      .on("drain", () => request.resume())
      .on("end", done)
      .on("error", () => fail(unreadable()));
    request.on("data", received).on("end", ended).on("error", broken).on("close", broken);
    if (signal.aborted) abort();
  });
}

function packingOf({ headers }: IncomingMessage): keyof typeof PACKINGS | undefined {
  const charset = /;\s*charset\s*=\s*"?([\w-]+)/i.exec((headers["content-type"] ?? "").slice(0, 500))?.[1];
  if (charset !== undefined && !["utf-8", "utf8", "us-ascii"].includes(charset.toLowerCase())) throw unsupported();
  const encoding = (headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity") return undefined;
  if (encoding === "gzip" || encoding === "deflate" || encoding === "br") return encoding;
  throw unsupported();
}

const OPENINGS: readonly (number | undefined)[] = [0x7b, 0x5b];
/** A byte order mark, which begins no JSON and means none. */
const MARK = 0xef;

function parse(bytes: Buffer, { opening }: JsonScan): unknown {
  // Its fields are what is missing.
  if (bytes.length === 0) return {};
  try {
    if (opening !== MARK && !OPENINGS.includes(opening)) throw notJson();
    return parseJson(new TextDecoder().decode(bytes));
  } catch {
    throw notJson();
  }
}

function tooLarge(maxBytes: number, smaller: string): HttpError {
  return new HttpError(413, "too_large", `The body is larger than ${maxBytes / MB} MB; ${smaller}.`, SMALLER);
}

function tooPacked(maxRatio: number): HttpError {
  const message = `The body unpacks to more than ${maxRatio} times its size; send less at a time, or send it unpacked.`;
  return new HttpError(413, "too_packed", message, SMALLER);
}

function tooManyValues(): HttpError {
  const message =
    "The body holds more values than fit into one; send less at a time, such as fewer messages per shipment.";
  return new HttpError(413, "too_large", message, SMALLER);
}

function tooLong(withinMs: number): HttpError {
  const message = `The body did not arrive within ${withinMs / 1_000} s; send it again, or less at a time.`;
  return new HttpError(408, "too_slow", message, RETRY, [], { connection: "close" });
}

function tooDeep(): HttpError {
  const message = `The body nests deeper than ${MAX_DEPTH} levels; send attributes flat.`;
  return new HttpError(400, "too_deep", message, RETRY_LATER);
}

function notJson(): HttpError {
  return new HttpError(400, "malformed_json", "The body is not JSON; post a JSON object.", RETRY_LATER);
}

function unsupported(): HttpError {
  return new HttpError(400, "unsupported_encoding", "Send UTF-8 JSON, plain or gzip.", RETRY_LATER);
}

function unreadable(): HttpError {
  return new HttpError(400, "unreadable", "The body could not be read; send it again.", RETRY_LATER);
}
