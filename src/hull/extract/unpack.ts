// Gzip or plain: the bytes decide. A link to a .gz file has no content-encoding, and a proxy may have unpacked what
// the header still calls packed.
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Fail } from "./error";

/** The first of gzip's two magic bytes (RFC 1952). No text starts with it, nor does a byte order mark. */
const GZIP = 0x1f;

/** Less than that is read whatever its packed size was. */
const FREE_BYTES = 100_000_000;
/** Gzip reaches about 1,000; files of people with hundreds of empty columns reach a tenth of this. */
const MAX_RATIO = 500;

/**
 * The stream itself, or its unpacked content. Fails with the stream, and with what `fail` makes of a file that is packed
 * in a way that no extract is.
 *
 * @param layers how often it may be packed
 * @returns `check` is called with how many bytes came out so far, and throws when they are too many for the packed ones
 */
export async function unpack(stream: Readable, layers: number, fail: Fail) {
  let body = stream;
  let packed: { readonly bytesWritten: number } | undefined;
  for (let layer = 0; (await firstByte(body)) === GZIP; layer += 1) {
    if (layer === layers) {
      const what = "it is packed with gzip twice. Pack it once, and send the batch again.";
      throw fail({ kind: "not_an_extract", what });
    }
    const gunzip = createGunzip({ chunkSize: 65_536 });
    // The end is reported to whoever reads the unpacked side.
    body = pipeline(body, gunzip, () => undefined);
    packed ??= gunzip;
  }
  const check = (bytes: number): void => {
    if (packed === undefined || bytes <= FREE_BYTES || bytes <= MAX_RATIO * packed.bytesWritten) return;
    const what = `unpacked it is more than ${MAX_RATIO} times as large, which no list of people is. Send the batch from Hull again.`;
    throw fail({ kind: "too_large", what });
  };
  return { body, check };
}

/** Looks at the first byte and leaves it in the stream; `undefined` when there is none. */
function firstByte(stream: Readable): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const chunk: unknown = stream.read();
      if (!Buffer.isBuffer(chunk)) return;
      stop();
      stream.unshift(chunk);
      resolve(chunk[0]);
    };
    const end = (): void => {
      stop();
      resolve(undefined);
    };
    const fail = (): void => {
      stop();
      reject(stream.errored ?? new Error("The connection closed."));
    };
    const stop = (): void => {
      stream.off("readable", look).off("end", end).off("error", fail).off("close", fail);
    };
    if (stream.readableEnded) end();
    else if (stream.destroyed) fail();
    else stream.on("readable", look).on("end", end).on("error", fail).on("close", fail);
  });
}
