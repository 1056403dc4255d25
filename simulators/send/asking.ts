/** The simulated Hull, the connector and the service's simulator, as `npm run send` asks them. Their answers are read here. */
import { z } from "zod";
import { UsageError } from "./order";

const connectorSchema = z.object({
  id: z.string(),
  name: z.string(),
  secret: z.string(),
  source_url: z.string(),
  extra: z.object({
    title: z.string(),
    simulator: z.string(),
    samples: z.object({ user: z.record(z.string(), z.unknown()), account: z.record(z.string(), z.unknown()) }),
  }),
});
const connectorsSchema = z.object({ connectors: z.array(z.unknown()), segments: z.array(z.string()) });

const updateSchema = z.object({
  entity: z.enum(["user", "account"]),
  hull_id: z.string(),
  account_id: z.string().nullable(),
  message_id: z.string(),
  report: z.object({
    messagesAccepted: z.number(),
    answers: z.array(
      z.object({ status: z.number().optional(), body: z.unknown().optional(), error: z.string().optional() }),
    ),
  }),
});

const outcomeSchema = z.object({
  outcome: z.string(),
  code: z.string(),
  text: z.string(),
  remedy: z.string().nullable(),
  message_id: z.string(),
});
const knownSchema = z.object({
  last_outcome: outcomeSchema.nullable(),
  link: z.object({ remote_id: z.string() }).nullable(),
});
const recordSchema = z.object({
  type: z.string(),
  text: z.array(z.string()),
  known: knownSchema,
  parent: z.object({ type: z.string(), known: knownSchema }).nullable(),
});
const explanationSchema = z.object({
  text: z.array(z.string()),
  records: z.array(recordSchema),
  problems: z.array(z.string()),
});

const snapshotSchema = z.array(
  z.looseObject({
    _id: z.unknown().optional(),
    id: z.unknown().optional(),
    fields: z.looseObject({ _ID: z.unknown().optional() }).optional(),
  }),
);

export type Connector = z.output<typeof connectorSchema>;
export type Update = z.output<typeof updateSchema>;
export type Explained = z.output<typeof recordSchema>;
export type Explanation = z.output<typeof explanationSchema>;

const READ_WITHIN_MS = 60_000;

/** Nobody answers at an address. */
export class NobodyThere extends Error {
  override readonly name = "NobodyThere";
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(url: string, headers: Readonly<Record<string, string>> = {}, body?: unknown): Promise<Answer> {
  // A connection that is kept may be one to a simulator that has been started again since.
  const fixed = { connection: "close", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const method = body === undefined ? "GET" : "POST";
  const signal = AbortSignal.timeout(READ_WITHIN_MS);
  let answer: Response;
  try {
    answer = await fetch(url, { method, signal, headers: { ...fixed, ...headers }, body: JSON.stringify(body) });
  } catch (error) {
    if (signal.aborted) {
      const seconds = READ_WITHIN_MS / 1_000;
      throw new Error(`${new URL(url).origin} takes the call and does not answer it within ${seconds} s.`, {
        cause: error,
      });
    }
    throw new NobodyThere(`Nobody answers at ${new URL(url).origin}.`, { cause: error });
  }
  const text = await answer.text();
  try {
    return { status: answer.status, body: JSON.parse(text) as unknown };
  } catch {
    return { status: answer.status, body: text };
  }
}

/** What an answer says in words. */
export function wordsOf({ status, body }: { readonly status?: number | undefined; readonly body?: unknown }): string {
  const said = z.looseObject({ message: z.string().optional(), error: z.string().optional() }).safeParse(body);
  const whole = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const words = said.data?.message ?? said.data?.error ?? whole;
  return `${status ?? "nothing"}${words === "" ? "" : `: ${words.slice(0, 500)}`}`;
}

/** @param url of the simulated Hull @throws Error with a sentence when it does not answer or is something else */
export function createHull(url: string) {
  const start = "Start the simulators in another terminal: npm run simulators";
  const where = "HULL_PORT says where the simulated Hull listens, if not at 4020.";

  async function asked<Schema extends z.ZodType>(path: string, schema: Schema, body?: unknown) {
    const answer = await ask(`${url}/__sim/${path}`, {}, body).catch((error: unknown): never => {
      if (error instanceof NobodyThere) throw new Error(`${error.message} ${start}\n${where}`, { cause: error });
      throw error;
    });
    const { status } = answer;
    if (status === 400) throw new Error(`The simulated Hull answers ${wordsOf(answer)}`);
    const read = schema.safeParse(answer.body);
    if (status === 200 && read.success) return read.data;
    throw new Error(`At ${url} there is no simulated Hull that can do this (it answers ${status}). ${start}\n${where}`);
  }

  return {
    url,
    /** The installed connector of a service. */
    async connector(service: string): Promise<Connector> {
      const { connectors } = await asked("connectors", connectorsSchema);
      const known = connectors.flatMap((each) => connectorSchema.safeParse(each).data ?? []);
      const found = known.find(({ name }) => name === service);
      if (found !== undefined) return found;
      throw new UsageError(
        `There is no connector for ${service}; there are ${known.map(({ name }) => name).join(", ")}.`,
      );
    },
    update: (order: unknown): Promise<Update> => asked("update", updateSchema, order),
  };
}

/** @param origin of the connector @throws Error with a sentence when it does not answer, or refuses this Hull */
export function createAsking(origin: string, organization: string, { id, secret, name }: Connector) {
  const start = "npm run start:simulated";
  const login = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
  const explainUrl = `${origin}/${name}/explain?org=${organization}`;
  return {
    explainUrl,
    async explain(entity: string, hullId: string): Promise<Explanation> {
      const answer = await ask(explainUrl, login, { entity, id: hullId }).catch((error: unknown): never => {
        if (!(error instanceof NobodyThere)) throw error;
        const elsewhere = "If it is elsewhere, say so: --to http://127.0.0.1:8082";
        throw new Error(`No connector answers at ${origin}. Start it in another terminal: ${start}\n${elsewhere}`, {
          cause: error,
        });
      });
      const read = explanationSchema.safeParse(answer.body);
      if (answer.status === 200 && read.success) return read.data;
      throw new Error(
        `The connector at ${origin} does not go with these simulators; it answers ${wordsOf(answer)}\n` +
          `Start it as npm run simulators says: ${start}`,
      );
    },
  };
}

/** What a service's simulator holds under an id, whatever it calls its lists. */
export async function recordAt(
  simulator: string,
  type: string,
  remoteId: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { body } = await ask(`${simulator}/__sim/snapshot`);
  const lists = z.record(z.string(), z.unknown()).safeParse(body).data ?? {};
  const records = snapshotSchema.safeParse(Array.isArray(body) ? body : lists[type]).data;
  // PlanningPME's rows have no id that others know: their key is a field.
  return records?.find(({ _id, id, fields }) => [_id, id, fields?._ID].some((each) => String(each) === remoteId));
}
