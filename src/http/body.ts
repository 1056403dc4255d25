// What is sent and what comes back: bodies as text, JSON where they are JSON.
import { parseJson } from "../json";
import { nestsTooDeep } from "./guards/json-scan";
import type { ResponseHeaders } from "./server-wait";

/** UTF-8, without a byte order mark. */
const decoder = new TextDecoder();

export function decode(bytes: Buffer): string {
  return decoder.decode(bytes);
}

/** `JSON.stringify` returns undefined for functions and the like: such a body is a bug of ours. */
export function serialise(body: unknown, call: string): string {
  const text = JSON.stringify(body) as string | undefined;
  if (text === undefined) throw new TypeError(`The body of ${call} is not a JSON value.`);
  return text;
}

type ParsedBody = { readonly body: unknown } | { readonly unusable: "truncated" | "too_deep" };

/** Text first, JSON second: error pages come as plain text, and some servers label JSON as text. */
export function parseBody(text: string, headers: ResponseHeaders): ParsedBody {
  if (text.trim() === "") return { body: undefined };
  const claimsJson = /\bjson\b/i.test(headers["content-type"] ?? "");
  if (nestsTooDeep(text)) return claimsJson ? { unusable: "too_deep" } : { body: text };
  try {
    return { body: parseJson(text) };
  } catch {
    return claimsJson ? { unusable: "truncated" } : { body: text };
  }
}
