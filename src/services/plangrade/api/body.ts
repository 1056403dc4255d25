/** Bodies of requests: forms, as the only known client wrote them, or JSON where the settings want it. Pure. */
import type { Json } from "../../../record";

export type Fields = Readonly<Record<string, Json>>;

export interface Body {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @returns in a form, an empty text stands for null as well: a form knows no other */
export function bodyOf(fields: Fields, format: "form" | "json"): Body {
  if (format === "json") return { body: JSON.stringify(fields), headers: { "content-type": "application/json" } };
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    const isNested = typeof value === "object" && value !== null;
    form.append(name, isNested ? JSON.stringify(value) : String(value ?? ""));
  }
  return { body: form.toString(), headers: { "content-type": "application/x-www-form-urlencoded" } };
}
