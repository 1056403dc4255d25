/** Books, reset and faults: the calls that all simulators understand. */
import { z } from "zod";
import type { FaultRule, Faults } from "../loopback/faults";
import type { Call } from "./calls";

interface Controlled {
  readonly faults: Faults;
  readonly books: { snapshot(): unknown; reset(): void };
}

const filter = {
  route: z.string().optional().describe('"METHOD /route/template" as the books name it; left out: every route'),
  probability: z.number().min(0).max(1).optional().describe("from 0 to 1; left out: 1"),
  count: z.int().min(1).optional().describe("strikes so often, then never again; left out: without end"),
};
const headers = z.record(z.string(), z.string()).optional().describe('of the answer, such as {"Retry-After": "20"}');
const waitMs = z.number().min(0).describe("milliseconds");

/** Every kind of fault, with what it takes. */
const KINDS = {
  latency: z.strictObject({ kind: z.literal("latency"), min: waitMs, max: waitMs, ...filter }),
  status: z.strictObject({
    kind: z.literal("status"),
    status: z.int().min(200).max(599).describe("of the answer"),
    body: z.string().optional().describe("of the answer"),
    applied: z.boolean().optional().describe("true: the work is done anyway"),
    ...filter,
  }),
  "rate-limit": z.strictObject({ kind: z.literal("rate-limit"), headers, ...filter }),
  "reset-before": z.strictObject({ kind: z.literal("reset-before"), ...filter }),
  "reset-after": z.strictObject({ kind: z.literal("reset-after"), ...filter }),
  stall: z.strictObject({ kind: z.literal("stall"), ...filter }),
  "stall-after": z.strictObject({ kind: z.literal("stall-after"), ...filter }),
  truncate: z.strictObject({ kind: z.literal("truncate"), ...filter }),
  "wrong-shape": z.strictObject({
    kind: z.literal("wrong-shape"),
    form: z.enum(["object", "html", "no-arrays"]).optional().describe("object, html or no-arrays"),
    ...filter,
  }),
} satisfies { readonly [Kind in FaultRule["kind"]]: z.ZodType<Extract<FaultRule, { kind: Kind }>> };

const SAYS: { readonly [Kind in FaultRule["kind"]]: string } = {
  latency: "the work is done after a wait between min and max milliseconds",
  status: "an answer with this status, and nothing is done",
  "rate-limit": "a 429, and nothing is done",
  "reset-before": "the connection is reset, and nothing was done",
  "reset-after": "the work is done, then the connection is reset: the answer is lost",
  stall: "nothing is done, and nothing ever comes back",
  "stall-after": "the work is done, and nothing ever comes back",
  truncate: "the work is done, and the answer breaks off",
  "wrong-shape": "the work is done, and the answer is a 200 of another shape",
};

const isKind = (kind: unknown): kind is FaultRule["kind"] => typeof kind === "string" && Object.hasOwn(KINDS, kind);

/** @returns the rule, or a sentence that says what is wrong and what is allowed */
function readFault(input: unknown): FaultRule | string {
  const given = z.looseObject({ kind: z.unknown() }).safeParse(input);
  const kind = given.data?.kind;
  if (!isKind(kind)) {
    const problem = kind === undefined ? "A fault needs a kind" : `There is no kind of fault ${JSON.stringify(kind)}`;
    return `${problem}; there are ${Object.keys(KINDS).join(", ")}.`;
  }
  const read = KINDS[kind].safeParse(input);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the fault"}: ${message}`);
  return `${problems.join("; ")}. The kind ${kind} takes ${Object.keys(KINDS[kind].shape).join(", ")}.`;
}

function parametersOf(kind: FaultRule["kind"]): Readonly<Record<string, string>> {
  const own = Object.entries(KINDS[kind].shape).filter(([name]) => name !== "kind" && !Object.hasOwn(filter, name));
  return Object.fromEntries(own.map(([name, { description = "" }]) => [name, description]));
}

const described = (shape: z.ZodRawShape): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(shape).map(([name, type]) => [name, (type as z.ZodType).description ?? ""]));

export function faultAndBookCalls({ faults, books }: Controlled): readonly Call[] {
  const done = { status: 200, body: { ok: true } };
  return [
    {
      method: "GET",
      path: "/__sim/books",
      does: "What was asked of this simulator, and what became of it, since the last reset.",
      answer: () => ({ status: 200, body: books.snapshot() }),
    },
    {
      method: "POST",
      path: "/__sim/reset",
      does: "Empties the books and takes all faults away; records stay.",
      answer() {
        books.reset();
        faults.clear();
        return done;
      },
    },
    {
      method: "POST",
      path: "/__sim/faults",
      does: "Adds a fault: lets calls go wrong.",
      example: { kind: "rate-limit", headers: { "Retry-After": "20" }, count: 1 },
      takes: () => ({
        kind: Object.fromEntries(
          Object.entries(SAYS).map(([kind, does]) => [kind, isKind(kind) ? { does, ...parametersOf(kind) } : does]),
        ),
        ...described(filter),
      }),
      answer({ body }) {
        const rule = readFault(body);
        if (typeof rule === "string") return { status: 400, body: { error: rule } };
        faults.add(rule);
        return done;
      },
    },
    {
      method: "DELETE",
      path: "/__sim/faults",
      does: "Takes all faults away.",
      answer() {
        faults.clear();
        return done;
      },
    },
  ];
}
