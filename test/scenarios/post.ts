/** A POST of exactly the given bytes and header lines, and the answer as it came. */
import { request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** The body as an object; empty when it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface PostOptions {
  readonly method?: string;
  /** A list stands for the same header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** @param body sent as it is when it is text or bytes, else as JSON; undefined sends none */
export function post(url: string, body: unknown, options: PostOptions = {}): Promise<Answer> {
  const payload =
    body === undefined ? undefined : typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const length = payload === undefined ? 0 : Buffer.byteLength(payload);
  const headers = Object.entries({
    "content-type": "application/json",
    "content-length": String(length),
    ...options.headers,
  });
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: options.method ?? "POST", agent: false, headers: Object.fromEntries(headers) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers["content-type"] ?? "",
            text,
            body: objectIn(text),
          });
        });
      },
    );
    call.on("error", reject);
    call.end(payload);
  });
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
