/**
 * From the click of a person to tokens in the store: OAuth 2.0 with a code. The state that travels through the browser
 * is encrypted, names the connector, belongs to one browser by its cookie, lives for ten minutes and serves once.
 */
import { randomBytes } from "node:crypto";
import { isObject, jsonIn } from "../../json";
import { isFailed } from "../../services/failure";
import type { GrantedAccount, Service } from "../../services/service";
import type { Place, Seal } from "../../storage/port/seal";
import type { Tenant, Tenants } from "../tenants";
import { changeGrant, pairOf, readGrant, type Pair } from "./grant";

export interface Begun {
  /** The service's page, to which the browser goes. */
  readonly address: string;
  /** What the browser must bring back. */
  readonly cookie: string;
}

/** Why nothing was granted; each is the code of an answer. */
export type Refused =
  | "no_state"
  | "invalid_state"
  | "expired_state"
  | "used_state"
  | "other_browser"
  | "unknown_connector"
  | "outdated_proposal";

export type Finished<S> =
  | { readonly kind: "granted"; readonly tenant: Tenant<S>; readonly account: GrantedAccount | undefined }
  /** The tokens open another account than those before: they wait until the form with this state says yes. */
  | {
      readonly kind: "proposed";
      readonly tenant: Tenant<S>;
      readonly before: GrantedAccount | undefined;
      readonly account: GrantedAccount | undefined;
      readonly state: string;
    }
  /** The person said no, or the service did. @property error its own code, such as `access_denied` */
  | { readonly kind: "denied"; readonly tenant: Tenant<S>; readonly error: string }
  /** The service did not exchange the code. @property message has no secrets */
  | { readonly kind: "failed"; readonly tenant: Tenant<S>; readonly message: string }
  | { readonly kind: "refused"; readonly reason: Refused };

export interface Authorizations<S> {
  /** Undefined when the settings lack what the service's page needs. @param redirectUri our own callback */
  begin(tenant: Tenant<S>, redirectUri: string): Begun | undefined;
  /** What the browser brought back to the callback; nothing of it is trusted. */
  finish(brought: { state: unknown; code: unknown; error: unknown; cookie: string | undefined }): Promise<Finished<S>>;
  /** A person said that the other account is meant. */
  confirm(brought: { state: unknown; cookie: string | undefined }): Promise<Finished<S>>;
  /** Forgets the tokens here; the service has no call for it. Says whether there were any. */
  revoke(tenant: Tenant<S>): Promise<boolean>;
}

export interface AuthorizationsOptions<S> {
  readonly service: Pick<Service<S>, "authorization" | "name">;
  readonly tenants: Pick<Tenants<S>, "load" | "grantOf">;
  readonly seal: Seal;
  /** The tenant has other tokens: what waited for them goes on. */
  readonly resume: (tenant: string) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface State {
  readonly step: "authorize" | "confirm";
  readonly tenant: string;
  readonly redirectUri: string;
  readonly nonce: string;
  /** Keyed hash of the cookie. */
  readonly browser: string;
  readonly untilMs: number;
}

/** How long a state serves, and the cookie that belongs to it: as long as a code lives. */
export const LIFE_MS = 600_000;
const PLACE: Place = "state/authorization";

export function createAuthorizations<S>(options: AuthorizationsOptions<S>): Authorizations<S> {
  const { service, tenants, seal, now } = options;
  const random = (): string => randomBytes(24).toString("base64url");
  const pack = (state: State): string => seal.seal(JSON.stringify({ ...state, service: service.name }), PLACE);

  /** @returns why it is not to be trusted */
  function unpack(sealed: unknown, step: State["step"], cookie: string | undefined): State | Refused {
    if (typeof sealed !== "string" || sealed === "") return "no_state";
    let state;
    try {
      state = jsonIn(seal.open(sealed, PLACE));
    } catch {
      return "invalid_state";
    }
    if (!isObject(state) || state["service"] !== service.name || state["step"] !== step) return "invalid_state";
    // Only this module encrypts for this place.
    const known = state as unknown as State;
    if (cookie === undefined || seal.mark(cookie) !== known.browser) return "other_browser";
    return now() < known.untilMs ? known : "expired_state";
  }

  /** Before anything is done with it. @returns why it must not serve */
  async function use({ tenant, nonce, untilMs }: State): Promise<Refused | undefined> {
    const access = tenants.grantOf(tenant);
    const noted = await changeGrant(access, (grant) => {
      const served = (grant.served ?? []).filter((each) => now() < each.untilMs);
      return served.some((each) => each.nonce === nonce)
        ? undefined
        : { ...grant, served: [...served, { nonce, untilMs }] };
    });
    if (noted !== undefined) return undefined;
    return (await access.isKnown()) ? "used_state" : "unknown_connector";
  }

  async function put(tenant: Tenant<S>, pair: Pair, browser: string): Promise<Finished<S>> {
    const { key } = tenant;
    const nonce = random();
    const untilMs = now() + LIFE_MS;
    const stored = await changeGrant(tenants.grantOf(key), (grant) =>
      grant.pair === undefined || grant.pair.account?.id === pair.account?.id
        ? { ...grant, pair, proposed: undefined }
        : { ...grant, proposed: { pair, nonce, untilMs } },
    );
    // Erased while the code was exchanged.
    if (stored === undefined) return { kind: "refused", reason: "unknown_connector" };
    if (stored.proposed === undefined) return granted(tenant, pair);
    const state = pack({ step: "confirm", tenant: key, redirectUri: "", nonce, browser, untilMs });
    return { kind: "proposed", tenant, before: stored.pair?.account, account: pair.account, state };
  }

  async function granted(tenant: Tenant<S>, { account }: Pair): Promise<Finished<S>> {
    await options.resume(tenant.key);
    return { kind: "granted", tenant, account };
  }

  return {
    begin: ({ key: tenant, settings, target }, redirectUri) => {
      if (settings === undefined || target === undefined) return undefined;
      const cookie = random();
      const browser = seal.mark(cookie);
      const untilMs = now() + LIFE_MS;
      const state = pack({ step: "authorize", tenant, redirectUri, nonce: random(), browser, untilMs });
      const address = service.authorization?.page(settings, { redirectUri, state });
      return address === undefined ? undefined : { address, cookie };
    },

    finish: async ({ state: sealed, code, error, cookie }) => {
      const state = unpack(sealed, "authorize", cookie);
      if (typeof state === "string") return { kind: "refused", reason: state };
      const tenant = await tenants.load(state.tenant);
      const { authorization } = service;
      if (tenant?.settings === undefined || authorization === undefined) {
        return { kind: "refused", reason: "unknown_connector" };
      }
      const reason = await use(state);
      if (reason !== undefined) return { kind: "refused", reason };
      if (typeof error === "string") return { kind: "denied", tenant, error };
      if (typeof code !== "string" || code === "") return { kind: "denied", tenant, error: "no_code" };
      const askedAtMs = now();
      try {
        const form = { grant_type: "authorization_code", code, redirect_uri: state.redirectUri };
        const tokens = await authorization.tokens(tenant.settings, form);
        const account = await authorization.account(tenant.settings, tokens.value);
        return await put(tenant, pairOf(tokens, account, askedAtMs), state.browser);
      } catch (failure) {
        if (isFailed(failure)) return { kind: "failed", tenant, message: failure.message };
        throw failure;
      }
    },

    confirm: async ({ state: sealed, cookie }) => {
      const state = unpack(sealed, "confirm", cookie);
      if (typeof state === "string") return { kind: "refused", reason: state };
      const tenant = await tenants.load(state.tenant);
      if (tenant === undefined) return { kind: "refused", reason: "unknown_connector" };
      const stored = await changeGrant(tenants.grantOf(state.tenant), ({ proposed, ...grant }) =>
        proposed?.nonce === state.nonce ? { ...grant, pair: proposed.pair } : undefined,
      );
      if (stored?.pair === undefined) return { kind: "refused", reason: "outdated_proposal" };
      return granted(tenant, stored.pair);
    },

    revoke: async ({ key }) => {
      const { pair, proposed } = readGrant(await tenants.grantOf(key).read());
      await changeGrant(tenants.grantOf(key), ({ served }) => ({ served }));
      return pair !== undefined || proposed !== undefined;
    },
  };
}
