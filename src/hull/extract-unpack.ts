// Gzip or plain: the bytes tell. A link to a .gz file names no content-encoding, and a proxy may have unpacked what
// the header still calls packed.
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The first of gzip's two magic bytes (RFC 1952). No text starts with it, and neither does a byte order mark. */
const GZIP = 0x1f;

/** The stream itself, or what gzip makes of it. Fails with the stream. */
export async function unpack(stream: Readable): Promise<Readable> {
  if ((await firstByte(stream)) !== GZIP) return stream;
  // The end is reported to whoever reads the unpacked side.
  return pipeline(stream, createGunzip({ chunkSize: 65_536 }), () => undefined);
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
