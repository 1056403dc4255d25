/** Asking a server: one request by supertest, as it is written, or as Hull and its dashboard make it. */
import supertest from "supertest";
import { CONNECTOR, type Fixture } from "../fixture/fixture";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body where it is JSON, else empty. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Texts and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
}

/** @param path with its query; nothing is tidied up on the way */
export async function send(
  baseUrl: string,
  path: string,
  { method = "GET", headers, body }: Sent = {},
): Promise<Answer> {
  const test = new supertest.Test(baseUrl, method, path).responseType("blob");
  const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  void test.set({ ...(isRaw ? {} : { "content-type": "application/json" }), ...headers });
  const payload = body === undefined || isRaw ? body : JSON.stringify(body);
  if (payload !== undefined) void test.serialize((given) => given as string).send(Buffer.from(payload));
  const response = await test;
  const bytes = Buffer.isBuffer(response.body) ? response.body : Buffer.alloc(0);
  const answered = new Headers(response.headers);
  const isJson = bytes.length > 0 && /[/+]json/.test(answered.get("content-type") ?? "");
  const text = bytes.toString();
  const parsed: unknown = isJson ? JSON.parse(text) : {};
  return { status: response.status, headers: answered, bytes, text, body: Object(parsed) as Answer["body"] };
}

/** The header of a log-in. */
export const basic = ({ id, secret }: { readonly id: string; readonly secret: string }): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** @param changes of the usual credentials in the query; undefined takes one out */
export function ask(
  fixture: Fixture,
  path: string,
  changes: Readonly<Record<string, string | undefined>> = {},
  sent: Sent = {},
): Promise<Answer> {
  const given = { organization: fixture.hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret, ...changes };
  return send(fixture.baseUrl, `${path}?${queryOf(given)}`, sent);
}

/** Those parameters that have a value. */
export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(given).toString();
}

/** Saves settings as the dashboard does: Hull tells the connector. */
export async function saveSettings(fixture: Fixture, settings: Readonly<Record<string, unknown>>): Promise<void> {
  fixture.hull.saveSettings(CONNECTOR.id, settings);
  await tellOfSettings(fixture);
}

/** Has Hull say that the settings were saved. */
export async function tellOfSettings(fixture: Fixture): Promise<void> {
  const told = { connectorId: CONNECTOR.id, channel: "ship:update", messages: [], signed: false } as const;
  expect((await fixture.hull.sendOne(fixture.url, told)).status).toBe(200);
}
