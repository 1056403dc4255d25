/** Asks `/admin` as the tools do: over a connection to the running server, or to the tool's own process. */
import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
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
import type { DeadLetter, DeadLetterDetail, Page, ReplayCounts } from "../admin/dead-letters";
import { ADMIN } from "../admin/route";
import { replayAnswer, replayPageAnswer } from "../routes/dead-letters/answer";

/** `after`: `next` of the previous answer. */
export type Filter = Readonly<Partial<Record<"tenant" | "type" | "code" | "after", string | undefined>>>;

/** A connector as the tools print it. */
export interface TenantSummary {
  readonly tenant: string;
  /** When Hull saved the settings, milliseconds since 1970; 0 if that is not known. */
  readonly settingsAtMs: number;
  readonly remote?: string | undefined;
  readonly outbox: number;
  readonly tells: number;
}

/** Everything rejects with a sentence for the person at the terminal. */
export interface AdminClient {
  listDeadLetters(query: Filter & { readonly limit: number }): Promise<{ readonly deadLetters: DeadLetter[] } & Page>;
  /** Undefined when there is none; so for all that ask for one. */
  showDeadLetter(id: string): Promise<(DeadLetterDetail & { readonly remedy: string }) | undefined>;
  replayDeadLetter(id: string): Promise<ReplayCounts | undefined>;
  replayDeadLetters(filter: Filter): Promise<ReplayCounts & Page>;
  dropDeadLetter(id: string): Promise<DeadLetter | undefined>;
  listTenants(): Promise<readonly TenantSummary[]>;
  /** Returns how many rows were erased; 0 when the tenant is not known. */
  forgetTenant(tenant: string): Promise<number>;
}

/** A page of dead letters holds at most a few messages' worth of each, and the HTTP edge limits their size. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const EARLY = "The connection ended early: the server starts or stops, or another tool is at work. Try again.";
const OTHER_VERSION = "The server's answer cannot be read; do the tool and the server have the same version?";

const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** A path that this server does not know. */
const NO_SUCH_ROUTE = ["not_found", "method_not_allowed"];

/** @param connect opens a connection for one request */
export function createAdminClient(connect: () => Duplex): AdminClient {
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
    listDeadLetters: async (query) => {
      const { dead_letters, next } = await askAll(anyDeadLetterPage, "GET", `/dead-letters?${queryOf(query)}`);
      return { deadLetters: dead_letters.map(readDeadLetter), ...pageOf(next) };
    },
    showDeadLetter: async (id) => {
      const shown = await askOf(anyDeadLetterDetailAnswer, "GET", id);
      return shown && { ...readDeadLetterDetail(shown), remedy: shown.remedy };
    },
    replayDeadLetter: (id) => askOf(replayAnswer, "POST", id, "/replay"),
    replayDeadLetters: async (filter) => {
      const { next, ...counts } = await askAll(replayPageAnswer, "POST", `/dead-letters/replay?${queryOf(filter)}`);
      return { ...counts, ...pageOf(next) };
    },
    dropDeadLetter: async (id) => {
      const shown = await askOf(anyDeadLetterAnswer, "DELETE", id);
      return shown && readDeadLetter(shown);
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
    forgetTenant: async (tenant) => {
      const path = `/tenants/${encodeURIComponent(tenant)}`;
      return (await ask(forgottenAnswer, "DELETE", path, "tenant_not_found"))?.rows ?? 0;
    },
  };
}

function pageOf(next: string | null): Page {
  return next === null ? {} : { next };
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

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

function exchange(connect: () => Duplex, method: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      // What is no HTTP comes from a server of another kind.
      const isOther = "code" in cause && String(cause.code).startsWith("HPE_");
      reject(new Error(isOther ? OTHER_VERSION : EARLY, { cause }));
    };
    const asking = request({ method, path, host: "localhost", createConnection: connect }, (response) => {
      readText(response).then((text) => resolve({ status: response.statusCode, text }), fail);
    });
    asking.on("error", fail);
    asking.end();
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`The answer has more than ${MAX_ANSWER_BYTES} bytes.`);
  }
  return Buffer.concat(chunks).toString("utf8");
}
