/**
 * `/api/internal/templates…` of PlanningPME: its templates, exports and imports, with the stored credentials. Answers are
 * PlanningPME's own.
 */
import { z } from "zod";
import { parseInstant } from "../../instant";
import type { ConnectionOptions } from "../definition";
import { refusalsOf, served, within, withShortPauses, type CallWords, type ServiceWords } from "../interactive";
import { badInput, declare, type Asker, type Operation, type OperationRefusal } from "../operations";
import { createPlanningPmeClient, type Tokens } from "./api/client";
import { wordsIn } from "./api/envelope";
import { createRest, type Rest } from "./api/rest";
import { sinceText } from "./remote/since";
import { isTemplateName } from "./settings/address";
import type { PlanningPmeSettings } from "./settings/settings";

type Connected = Asker<PlanningPmeSettings>;

export interface OperationOptions extends ConnectionOptions {
  /** The same that deliveries use. */
  readonly tokens: Tokens;
  /** Somebody waits: the work for one request ends after this time, milliseconds. */
  readonly answerWithinMs: number;
}

const REFUSED = {
  401: "PlanningPME refuses the stored app key or token. Enter valid ones in the connector's settings.",
  403: "PlanningPME does not let the stored token do this. Check the rights of the user who issued it.",
} as const;

const PLANNINGPME: ServiceWords = {
  name: "planningpme",
  title: "PlanningPME",
  refused: (status) => REFUSED[status],
  wordsIn,
};

const UNKNOWN = { code: "template_not_found", thing: "template" } as const;
/** Of calls that name a template. */
const NAMED: CallWords = { missing: UNKNOWN };
const TAG = { name: "Templates", description: "PlanningPME's templates, with the stored credentials." };
const NOT_THERE: OperationRefusal = { status: 404, text: "PlanningPME has no such template", codes: [UNKNOWN.code] };
const REFUSALS = [...refusalsOf(PLANNINGPME), NOT_THERE];
const NAME = {
  schema: z.object({
    name: z
      .string()
      .refine(isTemplateName, "must be the name of a template, without slashes and signs such as ? and %")
      .meta({ description: "The name of a template, as the list shows it." }),
  }),
  words: {
    code: "invalid_template",
    problem: "The address names no template",
    remedies: { name: "Send the name of a template, as the list shows it." },
  },
  refused: "The path names no template",
};

const flag = z.boolean("must be true or false").default(false);
const importBody = z.strictObject(
  {
    simulate: flag,
    verbose: flag,
    stopOnError: flag,
    model: z
      .union([z.array(z.unknown()), z.record(z.string(), z.unknown())], "must be an object or a list")
      .meta({ description: "The rows, in the layout that the template wants; it is passed on as it is." }),
  },
  {
    error: ({ code }) =>
      code === "unrecognized_keys" ? "has fields that an import does not have" : "must be an object",
  },
);
const IMPORT_WORDS = {
  code: "invalid_import",
  problem: "The import cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with model and, if you like, simulate, verbose and stopOnError; nothing else.",
    model: "Send the rows, as a list or an object, as the template wants them.",
    simulate: "Send true or false.",
    verbose: "Send true or false.",
    stopOnError: "Send true or false.",
  },
};
const SINCE_WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: { since: "Send an instant such as 2025-01-31T12:00:00Z, or 20250131120000 as PlanningPME writes it." },
};
const LITERAL = /^\d{14}$/;

export function planningpmeOperations(options: OperationOptions): readonly Operation<PlanningPmeSettings>[] {
  const { tokens, budgets, answerWithinMs } = options;
  const http = withShortPauses(options.http);

  /** @param call what a 404 means */
  function asking<T>({ settings, target }: Connected, work: (rest: Rest) => Promise<T>, call?: CallWords): Promise<T> {
    const client = createPlanningPmeClient({ settings, target, tokens, budgets, http });
    const rest = createRest(client, "interactive", http.timeoutMs);
    return served(PLANNINGPME, () => within(client, answerWithinMs, () => work(rest)), call);
  }

  return [
    declare({
      id: "listTemplates",
      method: "GET",
      path: "/templates",
      tag: TAG,
      summary: "The installed templates",
      answer: {
        name: "Templates",
        schema: z.unknown(),
        description: "PlanningPME's list, unchanged.",
        example: [{ name: "client-import", type: "in" }],
      },
      refusals: refusalsOf(PLANNINGPME),
      run: async (asker) => ({ body: await asking(asker, (rest) => rest.describe()) }),
    }),
    declare({
      id: "exportTemplate",
      method: "GET",
      path: "/templates/{name}",
      tag: TAG,
      summary: "What an export template yields",
      parameters: NAME,
      query: {
        schema: z.object({
          since: z.string().optional().meta({
            description:
              "Only what was made or changed after it: an instant, written in the zone of the settings, or `yyyyMMddHHmmss` as it is. Everything when left out.",
          }),
        }),
        remedies: SINCE_WORDS.remedies,
      },
      answer: {
        name: "Export",
        schema: z.unknown(),
        description: "PlanningPME's rows, unchanged.",
        example: [{ Name: "Acme" }],
      },
      refusals: REFUSALS,
      run: async (asker, { parameters: { name }, query: { since } }) => {
        const text = sinceIn(since, asker.settings);
        return { body: await asking(asker, (rest) => rest.exported(name, text), NAMED) };
      },
    }),
    declare({
      id: "importTemplate",
      method: "POST",
      path: "/templates/{name}",
      tag: TAG,
      summary: "Imports rows, or simulates it",
      description:
        "A call without an answer may have imported all rows, some or none; importing them again has the same effect.",
      parameters: NAME,
      body: {
        name: "Import",
        schema: importBody,
        words: IMPORT_WORDS,
        refused: "The import cannot be sent; `details` names each bad field",
        example: { simulate: true, verbose: true, stopOnError: false, model: [{ ID: "ACME-1", Name: "Acme" }] },
        maxBytes: 10 * 1024 * 1024,
        smaller: "send fewer rows at a time",
      },
      answer: {
        name: "ImportReport",
        schema: z.unknown(),
        description: "PlanningPME's report, unchanged.",
        example: { inserted: 1 },
      },
      refusals: REFUSALS,
      // Nothing is marked: it could not be read, and whatever Hull changes next goes with the whole row.
      run: async (asker, { parameters: { name }, body: { model, ...how } }) => ({
        body: await asking(asker, (rest) => rest.import(name, model, how), NAMED),
      }),
    }),
  ];
}

/** @throws OperationError */
function sinceIn(since: string | undefined, { sinceZone }: PlanningPmeSettings): string | undefined {
  if (since === undefined || LITERAL.test(since)) return since;
  const atMs = parseInstant(since);
  if (atMs === undefined) throw badInput(SINCE_WORDS, [{ path: ["since"], message: "is no instant" }]);
  return sinceText(atMs, sinceZone, 0);
}
