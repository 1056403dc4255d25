// Hull's REST API, as far as a connector needs it.
import { createHttpClient, type HttpClientOptions } from "../http/client";
import type { Protocol } from "../http/guards/hosts";

/** The credentials of one installed connector. */
export interface HullCredentials {
  /** Host name, checked against the allow-list by the caller. */
  readonly organization: string;
  /** Connector id, of any shape. */
  readonly id: string;
  readonly secret: string;
}

/** What the caller decides about transport; the client sets system, address and credentials. */
export type HullHttpOptions = Omit<HttpClientOptions, "system" | "baseUrl" | "auth" | "secrets">;

export interface HullStatus {
  readonly status: "ok" | "warning" | "error" | "setupRequired";
  readonly messages: readonly string[];
}

export type HullClient = ReturnType<typeof createHullClient>;

/** Every method rejects with a RemoteError: 401 wrong secret, 402 organization disabled, 404 no such connector. */
export function createHullClient(
  credentials: HullCredentials,
  options: { readonly protocol?: Protocol | undefined; readonly http?: HullHttpOptions | undefined } = {},
) {
  const http = createHttpClient({
    timeoutMs: 10_000,
    ...options.http,
    system: "hull",
    baseUrl: `${options.protocol ?? "https"}://${credentials.organization}/api/v1`,
    auth: { headers: () => hullHeaders(credentials) },
    secrets: [credentials.secret],
  });

  return {
    /** The connector of these credentials, unparsed. */
    async getApp(): Promise<unknown> {
      return (await http.request({ method: "GET", route: "/app" })).body;
    },
    /** Shows the status in Hull's dashboard. Retried when the answer is lost, since PUTs of Hull's API replace. */
    async putStatus(status: HullStatus): Promise<void> {
      const params = { id: credentials.id };
      await http.request({ method: "PUT", route: "/:id/status", params, body: status, safeToRepeat: true });
    },
    close: (): void => http.close(),
  };
}

/** The headers that every call to Hull carries, the firehose included. */
export function hullHeaders(credentials: HullCredentials): Record<string, string> {
  return {
    "content-type": "application/json",
    "hull-app-id": credentials.id,
    "hull-access-token": credentials.secret,
    "hull-organization": credentials.organization,
  };
}
