// The official client and ours say the same things; both speak to a real server and the requests are compared.
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { createHullClient } from "../../../src/hull/client";
import { createFirehose } from "../../../src/hull/firehose/firehose";
import type { FirehoseItem } from "../../../src/hull/firehose/items";
import { signJwt } from "../../../src/http/jwt";
import { decodeToken } from "../../../src/hull/auth/jwt";
import { json, startLoopback, type Loopback, type SeenRequest } from "../../unit/http/loopback";

const credentials = { id: "5c092905c36af496c700012e", secret: "connector-secret-0001" };

let server: Loopback;
let official: SeenRequest[];
let ours: SeenRequest[];

beforeAll(async () => {
  server = await startLoopback((_request, response) => json(response, 200, {}));
  const organization = `127.0.0.1:${server.port}`;
  const url = `${server.url}/firehose`;

  const script = path.join(__dirname, "official-client.js");
  await promisify(execFile)(process.execPath, [script, organization, url, credentials.id, credentials.secret]);
  official = server.seen.splice(0);

  const user = {
    id: "5d25f6ce0f6b1168e10158cb",
    email: "ada@example.com",
    external_id: "u-1",
    anonymous_id: "planhat:p1",
  };
  const items: FirehoseItem[] = [
    {
      type: "traits",
      subject: "user",
      user,
      attributes: { "planhat/id": "p1", score: 0, tags: ["a"], gone: null },
    },
    {
      type: "traits",
      subject: "user",
      user: { email: "ada@example.com" },
      attributes: { name: { operation: "setIfNull", value: "Ada" } },
    },
    {
      type: "traits",
      subject: "account",
      account: { external_id: "c-1", domain: "example.com", anonymous_id: "planhat:c1" },
      attributes: { mrr: 12.5 },
    },
    { type: "link", user: { email: "ada@example.com" }, account: { external_id: "c-1" } },
  ];
  const firehose = createFirehose({ ...credentials, organization, url, maxItems: 1 });
  await firehose.send(items);
  firehose.close();
  const hull = createHullClient({ ...credentials, organization }, { protocol: "http" });
  await hull.getApp();
  await hull.putStatus({ status: "ok", messages: [] });
  hull.close();
  ours = server.seen.splice(0);
});

afterAll(() => server.close());

interface Item {
  readonly type: string;
  readonly body: unknown;
  readonly timestamp: string;
  readonly headers: { readonly "Hull-Access-Token": string };
}

interface Envelope {
  readonly batch: readonly Item[];
  readonly timestamp: string;
  readonly sentAt: string;
}

function envelopes(requests: readonly SeenRequest[]): Envelope[] {
  return requests.filter(({ url }) => url === "/firehose").map(({ body }) => JSON.parse(body) as Envelope);
}

function said(requests: readonly SeenRequest[]): object[] {
  return envelopes(requests)
    .flatMap(({ batch }) => batch)
    .map(({ type, body, headers, ...rest }) => {
      const { iat, ...claims } = decodeToken(headers["Hull-Access-Token"])?.payload ?? {};
      expect(typeof iat).toBe("number");
      return { type, body, claims, keys: Object.keys({ ...rest, ...headers }) };
    });
}

it("both send the same items: types, bodies, claims", () => {
  expect(said(official)).toHaveLength(4);
  expect(said(ours)).toEqual(said(official));
});

it("both wrap them in the same envelope", () => {
  const shape = (requests: readonly SeenRequest[]): string[][] =>
    envelopes(requests).map((envelope) => [...Object.keys(envelope), String(Date.parse(envelope.sentAt) > 0)]);
  expect(shape(ours)).toEqual(shape(official));
});

it("both sign tokens alike, header and signature included", () => {
  for (const requests of [official, ours]) {
    for (const { headers } of envelopes(requests).flatMap(({ batch }) => batch)) {
      const token = headers["Hull-Access-Token"];
      const decoded = decodeToken(token);
      expect(decoded?.header).toEqual({ typ: "JWT", alg: "HS256" });
      expect(signJwt("HS256", decoded?.payload ?? {}, credentials.secret)).toBe(token);
    }
  }
});

it("both make the same REST calls with the same headers", () => {
  const calls = (requests: readonly SeenRequest[]): object[] =>
    requests.map(({ method, url, headers, body }) => ({
      method,
      url,
      body: url === "/firehose" ? "" : body,
      headers: ["content-type", "hull-app-id", "hull-access-token", "hull-organization"].map((name) => headers[name]),
    }));
  expect(calls(official)).toHaveLength(6);
  expect(calls(ours)).toEqual(calls(official));
});
