/**
 * What of plangrade's answers may be seen in errors and logs: its words about a failure, without digits of social security
 * numbers. Answers hold people's data, so nothing else of them is shown.
 */
import type { HttpRequest } from "../../../http/client";
import { REDACTED } from "../../../http/guards/redact";
import { isObject, jsonIn } from "../../../json";
import { formOf } from "../../../outcome/outcome";
import { SSN } from "../objects";
import { problemsIn } from "./envelope";

/** A longer text without a structure is nobody's words. */
const MAX_TEXT = 500;
const MAX_PROBLEMS = 20;

/** A whole number, of whomever. */
const WHOLE = /\b\d{3}-?\d{2}-?\d{4}\b/g;

/** @param request what was answered: digits that it sent may come back in a sentence */
export function visibleAnswer(answer: unknown, request: Pick<HttpRequest, "body">): unknown {
  const sent = ssnIn(request.body);
  const safe = (text: string): string => {
    const plain = text.replaceAll(WHOLE, REDACTED);
    return sent === undefined ? plain : withoutSent(plain, sent);
  };
  if (typeof answer === "string") {
    return answer.length > MAX_TEXT || /^\s*[<[{]/.test(answer) ? { unread: formOf(answer) } : safe(answer);
  }
  if (answer === undefined) return undefined;
  const problems = problemsIn(answer);
  if (problems.length === 0) return { unread: formOf(answer) };
  return { errors: problems.slice(0, MAX_PROBLEMS).map((words) => safe(words.slice(0, MAX_TEXT))) };
}

/** Four digits occur by chance in longer numbers, so only a word of its own is one; everything else is searched as it is. */
function withoutSent(text: string, sent: string): string {
  if (!/^\d+$/.test(sent)) return text.replaceAll(sent, REDACTED);
  return text.replaceAll(new RegExp(`(?<!\\d)${sent}(?!\\d)`, "g"), REDACTED);
}

/** The value in a form or in JSON that is about to be sent. */
function ssnIn(body: unknown): string | undefined {
  if (typeof body !== "string") return undefined;
  const fields = jsonIn(body);
  const value = isObject(fields) ? fields[SSN] : new URLSearchParams(body).get(SSN);
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  return text.trim() === "" ? undefined : text.trim();
}
