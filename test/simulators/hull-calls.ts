import { createHmac } from "node:crypto";
import type { HullSimulator } from "../../simulators/hull";

export const connectorId = "5f0000000000000000000001";
export const secret = "simulated-secret";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An item's token, written here once more from the reference sheet so that it checks the simulator's reading. */
export function itemToken(claims: Record<string, unknown>, key = secret, issuer = connectorId): string {
  const content = `${encode({ typ: "JWT", alg: "HS256" })}.${encode({ iss: issuer, iat: 1, ...claims })}`;
  return `${content}.${createHmac("sha256", key).update(content).digest("base64url")}`;
}

const item = (type: string, token: string, body: unknown) => ({ type, body, headers: { "Hull-Access-Token": token } });

export const userItem = (user: unknown, body: unknown, type = "traits") =>
  item(type, itemToken({ "io.hull.subjectType": "user", "io.hull.asUser": user }), body);
export const accountItem = (account: unknown, body: unknown) =>
  item("traits", itemToken({ "io.hull.subjectType": "account", "io.hull.asAccount": account }), body);
export const linkItem = (user: unknown, account: unknown, body: unknown = {}) =>
  item(
    "traits",
    itemToken({ "io.hull.subjectType": "account", "io.hull.asUser": user, "io.hull.asAccount": account }),
    body,
  );
export const itemWithToken = (token: string) => item("traits", token, { a: 1 });

/** Calls the REST API or the firehose with the connector's credentials. */
export async function hullCall(
  sim: HullSimulator,
  method: string,
  path: string,
  body?: unknown,
  credentials: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(sim.url + path, {
    method,
    headers: {
      "content-type": "application/json",
      "hull-app-id": connectorId,
      "hull-access-token": secret,
      ...credentials,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch {
    return { status: response.status, body: text };
  }
}

export const firehose = async (sim: HullSimulator, batch: readonly unknown[]): Promise<number> =>
  (await hullCall(sim, "POST", "/firehose", { batch })).status;
