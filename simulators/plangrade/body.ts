/** The body of a request: a form, or a flat object as JSON (sheet 3). */
import { isObject, type Call } from "../loopback/call";
import type { PlangradeSwitches } from "./switches";

/** What a body sends, by name. A blank is an empty text; what is not there was not sent. */
export type Fields = ReadonlyMap<string, string>;

const FORM = /^application\/x-www-form-urlencoded\b/;
const JSON_TYPE = /^application\/json\b/;

/** The fields of a form, whatever is allowed elsewhere; of another body none. */
export function readForm({ headers, body }: Pick<Call, "headers" | "body">): Fields {
  const isForm = FORM.test(headers["content-type"] ?? "");
  return new Map(new URLSearchParams(isForm && typeof body === "string" ? body : ""));
}

/** The fields of a body; undefined when it is malformed. A body of a kind that is not understood has none. */
export function readFields(
  call: Pick<Call, "headers" | "body">,
  { bodies }: Readonly<PlangradeSwitches>,
): Fields | undefined {
  const contentType = call.headers["content-type"] ?? "";
  if (FORM.test(contentType)) return bodies === "json" ? new Map() : readForm(call);
  if (!JSON_TYPE.test(contentType) || bodies === "form") return new Map();
  if (call.body === undefined) return new Map();
  if (!isObject(call.body)) return undefined;
  const entries = Object.entries(call.body).map(([name, value]) => [name, textOf(value)] as const);
  const texts = entries.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
  return texts.length === entries.length ? new Map(texts) : undefined;
}

function textOf(value: unknown): string | undefined {
  if (value === null) return "";
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
