/** The way to one tenant's plangrade: its token, its budget, and the form of its bodies. */
import type { AuthProvider } from "../../../http/auth";
import { createHttpClient, type HttpRequest, type HttpResponse } from "../../../http/client";
import type { ConnectionOptions } from "../../definition";
import type { Target } from "../../target";
import type { PlangradeSettings } from "../settings/settings";
import { bodyOf, type Fields } from "./body";
import { visibleAnswer } from "./visible";

export interface ClientOptions extends ConnectionOptions {
  readonly settings: PlangradeSettings;
  readonly target: Target;
  /** The token that a person's grant gives. */
  readonly auth: AuthProvider;
}

export type PlangradeRequest = Omit<HttpRequest, "body" | "headers"> & { readonly fields?: Fields | undefined };

export interface PlangradeClient {
  /** @param request its route stands below `/api/v1` @throws RemoteError */
  request(request: PlangradeRequest): Promise<HttpResponse>;
  /** Sent once, whatever becomes of it; only a token that was refused is renewed. */
  requestOnce(request: PlangradeRequest): Promise<HttpResponse>;
  /** The same as `request` without a token, for the one call that takes none. */
  requestOpenly(request: PlangradeRequest): Promise<HttpResponse>;
  /** What proves who asks where there is no token. */
  readonly application: { readonly client_id: string; readonly client_secret: string };
  /** Ends what is under way. */
  close(): void;
}

const API_PATH = "/api/v1";

/** Everything else calls plangrade with this. */
export function createPlangradeClient({ settings, target, auth, budgets, http }: ClientOptions): PlangradeClient {
  const { applicationKey = "", applicationSecret = "", requestsPerMinute, bodyFormat } = settings;
  const common = {
    ...http,
    system: "plangrade",
    baseUrl: `${target.baseUrl}${API_PATH}`,
    budget: budgets?.get(target.quotaKey, requestsPerMinute),
    secrets: [applicationSecret, ...(http?.secrets ?? [])],
    visible: visibleAnswer,
  };
  const granted = createHttpClient({ ...common, auth });
  const once = createHttpClient({ ...common, auth, maxAttempts: 1 });
  const open = createHttpClient(common);
  const written = ({ fields, ...request }: PlangradeRequest): HttpRequest => {
    const { body, headers } = fields === undefined ? {} : bodyOf(fields, bodyFormat);
    // plangrade refuses whoever asks for another form.
    return { ...request, body, headers: { accept: "application/json", ...headers } };
  };
  return {
    request: (request) => granted.request(written(request)),
    requestOnce: (request) => once.request({ ...written(request), safeToRepeat: false }),
    requestOpenly: (request) => open.request(written(request)),
    application: { client_id: applicationKey, client_secret: applicationSecret },
    close() {
      for (const client of [granted, once, open]) client.close();
    },
  };
}
