/** The load generator: some keep-alive connections, each of which posts the next notification when it has its answer. */
import { Agent, request } from "node:http";
import type { Notification } from "./notifications";

export interface Load {
  readonly elapsedMs: number;
  /** Of each notification, in the order of the answers. */
  readonly latenciesMs: readonly number[];
}

/** Hull waits this long for an answer. */
export const ANSWER_WITHIN_MS = 25_000;

/**
 * Posts all notifications.
 *
 * @throws Error on any answer but 200 with `next`: figures about refused requests mean nothing
 */
export async function post(
  baseUrl: string,
  notifications: readonly Notification[],
  connections: number,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latenciesMs: number[] = [];
  const waiting = notifications.values();
  const work = async (): Promise<void> => {
    for (const notification of waiting) latenciesMs.push(await postOne(agent, baseUrl, notification));
  };
  const began = performance.now();
  try {
    await Promise.all(Array.from({ length: connections }, work));
  } finally {
    agent.destroy();
  }
  return { elapsedMs: performance.now() - began, latenciesMs };
}

/**
 * Posts one notification.
 *
 * @returns milliseconds from the first byte of the request to the last byte of the answer
 * @throws Error on any answer but 200 with `next`
 */
export function postOne(agent: Agent, baseUrl: string, notification: Notification): Promise<number> {
  const { headers } = notification;
  const payload = notification.body();
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const call = request(`${baseUrl}/smart-notifier`, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        const tookMs = performance.now() - began;
        if (response.statusCode === 200 && text.includes('"type":"next"')) resolve(tookMs);
        else reject(new Error(`A notification was answered ${response.statusCode ?? "without status"}: ${text}`));
      });
    });
    call.setTimeout(ANSWER_WITHIN_MS, () => call.destroy(new Error("A notification was not answered in time.")));
    call.on("error", reject);
    call.end(payload);
  });
}
