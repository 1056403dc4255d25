/**
 * Receives one body, with limits for its bytes (packed and unpacked) and its time, and scans it while it arrives. It
 * stays packed until its sender is known, so that a small packed body cannot fill the memory.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { MAX_DEPTH, type CutList, type JsonScan } from "../../src/http/guards/json-scan";
import { parseJson } from "../../src/json";
import { RETRY, SMALLER } from "../flow-control";
import { HttpError, refuse } from "../http-error";
import type { Turns } from "./turns";
import type { BodyPlace } from "./room";

const KB = 1024;
const MB = KB * KB;

/** Of one object or list; parsing one with a million names takes a second, during which nothing else is answered. */
export const MAX_MEMBERS = 100_000;
/** Overhead of a piece beside its bytes: a sender may make thousands of pieces of one byte. */
const PIECE_COST_BYTES = 256;
/** This much may be unpacked whatever the packed size was. */
const FREE_BYTES = 128 * KB;

/** Supported encodings and how to decode them: piece by piece for the scan, at once for the final text. */
const PACKINGS = {
  gzip: { stream: zlib.createGunzip, whole: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip) },
  deflate: { stream: zlib.createInflate, whole: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate) },
  br: {
    stream: zlib.createBrotliDecompress,
    whole: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  },
} as const;

interface ReadOptions {
  /** Limit of the unpacked size. It may rise when the sender becomes known. */
  readonly maxBytes: () => number;
  /** What the limit may rise to. */
  readonly mostBytes: number;
  /** How many times its packed size a body may unpack to, at every point of the reading. It may rise as well. */
  readonly maxRatio: () => number;
  /** Last sentence of the error: what to do about a body that is too large. */
  readonly smaller: string;
  readonly scan: JsonScan;
  readonly place: BodyPlace;
  /** Time from now until the last byte, milliseconds. */
  readonly withinMs: number;
  /** The sender's turns at being scanned, piece by piece; undefined for a sender that everybody else waits for. */
  readonly turns?: () => Turns | undefined;
  /** Called after each scanned piece. */
  readonly onScanned?: () => void;
  /** Ends the reading when it aborts, with its reason. */
  readonly signal: AbortSignal;
}

interface ReceivedBody {
  /** Unpacked. */
  readonly bytes: number;
  /** @throws HttpError when there is no room for it */
  json(): Promise<unknown>;
}

/** @throws HttpError that says what is wrong with the body and what to do; the rest of the body is discarded */
export async function receive(request: IncomingMessage, options: ReadOptions): Promise<ReceivedBody> {
  const { scan, place, maxBytes } = options;
  const packing = packingOf(request);
  const announced = Number(request.headers["content-length"] ?? 0);
  const sizeBeyond = (most: number): HttpError =>
    tooMuch(`The body is larger than ${most / MB} MB; ${options.smaller}.`);
  if (announced > options.mostBytes) throw sizeBeyond(options.mostBytes);
  const pieces: Buffer[] = [];
  let packedBytes = 0;
  let bytes = 0;

  /** @param unpacked bytes received so far, this piece included */
  const look = (piece: Buffer, unpacked = Infinity): void => {
    bytes += piece.length;
    if (bytes > maxBytes()) throw sizeBeyond(maxBytes());
    const ratio = options.maxRatio();
    if (bytes > FREE_BYTES && bytes > ratio * unpacked) {
      const message = `The body unpacks to more than ${ratio} times its size; send less at a time, or send it unpacked.`;
      throw new HttpError(413, "too_packed", message, SMALLER);
    }
    switch (scan.push(piece)) {
      case "too_deep":
        throw refuse(400, "too_deep", `The body nests deeper than ${MAX_DEPTH} levels; send attributes flat.`);
      case "too_many_values":
        throw tooMuch(`The body holds too many values; ${options.smaller}.`);
      case "too_many_members":
        throw tooMuch(`One object or list of the body holds more than ${MAX_MEMBERS} values; send less in one.`);
    }
    options.onScanned?.();
  };
  const take = (piece: Buffer): void => {
    packedBytes += piece.length;
    place.grow(piece.length + PIECE_COST_BYTES);
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

/** Passes the pieces on as they come, and ends with the last one, or at the first error. */
function pump(
  request: IncomingMessage,
  unpacker: zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress | undefined,
  on: { readonly take: (piece: Buffer) => void; readonly look: (piece: Buffer, unpacked?: number) => void },
  { withinMs, signal, turns }: ReadOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(tooLong(withinMs)), withinMs);
    let stopped = false;
    let isComplete = false;
    /** Pieces that wait for their turn: a pause must not delay the report of the end. */
    let waiting = 0;
    const stop = (): void => {
      stopped = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      request.off("data", received).off("end", ended).off("error", broken).off("close", broken);
      unpacker?.removeAllListeners();
      // A destroyed stream may still emit an error.
      unpacker?.on("error", () => undefined).destroy();
      // The sender reads the answer only if it was allowed to send everything.
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
    /** The source brings no more until this piece had its turn. */
    const inTurn = (source: Readable, work: () => void): void => {
      const orderly = turns?.();
      if (orderly === undefined) {
        attempt(work);
        return;
      }
      source.pause();
      waiting += 1;
      orderly.take(() => {
        waiting -= 1;
        if (!stopped) attempt(work);
        source.resume();
        endWhenLookedOver();
      });
    };
    const received = (piece: Buffer): void =>
      attempt(() => {
        on.take(piece);
        if (unpacker === undefined) inTurn(request, () => on.look(piece));
        else if (!unpacker.write(piece)) request.pause();
      });
    const endWhenLookedOver = (): void => {
      if (!isComplete || waiting > 0 || stopped) return;
      stop();
      resolve();
    };
    const done = (): void => {
      isComplete = true;
      endWhenLookedOver();
    };
    const ended = (): void => {
      // From here on the end of this stream is the end of the request.
      request.off("close", broken);
      if (unpacker === undefined) done();
      else unpacker.end();
    };
    const broken = (): void => fail(new HttpError(400, "aborted", "The body ended early; send it again.", RETRY));
    const abort = (): void => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    unpacker
      ?.on("data", (piece: Buffer) => {
        const { bytesWritten } = unpacker;
        inTurn(unpacker, () => on.look(piece, bytesWritten));
      })
      .on("drain", () => request.resume())
      .on("end", done)
      .on("error", () => fail(refuse(400, "unreadable", "The body could not be read; send it again.")));
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

async function parse(bytes: Buffer, { list }: JsonScan): Promise<unknown> {
  // What is missing is named later.
  if (bytes.length === 0) return {};
  const value = await jsonIn(bytes, list);
  if (typeof value !== "object" || value === null) throw notJson();
  return value;
}

/** Without the byte order mark, which has no meaning here. */
async function jsonIn(bytes: Buffer, list: CutList | undefined): Promise<unknown> {
  try {
    if (list === undefined) return parseJson(new TextDecoder().decode(bytes));
    return await parseInPieces(bytes, list);
  } catch {
    throw notJson();
  }
}

/** Same result as `JSON.parse` of the whole, but the list is parsed in pieces, and others are served in between. */
async function parseInPieces(bytes: Buffer, { name, cuts }: CutList): Promise<unknown> {
  const pieces: unknown[][] = [];
  for (const [at, from] of cuts.slice(0, -1).entries()) {
    await setImmediate();
    const piece = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(from + 1, cuts[at + 1]));
    const elements = parseJson(`[${piece}]`) as unknown[];
    // A trailing comma.
    if (elements.length === 0) throw notJson();
    pieces.push(elements);
  }
  await setImmediate();
  const [begin = 0, end = 0] = [cuts[0], cuts.at(-1)];
  const around = Buffer.concat([bytes.subarray(0, begin + 1), bytes.subarray(end)]);
  const whole = parseJson(new TextDecoder().decode(around)) as Record<string, unknown>;
  return { ...whole, [name]: pieces.flat() };
}

function tooMuch(message: string): HttpError {
  return new HttpError(413, "too_large", message, SMALLER);
}

function tooLong(withinMs: number): HttpError {
  const message = `The body did not arrive within ${withinMs / 1_000} s; send it again, or less at a time.`;
  return new HttpError(408, "too_slow", message, RETRY, [], { connection: "close" });
}

function notJson(): HttpError {
  return refuse(400, "malformed_json", "The body is not JSON; post a JSON object.");
}

function unsupported(): HttpError {
  return refuse(400, "unsupported_encoding", "Send UTF-8 JSON, plain or gzip.");
}
