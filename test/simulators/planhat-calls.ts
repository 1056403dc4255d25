import type { BulkEnvelope, PlanhatSimulator } from "../../simulators/planhat";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; `undefined` when it is no JSON. */
  readonly body: unknown;
}

/** Calls the simulator as a client would. Rejects when the connection breaks. */
export async function call(
  sim: PlanhatSimulator,
  method: string,
  path: string,
  body?: unknown,
  authorization = "Bearer planhat-token",
  signal: AbortSignal | null = null,
): Promise<Answer> {
  const response = await fetch(sim.url + path, {
    method,
    signal,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  return { status: response.status, headers: response.headers, text, body: parsed };
}

/** A bulk upsert whose answer is expected to be an envelope. */
export async function bulk(
  sim: PlanhatSimulator,
  path: string,
  items: readonly unknown[],
): Promise<{ readonly status: number; readonly envelope: BulkEnvelope }> {
  const { status, body } = await call(sim, "PUT", path, items);
  return { status, envelope: body as BulkEnvelope };
}

/** A list call, whose answer is expected to be an array. */
export async function list(sim: PlanhatSimulator, path: string): Promise<Record<string, unknown>[]> {
  return (await call(sim, "GET", path)).body as Record<string, unknown>[];
}
