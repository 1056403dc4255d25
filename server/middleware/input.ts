/** Reads the input of a request with zod: every problem is named with its remedy, and values are never repeated. */
import type { z } from "zod";
import { explainInput, type InputProblem, type InputWords } from "../../src/input";
import { refuse, type HttpError } from "../http-error";

/** @throws HttpError 400 that names every bad field and what to do about it */
export function readInput<T>(schema: z.ZodType<T>, input: unknown, words: InputWords): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw badInput(words, parsed.error.issues);
}

/** The error for input with problems in these fields. */
export function badInput(words: InputWords, problems: readonly InputProblem[]): HttpError {
  const { message, details } = explainInput(words, problems);
  return refuse(400, words.code, message, { details });
}
