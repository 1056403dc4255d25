/**
 * How plangrade asks a person for access, and gives tokens: a page, a token endpoint, and `/me`.
 *
 * Source of the default paths: plangrade's API documentation of 8 November 2014; the clients of its time used others.
 */
import { createHttpClient } from "../../http/client";
import { authorizationOf } from "../../http/token-source";
import { requestToken } from "../../http/token-request";
import type { ConnectionOptions } from "../definition";
import { attempt, isFailed } from "../failure";
import { textOf } from "../mapping/attributes";
import type { Authorization } from "../service";
import type { Target } from "../target";
import { createPlangradeClient } from "./api/client";
import { isNotThere } from "./api/failure";
import { createRest } from "./api/rest";
import type { PlangradeSettings } from "./settings/settings";

/** It is stored with the tokens, and read for every request. Characters. */
const MOST_NAME = 200;

export interface AuthorizationOptions extends ConnectionOptions {
  /** Root of plangrade, to which the paths are appended. */
  readonly address: string;
  readonly authorizePath: string;
  readonly tokenPath: string;
  /** Undefined while the settings lack what plangrade needs. */
  readonly target: (settings: PlangradeSettings) => Target | undefined;
}

export function plangradeAuthorization(options: AuthorizationOptions): Authorization<PlangradeSettings> {
  const { address, authorizePath, tokenPath, target, budgets, http } = options;
  return {
    page({ applicationKey = "" }, { redirectUri, state }) {
      const page = new URL(address + authorizePath);
      const asked = { client_id: applicationKey, response_type: "code", redirect_uri: redirectUri, state };
      for (const [name, value] of Object.entries(asked)) page.searchParams.set(name, value);
      return page.href;
    },

    async tokens({ applicationKey = "", applicationSecret = "" }, form) {
      const secrets = [applicationSecret, ...Object.values(form)];
      const client = createHttpClient({ ...http, system: "plangrade", baseUrl: address, maxAttempts: 1, secrets });
      const application = { client_id: applicationKey, client_secret: applicationSecret };
      const request = { method: "POST", route: tokenPath, form: { ...application, ...form } } as const;
      try {
        return await requestToken(client, { system: "plangrade", ...request });
      } finally {
        client.close();
      }
    },

    async account(settings, accessToken) {
      const reached = target(settings);
      if (reached === undefined) throw new Error("The settings have no application.");
      const auth = { headers: () => ({ authorization: authorizationOf(accessToken) }) };
      const client = createPlangradeClient({ settings, target: reached, auth, budgets, http });
      const me = await attempt(() => createRest(client, { priority: "interactive" }).me());
      client.close();
      // plangrade's first documents have no such route.
      if (isFailed(me)) {
        if (isNotThere(me)) return undefined;
        throw me;
      }
      return { id: String(me.id), name: textOf(me["name"])?.slice(0, MOST_NAME) };
    },
  };
}
