// One request, one answer, no judgement: only this file knows axios.
import axios, { isAxiosError, type AxiosResponse } from "axios";
import { PRIVATE_ADDRESS_CODE } from "./guards/addresses";
import type { Agents } from "./agents";
import type { Failure } from "./errors";
import type { ResponseHeaders } from "./server-wait";

export interface ExchangeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly agents: Agents;
  readonly signal: AbortSignal | undefined;
}

export type Exchange =
  | { readonly ok: true; readonly status: number; readonly headers: ResponseHeaders; readonly bytes: Buffer }
  | { readonly ok: false; readonly failure: Failure; readonly cause: unknown };

/** Sends one request and reads the whole answer. Never throws: what went wrong is in the result. */
export async function exchange(request: ExchangeRequest): Promise<Exchange> {
  // axios' own timeout restarts with every chunk, so a trickling body would never end.
  const controller = new AbortController();
  const stop = (why: Failure) => (): void => controller.abort(why);
  const cancel = stop("cancelled");
  const timer = setTimeout(stop("timeout"), request.timeoutMs);
  request.signal?.addEventListener("abort", cancel, { once: true });
  if (request.signal?.aborted) cancel();

  try {
    const response = await axios.request<Buffer>({
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      data: request.body,
      httpAgent: request.agents.http,
      httpsAgent: request.agents.https,
      signal: controller.signal,
      responseType: "arraybuffer",
      maxRedirects: 0,
      maxContentLength: request.maxResponseBytes,
      maxBodyLength: Infinity,
      proxy: false,
      validateStatus: null,
      transformRequest: [(body: unknown) => body],
      transformResponse: [(body: unknown) => body],
    });
    return { ok: true, status: response.status, headers: flatten(response), bytes: response.data };
  } catch (error) {
    if (!controller.signal.aborted) return { ok: false, failure: failureOf(error), cause: error };
    return { ok: false, failure: controller.signal.reason === "timeout" ? "timeout" : "cancelled", cause: error };
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", cancel);
  }
}

function flatten(response: AxiosResponse): ResponseHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    headers[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : String(value);
  }
  return headers;
}

const CONNECTION_CODES = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"]);
const INVALID_CODES = new Set(["ERR_INVALID_CHAR", "ERR_UNESCAPED_CHARACTERS", "ERR_INVALID_URL", "ERR_BAD_OPTION"]);

/** Why no connection was made; undefined for other trouble. @param error of node:net, with code and syscall */
export function connectionFailure(error: unknown, code = textIn(error, "code")) {
  const syscall = textIn(error, "syscall");
  if (code === PRIVATE_ADDRESS_CODE) return "private_address";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || syscall === "getaddrinfo") return "dns";
  if (CONNECTION_CODES.has(code) || syscall === "connect") return "connection";
  if (/CERT|SSL|TLS|EPROTO|UNABLE_TO_VERIFY/.test(code)) return "tls";
  return undefined;
}

export function textIn(error: unknown, name: "code" | "syscall"): string {
  const found: unknown = typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
  return typeof found === "string" ? found : "";
}

function failureOf(error: unknown): Failure {
  if (!isAxiosError(error)) return "invalid_request";
  const code = error.code ?? "";
  const failure = connectionFailure(error.cause ?? error, code);
  if (failure !== undefined) return failure;
  if (INVALID_CODES.has(code)) return "invalid_request";
  if (/maxContentLength/.test(error.message)) return "response_too_large";
  if (error.response !== undefined || code.startsWith("Z_")) return "truncated";
  // The server may close an idle connection at the very moment we reuse it; nothing was processed then.
  const request = error.request as { readonly reusedSocket?: boolean } | undefined;
  return request?.reusedSocket === true ? "stale_socket" : "reset";
}
