import type { IncomingMessage, ServerResponse } from "node:http";
import { isObject, type Reply } from "./call";

/** The body of a request exceeded the limit. */
export class BodyTooLarge extends Error {}

/** Reads a body to its end. Throws BodyTooLarge beyond `limitBytes`, after draining the rest. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = chunk as Buffer;
    bytes += buffer.length;
    // Read on after the limit, or the caller gets a broken pipe instead of the answer.
    if (bytes <= limitBytes) chunks.push(buffer);
  }
  if (bytes > limitBytes) throw new BodyTooLarge(`The body has ${bytes} bytes, the limit is ${limitBytes}.`);
  if (bytes === 0) return undefined;
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const DIGITS = "\u0001digits:";

/** JSON in which a bigint stands as the number that it is, however many digits it has. */
export function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // A bigint, since nothing that simulators hold has a cycle.
    if (!(error instanceof TypeError)) throw error;
    const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${DIGITS}${part}` : part));
    return text.replace(/"\\u0001digits:(-?\d+)"/g, "$1");
  }
}

function payloadOf(reply: Reply): { readonly payload: Buffer; readonly contentType: string } {
  if (reply.body === undefined) return { payload: Buffer.alloc(0), contentType: reply.contentType ?? "text/plain" };
  if (typeof reply.body === "string") {
    return { payload: Buffer.from(reply.body), contentType: reply.contentType ?? "text/plain; charset=utf-8" };
  }
  return {
    payload: Buffer.from(jsonOf(reply.body)),
    contentType: reply.contentType ?? "application/json; charset=utf-8",
  };
}

/** Writes an answer and resolves when it has left, or when the caller has gone. */
export function sendReply(response: ServerResponse, reply: Reply): Promise<void> {
  const { payload, contentType } = payloadOf(reply);
  return new Promise((resolve) => {
    if (response.destroyed || response.socket?.destroyed !== false) {
      resolve();
      return;
    }
    response.once("finish", resolve);
    response.once("close", resolve);
    response.writeHead(reply.status, {
      ...(payload.length > 0 ? { "content-type": contentType } : {}),
      ...(reply.status === 204 ? {} : { "content-length": payload.length }),
      ...reply.headers,
    });
    response.end(payload);
  });
}

/** Announces the whole body, writes half of it and cuts the line. */
export function sendTruncated(response: ServerResponse, reply: Reply): Promise<void> {
  const { payload, contentType } = payloadOf(reply);
  return new Promise((resolve) => {
    response.once("close", resolve);
    response.writeHead(reply.status, { "content-type": contentType, "content-length": payload.length + 2 });
    response.write(payload.subarray(0, Math.ceil(payload.length / 2)), () => response.destroy());
  });
}

/** A successful answer of a shape that nobody promised. */
export function misshape(reply: Reply, form: "object" | "html" | "no-arrays"): Reply {
  if (form === "html") return { status: 200, body: "<html><body>OK</body></html>", contentType: "text/html" };
  if (form === "no-arrays" && isObject(reply.body)) {
    return {
      ...reply,
      body: Object.fromEntries(Object.entries(reply.body).filter(([, value]) => !Array.isArray(value))),
    };
  }
  return { status: 200, body: { message: "OK" } };
}
