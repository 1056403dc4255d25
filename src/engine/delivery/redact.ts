/** A service's words about a request may quote what was sent; they go into outcomes, log lines and dead letters. */
import { createRedactor } from "../../http/guards/redact";
import type { Json } from "../../record";
import type { Applied, Intent } from "../../services/connection";
import type { TypeContext } from "./work";

/** The answer without the write-only values of its requests; values of up to three characters stay. */
export function redactAnswer({ specOf }: TypeContext, intents: readonly Intent[], applied: Applied): Applied {
  const secrets = intents.flatMap(({ fields }) =>
    Object.entries(fields).flatMap(([field, value]) => (specOf(field).writeOnly === true ? wordsIn(value) : [])),
  );
  if (secrets.length === 0) return applied;
  const { text } = createRedactor(secrets);
  const masked = <T extends object>(part: T): T =>
    "message" in part && typeof part.message === "string" ? { ...part, message: text(part.message) } : part;
  const { results, problem } = applied;
  return { results: results.map(masked), problem: problem && masked(problem) };
}

function wordsIn(value: Json): readonly string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap((each: Json) => wordsIn(each));
  return value === null || typeof value === "boolean" ? [] : [String(value)];
}
