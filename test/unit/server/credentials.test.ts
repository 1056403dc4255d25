/** What both ways to name credentials make of them, with a Hull that says yes to everything. */
import { tenantKey } from "../../../src/storage/port/lane";
import type { Request } from "express";
import { createBasicAuth } from "../../../server/middleware/basic-auth";
import { createAuthenticator, createLogins } from "../../../server/middleware/authentication";
import { createQueryCredentials } from "../../../server/middleware/query-credentials";
import { type Credentials } from "../../../src/engine/tenants";
import type { CredentialCheck } from "../../../src/hull/auth/credentials";

let confirmed: Credentials[];
let remembered: { readonly given: Credentials; readonly settings: unknown; readonly atMs: number }[];
let updatedAt: unknown;
beforeEach(() => {
  [confirmed, remembered, updatedAt] = [[], [], "2026-03-01T12:00:00Z"];
});

const credentials: CredentialCheck = {
  confirm: (given) => {
    confirmed.push(given);
    return Promise.resolve({
      ok: true,
      connector: { private_settings: { a: 1 }, updated_at: updatedAt },
      askedAtMs: 0,
    });
  },
  forget: () => undefined,
};
const keyOf = ({ organization, id }: Pick<Credentials, "organization" | "id">) =>
  tenantKey("planhat", organization, id);
const tenants = {
  keyOf,
  knows: () => Promise.resolve(false),
  remember: (given: Credentials, settings: unknown, atMs: number) => {
    remembered.push({ given, settings, atMs });
    return Promise.resolve({ key: keyOf(given), credentials: given, problems: [] });
  },
};
const logins = createLogins();
const door = createAuthenticator({ credentials, tenants, source: "planhat", protocol: "https", logins, now: () => 0 });

const inQuery = createQueryCredentials({ authenticator: door, tokenKey: "k", now: () => 0 });
const asLogin = createBasicAuth(door);

const byQuery = (organization: string) => inQuery(request({ organization, ship: "c1", secret: "s" }));
const byLogin = (org: string) => asLogin(request({ org }, `Basic ${btoa("c1:s:with:colons")}`));

function request(query: Readonly<Record<string, string>>, authorization?: string): Request {
  return { query, method: "GET", ip: "127.0.0.1", get: () => authorization } as unknown as Request;
}

test.each([
  ["the query", byQuery, "s"],
  ["a log-in", byLogin, "s:with:colons"],
])("%s names the same tenant in capitals", async (_way, ask, secret) => {
  const { key } = await ask("Acme.HullApp.io");
  expect(key).toBe("planhat/acme.hullapp.io/c1");
  expect(confirmed).toEqual([{ organization: "acme.hullapp.io", id: "c1", secret }]);
});

test.each([
  ["2026-03-01T12:00:00Z", Date.parse("2026-03-01T12:00:00Z")],
  [undefined, 0],
  ["long ago", 0],
])("settings that Hull saved at %p are as old as that: %p", async (given, atMs) => {
  updatedAt = given;
  await byQuery("acme.hullapp.io");
  await byLogin("acme.hullapp.io");
  expect(remembered).toMatchObject([
    { settings: { a: 1 }, atMs },
    { settings: { a: 1 }, atMs },
  ]);
});

test("Hull is asked every time: what is remembered of answers is the check's own", async () => {
  for (let n = 0; n < 3; n += 1) await byLogin("acme.hullapp.io");
  expect(confirmed).toHaveLength(3);
});
