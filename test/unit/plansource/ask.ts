/** Calls an operation as the server does: input is read by its schemas, then it runs, then it says what it touched. */
import type { z } from "zod";
import { explainInput } from "../../../src/input";
import { OperationError, type Operation, type OperationAnswer, type Touched } from "../../../src/services/operations";
import { plansourceOperations } from "../../../src/services/plansource/operations";
import type { PlanSourceSettings } from "../../../src/services/plansource/settings/settings";
import type { OpenApi } from "./open-api";

type Bag = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly parameters?: Bag;
  readonly query?: Bag;
  readonly body?: unknown;
  /** Settings of the connector that asks. */
  readonly settings?: Bag;
}

export interface Heard {
  /** What a caller sees: 200 unless the operation says otherwise. */
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Code, message and fields of a refusal. */
  readonly code?: string;
  readonly message?: string;
  readonly fields?: readonly string[];
  readonly audited?: { readonly method: string; readonly path: string } | undefined;
  readonly confirm?: string | undefined;
  readonly touched: readonly Touched[];
}

export function operationsOf({ shared, budgets, http }: OpenApi, answerWithinMs = 20_000) {
  return plansourceOperations({ shared, budgets, http, answerWithinMs });
}

function operation(opened: OpenApi, id: string): Operation<PlanSourceSettings> {
  const found = operationsOf(opened).find((each) => each.id === id);
  if (found === undefined) throw new Error(`There is no operation ${id}.`);
  return found;
}

class BadInput extends Error {
  constructor(
    readonly code: string,
    readonly issues: readonly z.core.$ZodIssue[],
    readonly words: Parameters<typeof explainInput>[0],
  ) {
    super();
  }
}

function read(
  part: { readonly schema: z.ZodType; readonly words: Parameters<typeof explainInput>[0] } | undefined,
  given: unknown,
): unknown {
  if (part === undefined) return undefined;
  const parsed = part.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new BadInput(part.words.code, parsed.error.issues, part.words);
}

export async function ask(opened: OpenApi, id: string, asked: Asked = {}): Promise<Heard> {
  const declared = operation(opened, id);
  const asker = opened.asker(asked.settings);
  try {
    const words = { code: "invalid_query", problem: "The query cannot be read", remedies: {} };
    const input = {
      parameters: read(declared.parameters, asked.parameters),
      query: read(declared.query && { schema: declared.query.schema, words }, asked.query ?? {}),
      body: read(declared.body, asked.body),
    };
    const facts = { audited: declared.audited?.(input), confirm: declared.confirm?.value(input) };
    let answer: OperationAnswer | undefined;
    try {
      answer = await declared.run(asker, input);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const touched = error.mayHaveActed ? (declared.remembers?.(input, undefined, asker) ?? []) : [];
      return { ...facts, ...refused(error), touched };
    }
    const touched = declared.remembers?.(input, answer, asker) ?? [];
    return { ...facts, status: answer.status ?? 200, body: answer.body, headers: answer.headers ?? {}, touched };
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const { message, details } = explainInput(error.words, error.issues);
    const fields = details.map(({ path }) => path);
    return { status: 400, body: undefined, headers: {}, code: error.code, message, fields, touched: [] };
  }
}

function refused({ status, code, message, details, headers }: OperationError): Omit<Heard, "touched"> {
  return { status, body: undefined, headers, code, message, fields: details.map(({ path }) => path) };
}
