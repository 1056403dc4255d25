/** The whole connector, and one who uses its internal API for Planhat's users. */
import type { Call } from "../../simulators/loopback";
import { CONNECTOR, OPEN_SETTINGS, openFixture, TOKEN, type Fixture, type FixtureOptions } from "../fixture/fixture";
import { basic, send, type Answer, type Sent } from "./asking";

export const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
export const OTHER_TOKEN = "planhat-token-0002";
export const PATH = "/api/internal/users";

export const ANN = { _id: "5d0000000000000000000a01", email: "ann@rep.example", firstName: "Ann", lastName: "Lee" };
export const BOB = { _id: "5d0000000000000000000b01", email: "bob@rep.example", firstName: "Bob", lastName: "Ray" };

export interface Asking extends Sent {
  /** Behind `/api/internal/users`, sent as it is. */
  readonly path?: string;
  readonly query?: string;
  /** Null: nobody. */
  readonly login?: { readonly id: string; readonly secret: string } | null;
  /** Null: none in the query. */
  readonly org?: string | null;
}

export interface UsersFixture extends Fixture {
  /** Calls that reached Planhat, in order. */
  readonly calls: Call[];
  ask(asking?: Asking): Promise<Answer>;
  /** The e-mail addresses on a list that is answered with 200. */
  addresses(asking?: Asking): Promise<readonly unknown[]>;
  /** Calls to Planhat by route. */
  routes(): readonly string[];
}

/** A house with two connectors of one organization, each with a Planhat of its own: Ann in the first, Bob in the second. */
export async function openUsersFixture(options: FixtureOptions = {}): Promise<UsersFixture> {
  const fixture = await openFixture(options);
  fixture.planhat.tenant().seedUser(ANN);
  fixture.planhat.addTenant(OTHER_TOKEN).seedUser(BOB);
  fixture.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: OTHER_TOKEN } });
  const calls: Call[] = [];
  fixture.planhat.on("request", (call) => void calls.push(call));

  const ask = ({ path = "", query = "", login = CONNECTOR, org = fixture.hull.host, ...sent }: Asking = {}) => {
    const parameters = [...(org === null ? [] : [`org=${org}`]), ...(query === "" ? [] : [query])].join("&");
    const headers = {
      ...(login === null ? {} : { authorization: basic(login) }),
      ...(sent.body === undefined ? {} : { "content-type": "application/json" }),
      ...sent.headers,
    };
    return send(fixture.baseUrl, `${PATH}${path}?${parameters}`, { ...sent, headers });
  };
  return Object.assign(Object.create(fixture) as Fixture, {
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

/** Whether any of the secrets of these tests got out. */
export function leaks(text: string): boolean {
  return [TOKEN, OTHER_TOKEN, CONNECTOR.secret, OTHER.secret].some((secret) => text.includes(secret));
}
