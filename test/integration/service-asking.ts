/** Calls of one service's part of the server, as programs and Hull make them. */
import type { ServiceFixture } from "../fixture/service";
import { basic, queryOf, send, type Answer, type Sent } from "./asking";

type Opened = Pick<ServiceFixture, "fixture">;

interface Login {
  readonly id: string;
  readonly secret: string;
}

export interface Asking extends Omit<Sent, "method"> {
  readonly query?: Readonly<Record<string, string>>;
  /** Null: nobody. */
  readonly login?: Login | null;
  /** Undefined takes it out of the query. */
  readonly org?: string | undefined;
}

/**
 * @param connector whose log-in is used unless another one is given
 * @param secrets what no answer may show
 */
export function createAsking(service: string, connector: Login, secrets: readonly string[]) {
  /** Asks with a log-in. @param call method and path below the service's: `GET /api/internal/runs` */
  async function ask({ fixture }: Opened, call: string, asking: Asking = {}): Promise<Answer> {
    const { query = {}, login = connector, headers, body } = asking;
    const [method = "", path = ""] = call.split(" ");
    const org = "org" in asking ? asking.org : fixture.hull.host;
    const answer = await send(fixture.baseUrl, `/${service}${path}?${queryOf({ org, ...query })}`, {
      method,
      headers: { ...(login === null ? {} : { authorization: basic(login) }), ...headers },
      body,
    });
    expect(secrets.filter((secret) => answer.text.includes(secret))).toEqual([]);
    return answer;
  }

  return {
    ask,
    /** The same of an operation: the path stands below `/api/internal`. */
    operate: (opened: Opened, call: string, asking?: Asking): Promise<Answer> =>
      ask(opened, call.replace(" ", " /api/internal"), asking),
    /** Asks as Hull and its dashboard do, with the credentials in the query. */
    askAsHull: ({ fixture }: Opened, call: string, changes: Asking["query"] = {}): Promise<Answer> => {
      const [method = "", path = ""] = call.split(" ");
      const query = { organization: fixture.hull.host, ship: connector.id, secret: connector.secret, ...changes };
      return send(fixture.baseUrl, `/${service}${path}?${queryOf(query)}`, { method });
    },
  };
}
