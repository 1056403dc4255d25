/** The whole connector, and one who uses its internal API for Planhat's users. */
import { request as rawRequest } from "node:http";
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, openHouse, TOKEN, type House, type HouseOptions } from "../harness";
import type { EdgeAnswer } from "./edge";

export const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
export const OTHER_TOKEN = "planhat-token-0002";
export const PATH = "/api/internal/users";

export const ANN = { _id: "5d0000000000000000000a01", email: "ann@rep.example", firstName: "Ann", lastName: "Lee" };
export const BOB = { _id: "5d0000000000000000000b01", email: "bob@rep.example", firstName: "Bob", lastName: "Ray" };

export interface Asking {
  readonly method?: string;
  /** Behind `/api/internal/users`, sent as it is: nothing is tidied up on the way. */
  readonly path?: string;
  readonly query?: string;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: nobody. */
  readonly login?: { readonly id: string; readonly secret: string } | null;
  /** Null: none in the query. */
  readonly org?: string | null;
}

export interface UsersHouse extends House {
  /** Calls that reached Planhat, in order. */
  readonly calls: Call[];
  ask(asking?: Asking): Promise<EdgeAnswer>;
  /** The e-mail addresses on a list that is answered with 200. */
  addresses(asking?: Asking): Promise<readonly unknown[]>;
  /** Calls to Planhat by route. */
  routes(): readonly string[];
}

export const basic = ({ id, secret }: { readonly id: string; readonly secret: string }): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** A house with two connectors of one organization, each with a Planhat of its own: Ann in the first, Bob in the second. */
export async function openUsersHouse(options: HouseOptions = {}): Promise<UsersHouse> {
  const house = await openHouse(options);
  house.planhat.tenant().seedUser(ANN);
  house.planhat.addTenant(OTHER_TOKEN).seedUser(BOB);
  house.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: OTHER_TOKEN } });
  const calls: Call[] = [];
  house.planhat.on("request", (call) => void calls.push(call));

  const ask = (asking: Asking = {}): Promise<EdgeAnswer> => {
    const {
      method = "GET",
      path = "",
      query = "",
      body,
      headers = {},
      login = CONNECTOR,
      org = house.hull.host,
    } = asking;
    const parameters = [...(org === null ? [] : [`org=${org}`]), ...(query === "" ? [] : [query])].join("&");
    return send(house.baseUrl, {
      method,
      path: `${PATH}${path}?${parameters}`,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      headers: {
        ...(login === null ? {} : { authorization: basic(login) }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    });
  };
  return Object.assign(Object.create(house) as House, {
    calls,
    ask,
    addresses: async (asking?: Asking) => {
      const { status, text } = await ask(asking);
      expect(status).toBe(200);
      return (JSON.parse(text) as { email: unknown }[]).map(({ email }) => email);
    },
    routes: () => calls.map(({ route }) => route),
  });
}

/** `fetch` would resolve `..` and `%2e%2e` before anything is sent; a malicious caller does not. */
export function send(
  baseUrl: string,
  {
    method,
    path,
    body,
    headers,
  }: { method: string; path: string; body?: string | undefined; headers: Record<string, string> },
): Promise<EdgeAnswer> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const request = rawRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const parsed: unknown = /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text || "{}") : {};
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers(
            Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
          ),
          text,
          body: parsed as EdgeAnswer["body"],
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Whether any of the secrets of these tests got out. */
export function leaks(text: string): boolean {
  return [TOKEN, OTHER_TOKEN, CONNECTOR.secret, OTHER.secret].some((secret) => text.includes(secret));
}
