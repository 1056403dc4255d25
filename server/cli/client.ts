/** Asks `/admin` as the tools do: over a connection to the running server, or to the tool's own process. */
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { z } from "zod";
import {
  anyDeadLetterAnswer,
  anyDeadLetterDetailAnswer,
  anyDeadLetterPage,
  connectorsAnswer,
  forgottenAnswer,
  readDeadLetter,
  readDeadLetterDetail,
} from "../admin/answer";
import { backupAnswer } from "../admin/backup";
import { ADMIN } from "../admin/route";
import { replayAnswer, replayPageAnswer } from "../routes/dead-letters/answer";

/** `after`: `next` of the previous answer. */
export type Filter = Readonly<Partial<Record<"tenant" | "type" | "code" | "after", string | undefined>>>;

export type AdminClient = ReturnType<typeof createAdminClient>;

const EARLY = "The connection ended early: the server starts or stops, or another tool is at work. Try again.";
const OTHER_VERSION = "The server's answer cannot be read; do the tool and the server have the same version?";

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** A path that this server does not know. */
const NO_SUCH_ROUTE = ["not_found", "method_not_allowed"];

/**
 * Everything rejects with a sentence for the person at the terminal. What asks for one thing resolves to undefined when
 * there is none.
 *
 * @param connect opens a connection for one request
 */
export function createAdminClient(connect: () => Duplex) {
  /** @param none the code that says that there is no such thing */
  async function ask<T extends z.ZodType>(schema: T, method: string, path: string, none?: string) {
    const { status, text } = await exchange(connect, method, `${ADMIN}${path}`);
    const body = parseJson(text);
    if (status === 200) {
      const parsed = schema.safeParse(body);
      if (parsed.success) return parsed.data;
      throw new Error(OTHER_VERSION, { cause: parsed.error });
    }
    const refused = refusal.safeParse(body);
    if (!refused.success || NO_SUCH_ROUTE.includes(refused.data.error.code)) throw new Error(OTHER_VERSION);
    const { code, message } = refused.data.error;
    if (code === none) return undefined;
    throw new Error(message);
  }

  /** As `ask`, about one dead letter. What cannot be an id is not asked for: it might be another path. */
  async function askOf<T extends z.ZodType>(schema: T, method: string, id: string, action = "") {
    if (!/^[0-9a-f]{12}$/.test(id)) return undefined;
    return ask(schema, method, `/dead-letters/${id}${action}`, "dead_letter_not_found");
  }

  /** As `ask`, where there always is an answer. */
  async function askAll<T extends z.ZodType>(schema: T, method: string, path: string): Promise<z.output<T>> {
    const answer = await ask(schema, method, path);
    if (answer === undefined) throw new Error(OTHER_VERSION);
    return answer;
  }

  return {
    listDeadLetters: async (query: Filter & { readonly limit: number }) => {
      const { dead_letters, next } = await askAll(anyDeadLetterPage, "GET", `/dead-letters?${queryOf(query)}`);
      return { deadLetters: dead_letters.map(readDeadLetter), next: next ?? undefined };
    },
    showDeadLetter: async (id: string) => {
      const shown = await askOf(anyDeadLetterDetailAnswer, "GET", id);
      return shown && { ...readDeadLetterDetail(shown), remedy: shown.remedy };
    },
    replayDeadLetter: (id: string) => askOf(replayAnswer, "POST", id, "/replay"),
    replayDeadLetters: async (filter: Filter) => {
      const { next, ...counts } = await askAll(replayPageAnswer, "POST", `/dead-letters/replay?${queryOf(filter)}`);
      return { ...counts, next: next ?? undefined };
    },
    dropDeadLetter: async (id: string) => {
      const shown = await askOf(anyDeadLetterAnswer, "DELETE", id);
      return shown && readDeadLetter(shown);
    },
    /** @param to an existing empty folder, absolute; removed when there is no backup */
    backUp: async (to: string) => {
      const { bytes, key_file: hasKey } = await askAll(backupAnswer, "POST", `/backup?${queryOf({ to })}`);
      return { bytes, hasKey };
    },
    listTenants: async () => {
      const { tenants } = await askAll(connectorsAnswer, "GET", "/tenants");
      return tenants
        .map(({ tenant, settings_at, remote, outbox, hull_updates: tells }) => {
          const settingsAtMs = settings_at === null ? 0 : Date.parse(settings_at);
          return { tenant, settingsAtMs, remote: remote ?? undefined, outbox, tells };
        })
        .sort((left, right) => (left.tenant < right.tenant ? -1 : 1));
    },
    /** Returns how many rows were erased; 0 when the tenant is not known. */
    forgetTenant: async (tenant: string) => {
      const path = `/tenants/${encodeURIComponent(tenant)}`;
      return (await ask(forgottenAnswer, "DELETE", path, "tenant_not_found"))?.rows ?? 0;
    },
  };
}

function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exchange(connect: () => Duplex, method: string, path: string): Promise<{ status?: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      // What is no HTTP comes from a server of another kind.
      const isOther = "code" in cause && String(cause.code).startsWith("HPE_");
      reject(new Error(isOther ? OTHER_VERSION : EARLY, { cause }));
    };
    const asking = request({ method, path, host: "localhost", createConnection: connect }, (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode, text }), fail);
    });
    asking.on("error", fail);
    asking.end();
  });
}
