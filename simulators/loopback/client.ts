import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { jsonOf } from "./wire";

/** An answer as it came: the body parsed when it is JSON, else as text. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface PostClient {
  /** Rejects on a refused or broken connection, a truncated body and after `timeoutMs`. */
  post(url: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<RawAnswer>;
  close(): void;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Creates a small client for posting JSON. `timeoutMs` bounds the wait for each answer. */
export function createPostClient(timeoutMs: number): PostClient {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });

  return {
    post(url, body, headers) {
      const payload = Buffer.from(typeof body === "string" ? body : jsonOf(body));
      const secure = url.startsWith("https:");
      const options: RequestOptions = {
        method: "POST",
        agent: secure ? httpsAgent : httpAgent,
        headers: { "content-type": "application/json", "content-length": payload.length, ...headers },
      };
      return new Promise((resolve, reject) => {
        const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(text) });
          });
        });
        request.setTimeout(timeoutMs, () => request.destroy(new Error(`No answer within ${timeoutMs} ms.`)));
        request.on("error", reject);
        request.end(payload);
      });
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
