/** Tenants in use: settings decrypted and parsed, and a connection to the service, each cached while it is current. */
import { timingSafeEqual } from "node:crypto";
import isEqual from "lodash/isEqual";
import { MAX_AHEAD_MS } from "../instant";
import type { Connection } from "../services/connection";
import type { AuthProvider } from "../http/auth";
import { systemSleep, type Sleep } from "../http/time";
import { readAlertSettings, type AlertSettings } from "../services/mapping/alerts";
import type { Service } from "../services/service";
import type { Target } from "../services/target";
import type { TenantRow } from "../storage/port/rows";
import { tenantKey } from "../storage/port/lane";
import { readGrant, type GrantAccess } from "./authorization/grant";
import { createRotation, refusalOf } from "./authorization/rotation";
import { grantPlace, tenantPlace, type Seal } from "../storage/port/seal";
import type { Store } from "../storage/port/store";

/** Credentials of a connector, confirmed by Hull before they come here. */
export interface Credentials {
  readonly organization: string;
  readonly id: string;
  readonly secret: string;
}

export interface Tenant<S> {
  readonly key: string;
  readonly credentials: Credentials;
  /** Problems that a person must mend, each naming the setting. */
  readonly problems: readonly string[];
  /** Absent when the settings cannot be understood. */
  readonly settings?: S;
  /** Absent when the settings lack what reaching the service needs. */
  readonly target?: Target;
  /** Where its records are kept; absent if no target was ever named. */
  readonly remote?: string;
  /** Fingerprint with which `remote` was last confirmed. */
  readonly fingerprint?: string;
  /** Id of the account that a person's grant opened when this was read. */
  readonly account?: string;
  /** Where its alerts go, and what is worth one. */
  readonly alerts?: AlertSettings;
}

/** What Hull says about the settings of a connector; both in milliseconds since 1970. */
export interface HullAnswer {
  /** When they were saved last. */
  readonly savedAtMs: number;
  readonly askedAtMs: number;
}

export interface Tenants<S> {
  /** The key of a connector of this service. */
  keyOf(credentials: Pick<Credentials, "organization" | "id">): string;
  /**
   * Stores what is said about a connector whose credentials Hull has confirmed. Under a new secret all of it counts;
   * otherwise its settings do when they are not older than the stored ones.
   *
   * @param privateSettings undefined: the caller knows none; then the stored ones stay, if the secret is the same
   * @param settingsAtMs when they were saved, milliseconds since 1970
   * @param hull what Hull itself said; settings stored before it was asked that claim to be later do not count
   */
  remember(
    credentials: Credentials,
    privateSettings: unknown,
    settingsAtMs: number,
    hull?: HullAnswer,
  ): Promise<Tenant<S>>;
  /** Whether these are the tenant's last credentials. */
  knows(credentials: Credentials): Promise<boolean>;
  /** Undefined when the tenant was never seen. */
  load(key: string): Promise<Tenant<S> | undefined>;
  connection(tenant: Tenant<S>): Connection | undefined;
  /** What a person granted a tenant. */
  grantOf(key: string): GrantAccess;
  /** The tokens of that grant, for calls to the service, while they open the same account. */
  authOf(tenant: Pick<Tenant<S>, "key" | "account">): AuthProvider;
  /** The tenant was erased: its cached values go too. */
  forget(key: string): void;
}

/** A remote is named by where it is, never by a token that rotates. */
export function remoteKey(organization: string, connectorId: string, target: Target): string {
  return `${organization}|${target.baseUrl}|${target.account ?? `connector ${connectorId}`}`;
}

export interface TenantsOptions<S> {
  readonly store: Store;
  readonly seal: Seal;
  readonly service: Service<S>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Waits while another process renews a grant. */
  readonly sleep?: Sleep;
  /** Called with warnings about settings whenever they are stored. */
  readonly onSettings?: (credentials: Credentials, problems: readonly string[], warnings: readonly string[]) => void;
}

export function createTenants<S>({
  store,
  seal,
  service,
  now,
  sleep = systemSleep,
  onSettings,
}: TenantsOptions<S>): Tenants<S> {
  const opened = new Map<string, { row: TenantRow; text: string; tenant: Tenant<S> }>();
  const rotations = new Map<string, ReturnType<typeof createRotation>>();
  const connections = new Map<
    string,
    { fingerprint: string; account: string | undefined; settings: S; connection: Connection }
  >();

  const keyOf = ({ organization, id }: Pick<Credentials, "organization" | "id">): string =>
    tenantKey(service.name, organization, id);

  /** @param account that the tenant's grant opens */
  function open(row: TenantRow, account: string | undefined): Tenant<S> {
    const text = seal.open(row.sealed, tenantPlace(row.key));
    const { secret, privateSettings } = JSON.parse(text) as { secret: string; privateSettings: unknown };
    const parsed = service.readSettings(privateSettings);
    const target = parsed.ok ? service.target(parsed.settings, account) : undefined;
    const tenant: Tenant<S> = {
      key: row.key,
      credentials: { organization: row.organization, id: row.connectorId, secret },
      problems: parsed.ok ? [] : parsed.problems,
      settings: parsed.ok ? parsed.settings : undefined,
      target,
      remote: row.remote,
      fingerprint: row.fingerprint,
      account,
      alerts: readAlertSettings(privateSettings),
    };
    if (opened.get(row.key)?.text !== text) {
      const warnings = parsed.ok ? parsed.warnings.map((each) => each.text) : [];
      if (tenant.problems.length + warnings.length > 0) onSettings?.(tenant.credentials, tenant.problems, warnings);
    }
    opened.set(row.key, { row, text, tenant });
    return tenant;
  }

  async function accountOf(key: string): Promise<string | undefined> {
    return service.authorization === undefined ? undefined : readGrant(await grantOf(key).read()).pair?.account?.id;
  }

  /** What was opened counts as long as the rows are the same: other jobs, and other processes, change them. */
  async function load(key: string): Promise<Tenant<S> | undefined> {
    const [stored, account] = await Promise.all([store.tenant(key), accountOf(key)]);
    if (stored === undefined) {
      opened.delete(key);
      return undefined;
    }
    // The place is that of the key, whatever the row itself says: a row that was moved must not open there.
    const row = { ...stored, key };
    const known = opened.get(key);
    if (known !== undefined && known.tenant.account === account && isEqual(known.row, row)) return known.tenant;
    try {
      return open(row, account);
    } catch (error) {
      opened.delete(key);
      throw error;
    }
  }

  function grantOf(key: string): GrantAccess {
    /** One that another SECRET encrypted is worth nothing: a person gives a new one. */
    const open = (sealed: string | undefined): string | undefined => {
      try {
        return sealed === undefined ? undefined : seal.open(sealed, grantPlace(key));
      } catch {
        return undefined;
      }
    };
    return {
      read: async () => open(await store.grant(key)),
      replace: async (before, after) => {
        const stored = await store.grant(key);
        if (open(stored) !== before) return false;
        return store.replaceGrant(key, stored, after === undefined ? undefined : seal.seal(after, grantPlace(key)));
      },
      isKnown: async () => (await store.tenant(key)) !== undefined,
    };
  }

  function rotationOf(key: string): ReturnType<typeof createRotation> {
    const known = rotations.get(key);
    if (known !== undefined) return known;
    const rotation = createRotation({
      access: grantOf(key),
      system: service.name,
      now,
      sleep,
      refresh: async (refreshToken) => {
        // The application's own secret may have changed since, or be gone: then nothing is asked, and no token is used up.
        const { settings, target } = (await load(key)) ?? {};
        if (settings === undefined || target === undefined || service.authorization === undefined) {
          throw refusalOf(service.name, "the settings lack what renewing the authorization needs");
        }
        return service.authorization.tokens(settings, { grant_type: "refresh_token", refresh_token: refreshToken });
      },
    });
    rotations.set(key, rotation);
    return rotation;
  }

  const authOf: Tenants<S>["authOf"] = ({ key, account }) => rotationOf(key)(account);

  return {
    keyOf,
    grantOf,
    authOf,
    load,
    forget: (key) => {
      opened.delete(key);
      connections.delete(key);
      rotations.delete(key);
    },

    knows: async (credentials) => {
      // Rows that another SECRET encrypted say nothing.
      const tenant = await load(keyOf(credentials)).catch(() => undefined);
      return tenant !== undefined && isSame(tenant.credentials.secret, credentials.secret);
    },

    remember: async (credentials, privateSettings, settingsAtMs, hull) => {
      const { organization, id: connectorId, secret } = credentials;
      const key = keyOf(credentials);
      const latestPlausibleMs = now() + MAX_AHEAD_MS;
      const atMs = settingsAtMs > latestPlausibleMs ? now() : settingsAtMs;
      const text = JSON.stringify({ secret, privateSettings: privateSettings ?? {} });
      // Whoever comes here was known or not a moment ago (`knows`), and whatever is stored over is compared then. Rows that
      // cannot be decrypted (another SECRET) are replaced by what Hull has just confirmed.
      let tenant = opened.get(key)?.tenant ?? (await load(key).catch(() => undefined));
      const account = tenant === undefined ? await accountOf(key) : tenant.account;
      for (;;) {
        const known = opened.get(key);
        const before = known?.row ?? (await store.tenant(key));
        const isNewSecret = tenant?.credentials.secret !== secret;
        const storedAtMs = known?.row.settingsAtMs ?? -Infinity;
        const denied =
          hull !== undefined && storedAtMs > hull.savedAtMs && (known?.row.askedAtMs ?? 0) <= hull.askedAtMs;
        const isStoredDateWrong = denied || storedAtMs > latestPlausibleMs;
        const areLatest = privateSettings !== undefined && (isStoredDateWrong || storedAtMs <= atMs);
        if (!isNewSecret && !areLatest) break;
        if (tenant !== undefined && text === known?.text && atMs === storedAtMs) break;
        const sealed = seal.seal(text, tenantPlace(key));
        const row = { key, organization, connectorId, sealed, settingsAtMs: atMs, askedAtMs: hull?.askedAtMs };
        const overwrites = isNewSecret || isStoredDateWrong;
        const stored = await store.saveTenant(row, overwrites ? before?.sealed : undefined);
        tenant = open(stored, account);
        // Otherwise another write came first, and the decision is made again on what it stored.
        if (stored.sealed === sealed || !overwrites) break;
      }
      if (tenant === undefined) throw new Error(`Tenant ${key} could not be stored.`);
      if (tenant.remote === undefined && tenant.target !== undefined) {
        const remote = remoteKey(credentials.organization, credentials.id, tenant.target);
        return open(await store.assign(key, remote, tenant.target.fingerprint), account);
      }
      return tenant;
    },

    connection: (tenant) => {
      const { target, settings, key } = tenant;
      if (target === undefined || settings === undefined) return undefined;
      const current = connections.get(key);
      const isSameTarget = current?.fingerprint === target.fingerprint && current.account === tenant.account;
      if (isSameTarget && current.settings === settings) return current.connection;
      const connection = service.connect(settings, target, authOf(tenant));
      connections.set(key, { fingerprint: target.fingerprint, account: tenant.account, settings, connection });
      return connection;
    },
  };
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
