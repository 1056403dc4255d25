import { tenantKey } from "../../../src/storage/port/lane";
import { changeGrant } from "../../../src/engine/authorization/grant";
import { createTenants, remoteKey, type Tenants } from "../../../src/engine/tenants";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { createSeal } from "../../../src/storage/port/seal";
import type { Store } from "../../../src/storage/port/store";
import { createFakeService, type FakeService, type FakeSettings } from "./fake-service";
import { openStore } from "../storage/fixture";

const SECRET = "seal secret of some length";
const CREDENTIALS = { organization: "acme.hull.example", id: "c1", secret: "connector-secret-1" };
const KEY = tenantKey("planhat", CREDENTIALS.organization, CREDENTIALS.id);
const A = { token: "planhat-token-a", host: "one" };
const B = { token: "planhat-token-b", host: "one" };
const PAIR = { accessToken: "access-1", refreshToken: "refresh-1", refreshAtMs: 9e15, endsAtMs: 9e15 };

let store: Store;
let service: FakeService;
let tenants: Tenants<FakeSettings>;

beforeEach(async () => {
  store = await openStore({ database: createMemoryDatabase(), now: () => 0 });
  service = createFakeService();
  tenants = createTenants({ now: () => 0, store, seal: createSeal(SECRET), service });
});

/** Another process, or the same after a restart. */
const restarted = (secret = SECRET): Tenants<FakeSettings> =>
  createTenants({ now: () => 0, store, seal: createSeal(secret), service });

describe("what a confirmed notification says about its connector", () => {
  it("is known from then on, also after a restart", async () => {
    const tenant = await tenants.remember(CREDENTIALS, A, 1);
    expect(tenant).toMatchObject({ key: KEY, credentials: CREDENTIALS, settings: A, problems: [] });
    expect(await tenants.load(KEY)).toBe(tenant);
    expect(await restarted().load(KEY)).toEqual(tenant);
  });

  it("is not known before", async () => {
    expect(await tenants.load(KEY)).toBeUndefined();
  });

  it("replaces older settings and those of the same moment", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    expect((await tenants.remember(CREDENTIALS, B, 2)).settings).toEqual(B);
    expect((await tenants.remember(CREDENTIALS, A, 2)).settings).toEqual(A);
    expect((await restarted().load(KEY))?.settings).toEqual(A);
  });

  it("does not replace newer settings", async () => {
    await tenants.remember(CREDENTIALS, B, 2);
    expect((await tenants.remember(CREDENTIALS, A, 1)).settings).toEqual(B);
    expect((await restarted().remember(CREDENTIALS, A, 1)).settings).toEqual(B);
  });

  it("does not replace settings that were confirmed again later: A, B and back to A, with B arriving last", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    await tenants.remember(CREDENTIALS, A, 5);
    expect((await tenants.remember(CREDENTIALS, B, 3)).settings).toEqual(A);
  });

  it("takes over a secret that was rotated", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    const rotated = { ...CREDENTIALS, secret: "connector-secret-2" };
    expect((await tenants.remember(rotated, A, 1)).credentials.secret).toBe("connector-secret-2");
    expect((await restarted().load(KEY))?.credentials).toEqual(rotated);
  });

  it("takes over settings together with a new secret, whatever those under the former one were dated", async () => {
    await tenants.remember(CREDENTIALS, B, 100);
    const rotated = { ...CREDENTIALS, secret: "connector-secret-2" };
    expect(await tenants.remember(rotated, A, 1)).toMatchObject({ credentials: rotated, settings: A });
    expect(await restarted().load(KEY)).toMatchObject({ credentials: rotated, settings: A });
    expect(await tenants.knows(rotated)).toBe(true);
    expect(await tenants.knows(CREDENTIALS)).toBe(false);
  });

  it("counts less than what Hull itself answers, when it claims to be later than that", async () => {
    await tenants.remember(CREDENTIALS, B, 100);
    expect((await tenants.remember(CREDENTIALS, A, 50, { savedAtMs: 50, askedAtMs: 0 })).settings).toEqual(A);
    expect((await restarted().load(KEY))?.settings).toEqual(A);
  });

  it("keeps what was saved since Hull was asked, when a notification from before is remembered late", async () => {
    await tenants.remember(CREDENTIALS, B, 50, { savedAtMs: 50, askedAtMs: 60 });
    expect((await tenants.remember(CREDENTIALS, A, 1, { savedAtMs: 1, askedAtMs: 40 })).settings).toEqual(B);
    expect((await restarted().remember(CREDENTIALS, A, 1, { savedAtMs: 1, askedAtMs: 40 })).settings).toEqual(B);
    expect((await tenants.remember(CREDENTIALS, A, 1, { savedAtMs: 1, askedAtMs: 70 })).settings).toEqual(A);
  });

  it("is the newest of two that come at once, also when nothing was known before", async () => {
    await Promise.all([tenants.remember(CREDENTIALS, B, 5_000), tenants.remember(CREDENTIALS, A, 1_000)]);
    expect((await restarted().load(KEY))?.settings).toEqual(B);
  });

  it("is dated now when its date lies ahead, also where such a date is stored already", async () => {
    const year = 365 * 86_400_000;
    const stored = await tenants.remember(CREDENTIALS, B, year);
    const row = await store.tenant(stored.key);
    expect(row?.settingsAtMs).toBe(0);
    if (row !== undefined) await store.saveTenant({ ...row, settingsAtMs: year });
    expect((await restarted().remember(CREDENTIALS, A, 0)).settings).toEqual(A);
    expect((await store.tenant(stored.key))?.settingsAtMs).toBe(0);
  });

  it("does not mix up two connectors of one organization", async () => {
    const other = { ...CREDENTIALS, id: "c2", secret: "connector-secret-9" };
    await tenants.remember(CREDENTIALS, A, 1);
    await tenants.remember(other, B, 1);
    expect((await tenants.load(KEY))?.settings).toEqual(A);
    expect((await tenants.load(tenantKey("planhat", other.organization, "c2")))?.credentials).toEqual(other);
  });

  it("has no settings as long as nothing is said about them", async () => {
    const tenant = await tenants.remember(CREDENTIALS, undefined, 1);
    expect(tenant.target).toBeUndefined();
    expect(tenant.settings).toEqual({ host: "one" });
  });

  it("keeps its settings when nothing is said about them later, except under a new secret", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    expect((await tenants.remember(CREDENTIALS, undefined, 2)).settings).toEqual(A);
    expect((await restarted().load(KEY))?.settings).toEqual(A);
    const rotated = { ...CREDENTIALS, secret: "connector-secret-2" };
    expect((await tenants.remember(rotated, undefined, 2)).settings).toEqual({ host: "one" });
  });
});

describe("secrets", () => {
  it("are nowhere in what is stored", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    const stored = JSON.stringify(await store.tenants());
    const bytes = Buffer.from((await store.tenant(KEY))?.sealed ?? "", "base64url").toString("latin1");
    for (const secret of [CREDENTIALS.secret, A.token, SECRET]) {
      expect(stored).not.toContain(secret);
      expect(bytes).not.toContain(secret);
    }
  });

  it("cannot be read from another tenant's row, be the sealed text moved or the whole row", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    await tenants.remember({ ...CREDENTIALS, id: "c2", secret: "connector-secret-2" }, B, 1);
    const [one, two] = await store.tenants();
    if (one === undefined || two === undefined) throw new Error("Both are stored.");
    await store.saveTenant({ ...two, sealed: one.sealed });
    await expect(restarted().load(two.key)).rejects.toThrow(/cannot be read/);
    const moved: Store = { ...store, tenant: () => Promise.resolve(one) };
    await expect(
      createTenants({ now: () => 0, store: moved, seal: createSeal(SECRET), service }).load(two.key),
    ).rejects.toThrow(/cannot be read/);
  });

  it("cannot be read by a process with another key, until Hull confirms them anew", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    const stranger = restarted("another secret of some length");
    await expect(stranger.load(KEY)).rejects.toThrow(/cannot be read with this key/);
    expect((await stranger.remember(CREDENTIALS, A, 1)).settings).toEqual(A);
    expect((await stranger.load(KEY))?.credentials).toEqual(CREDENTIALS);
  });
});

describe("a tenant's remote", () => {
  it("is named by place, not by token, as soon as the settings name a target", async () => {
    expect((await tenants.remember(CREDENTIALS, { host: "one" }, 1)).remote).toBeUndefined();
    const tenant = await tenants.remember(CREDENTIALS, A, 2);
    expect(tenant.remote).toBe("acme.hull.example|https://one.example|connector c1");
    expect(tenant.fingerprint).toBe(tenant.target?.fingerprint);
    expect((await tenants.remember(CREDENTIALS, B, 3)).remote).toBe(tenant.remote);
  });

  it("is named by the account at the service where there is one", () => {
    const target = { baseUrl: "https://x", account: "t1", fingerprint: "f", quotaKey: "q" };
    expect(remoteKey("org", "c1", target)).toBe("org|https://x|t1");
    expect(remoteKey("org", "c1", target)).toBe(remoteKey("org", "c2", target));
  });

  it("and its confirmation stay what they were when the credentials change: verifying is somebody else's work", async () => {
    const before = await tenants.remember(CREDENTIALS, A, 1);
    const after = await tenants.remember(CREDENTIALS, { ...B, host: "two" }, 2);
    expect(after).toMatchObject({ remote: before.remote, fingerprint: before.fingerprint });
    expect(after.target?.fingerprint).not.toBe(before.fingerprint);
  });

  it("and its settings are read again when another process has stored others, and only then", async () => {
    const before = await tenants.remember(CREDENTIALS, A, 1);
    expect(await tenants.load(KEY)).toBe(before);
    await restarted().remember(CREDENTIALS, B, 2);
    expect(await tenants.load(KEY)).toMatchObject({ settings: B });
    await store.forgetTenant(KEY);
    expect(await tenants.load(KEY)).toBeUndefined();
  });

  it("is read again after it was changed underneath", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    await store.assign(KEY, "elsewhere", "f2");
    expect(await tenants.load(KEY)).toMatchObject({ remote: "elsewhere", fingerprint: "f2" });
  });
});

describe("settings that cannot be understood", () => {
  it("leave the tenant without settings and target, with the problem named", async () => {
    const tenant = await tenants.remember(CREDENTIALS, { host: "" }, 1);
    expect(tenant.problems).toEqual(["host is empty"]);
    expect(tenant.settings).toBeUndefined();
    expect(tenants.connection(tenant)).toBeUndefined();
  });

  it("are healed by newer ones", async () => {
    await tenants.remember(CREDENTIALS, { host: "" }, 1);
    expect(await tenants.remember(CREDENTIALS, A, 2)).toMatchObject({ settings: A, problems: [] });
  });
});

describe("what a person granted", () => {
  it("is replaced only by who read it last, in whatever process", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    const [one, two] = [tenants.grantOf(KEY), restarted().grantOf(KEY)];
    expect(await one.replace(undefined, "pair-1")).toBe(true);
    expect(await two.replace(undefined, "pair-x")).toBe(false);
    expect(await Promise.all([one.replace("pair-1", "pair-2"), two.replace("pair-1", "pair-3")])).toEqual([
      true,
      false,
    ]);
    expect([await one.read(), await two.read()]).toEqual(["pair-2", "pair-2"]);
  });

  it("counts as not granted under another key, and can be granted anew", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    await tenants.grantOf(KEY).replace(undefined, "pair-1");
    const later = restarted("another secret of some length").grantOf(KEY);
    expect(await later.read()).toBeUndefined();
    expect(await later.replace("pair-1", "pair-2")).toBe(false);
    expect(await later.replace(undefined, "pair-2")).toBe(true);
    expect(await later.read()).toBe("pair-2");
  });

  it("does not come back after the tenant was erased", async () => {
    await tenants.remember(CREDENTIALS, A, 1);
    const granted = tenants.grantOf(KEY);
    await granted.replace(undefined, "pair-1");
    await store.forgetTenant(KEY);
    expect(await granted.replace("pair-1", "pair-2")).toBe(false);
    expect(await granted.replace(undefined, "pair-2")).toBe(false);
    expect(await granted.read()).toBeUndefined();
    // Whoever changes it again and again until that is possible would never end.
    expect(await changeGrant(granted, () => ({ pair: PAIR }))).toBeUndefined();
  });

  it("is not used up while the settings cannot be understood: it serves when they are mended", async () => {
    const asked: unknown[] = [];
    const authorization: NonNullable<FakeService["authorization"]> = {
      page: () => "https://service.example/authorize",
      tokens: (_settings, form) => {
        asked.push(form["refresh_token"]);
        return Promise.resolve({ value: "access-2", refreshToken: "refresh-2" });
      },
      account: () => Promise.resolve(undefined),
    };
    tenants = createTenants({ now: () => 0, store, seal: createSeal(SECRET), service: { ...service, authorization } });
    const tenant = await tenants.remember(CREDENTIALS, A, 1);
    const ended = { pair: { ...PAIR, refreshAtMs: -1, endsAtMs: -1 } };
    await changeGrant(tenants.grantOf(KEY), () => ended);
    for (const settings of [{ host: "" }, { host: "one" }]) {
      await tenants.remember(CREDENTIALS, settings, 2);
      await expect(tenants.authOf(tenant).headers()).rejects.toMatchObject({ kind: "auth", applied: "no" });
      expect(JSON.parse((await tenants.grantOf(KEY).read()) ?? "")).toEqual(ended);
    }
    await tenants.remember(CREDENTIALS, A, 3);
    expect(await tenants.authOf(tenant).headers()).toEqual({ authorization: "Bearer access-2" });
    expect(asked).toEqual(["refresh-1"]);
  });

  it("serves those alone who know whose account it opens, and the others know it the next time", async () => {
    const authorization: NonNullable<FakeService["authorization"]> = {
      page: () => "https://service.example/authorize",
      tokens: () => Promise.reject(new Error("Nothing has to be renewed.")),
      account: () => Promise.resolve(undefined),
    };
    tenants = createTenants({ now: () => 0, store, seal: createSeal(SECRET), service: { ...service, authorization } });
    const before = await tenants.remember(CREDENTIALS, A, 1);
    await changeGrant(tenants.grantOf(KEY), () => ({ pair: { ...PAIR, account: { id: "7" } } }));
    await expect(tenants.authOf(before).headers()).rejects.toThrow("authorized for another account meanwhile");
    const now = await tenants.load(KEY);
    expect(now?.account).toBe("7");
    expect(await tenants.authOf(now ?? before).headers()).toEqual({ authorization: "Bearer access-1" });
  });
});

describe("the connection of a tenant", () => {
  it("is made once and kept while settings and target are the same", async () => {
    const tenant = await tenants.remember(CREDENTIALS, A, 1);
    const connection = tenants.connection(tenant);
    expect(connection).toBeDefined();
    expect(tenants.connection(await tenants.remember(CREDENTIALS, A, 1))).toBe(connection);
    expect(service.connected).toEqual([A]);
  });

  it("is made anew for other settings", async () => {
    const first = tenants.connection(await tenants.remember(CREDENTIALS, A, 1));
    const second = tenants.connection(await tenants.remember(CREDENTIALS, B, 2));
    expect(second).not.toBe(first);
    expect(service.connected).toEqual([A, B]);
  });

  it("does not exist without a token", async () => {
    expect(tenants.connection(await tenants.remember(CREDENTIALS, { host: "one" }, 1))).toBeUndefined();
  });
});
