/**
 * What of PlanSource's answers may be seen in errors and logs: its words about a failure, without the values that are
 * only ever written. Answers hold salaries, health and social security numbers, so nothing else of them is shown.
 */
import type { HttpRequest } from "../../../http/client";
import { createRedactor, REDACTED } from "../../../http/guards/redact";
import { readDay } from "../../../instant";
import { formOf } from "../../../outcome/outcome";
import { fieldSpec, SUBSCRIBERS } from "../objects";
import { isObject } from "../../../json";
import { problemsIn } from "./envelope";

/** Characters of all words together: an error's excerpt holds them whole. */
const MAX_WORDS = 1_500;
/** Characters around the words of one error, when it is printed. */
const AROUND_WORDS = 40;
/** A longer text without a structure is nobody's words. */
const MAX_TEXT = 500;
const MAX_DEPTH = 8;

/** A social security number, of whomever. */
const SSN = /\b\d{3}-?\d{2}-?\d{4}\b/g;

/** @param request what was answered: values that it sent may come back in a sentence */
export function visibleAnswer(answer: unknown, request: Pick<HttpRequest, "body">): unknown {
  const redactor = createRedactor(writeOnlyIn(request.body));
  const safe = (text: string): string => redactor.opening(text.replaceAll(SSN, REDACTED), MAX_WORDS);
  if (typeof answer === "string") {
    return answer.length > MAX_TEXT || /^\s*[<[{]/.test(answer) ? `(${formOf(answer)})` : safe(answer);
  }
  if (!isObject(answer)) return answer === undefined ? undefined : `(${formOf(answer)})`;
  let room = MAX_WORDS;
  const errors = [];
  for (const { message, code } of problemsIn(answer)) {
    const words = safe(message);
    room -= words.length + code.length + AROUND_WORDS;
    if (room < 0 && errors.length > 0) break;
    errors.push({ message: words, error_code: safe(code) });
  }
  return { errors };
}

/** The write-only values in what is sent, wherever they stand, in every spelling that may come back. */
function writeOnlyIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return [];
  const inside = Object.values(value).flatMap((each) => writeOnlyIn(each, depth + 1));
  if (Array.isArray(value)) return inside;
  const own = Object.entries(value).flatMap(([name, held]: [string, unknown]) => {
    if (fieldSpec(SUBSCRIBERS.name, name.toLowerCase()).writeOnly !== true) return [];
    if (typeof held !== "string" && typeof held !== "number") return [];
    const text = String(held).trim();
    return name.toLowerCase() === "ssn" ? [text, text.replaceAll(/\D/g, "")] : spellingsOf(text);
  });
  return [...own, ...inside];
}

/** As it was sent, and as PlanSource may write it: a number in its digits, a day in each of its forms. */
function spellingsOf(text: string): readonly string[] {
  const day = readDay(text);
  if (day !== undefined) {
    const [year = "", month = "", date = ""] = day.split("-");
    return [text, day, `${year}/${month}/${date}`, `${month}/${date}/${year}`];
  }
  return /^-?\d{4,15}(?:\.\d+)?$/.test(text) ? [text, grouped(text)] : [text];
}

/** `71717.71` → `71,717.71`. */
function grouped(text: string): string {
  const [whole = "", ...decimals] = text.split(".");
  return [BigInt(whole).toLocaleString("en-US"), ...decimals].join(".");
}
