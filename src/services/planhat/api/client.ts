/** The HTTP client of one tenant's Planhat: its token and its budget, with neither of them in a log. */
import { createHttpClient } from "../../../http/client";
import type { HttpClient } from "../../../http/client";
import type { ConnectionOptions } from "../../definition";
import type { Target } from "../../target";

/** All companies by their keys come in one answer, about 100 bytes each; whole ones 5,000 at a time, some kB each. */
const MAX_RESPONSE_BYTES = 256_000_000;

interface Account {
  readonly token: string | undefined;
  readonly requestsPerMinute: number;
}

export function createPlanhatClient(
  { token = "", requestsPerMinute }: Account,
  target: Target,
  options: ConnectionOptions,
): HttpClient {
  return createHttpClient({
    maxResponseBytes: MAX_RESPONSE_BYTES,
    ...options.http,
    system: "planhat",
    baseUrl: target.baseUrl,
    auth: { headers: () => ({ authorization: `Bearer ${token}` }) },
    budget: options.budgets?.get(target.quotaKey, requestsPerMinute),
    secrets: [token, ...(options.http?.secrets ?? [])],
  });
}
