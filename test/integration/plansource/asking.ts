/** Calls of PlanSource's part of the server, as programs and Hull make them. */
import { DEFAULT_API_USER } from "../../../simulators/plansource/simulator";
import { EMPLOYER, type PlanSourceFixture } from "../../fixture/plansource";
import { basic, queryOf, send, type Answer, type Sent } from "../asking";

type Opened = Pick<PlanSourceFixture, "fixture">;

export interface Asking extends Omit<Sent, "method"> {
  readonly query?: Readonly<Record<string, string>>;
  /** Null: nobody. */
  readonly login?: { readonly id: string; readonly secret: string } | null;
  /** Undefined takes it out of the query. */
  readonly org?: string | undefined;
}

/** What no answer and no log line may show. */
export const SECRETS: readonly string[] = [EMPLOYER.secret, DEFAULT_API_USER.clientSecret];

/**
 * Asks with a log-in.
 *
 * @param call method and path below `/plansource`: `GET /api/internal/runs`
 */
export async function ask({ fixture }: Opened, call: string, asking: Asking = {}): Promise<Answer> {
  const { query = {}, login = EMPLOYER, headers, body } = asking;
  const [method = "", path = ""] = call.split(" ");
  const org = "org" in asking ? asking.org : fixture.hull.host;
  const answer = await send(fixture.baseUrl, `/plansource${path}?${queryOf({ org, ...query })}`, {
    method,
    headers: { ...(login === null ? {} : { authorization: basic(login) }), ...headers },
    body,
  });
  expect(SECRETS.filter((secret) => answer.text.includes(secret))).toEqual([]);
  return answer;
}

/** The same of an operation: the path stands below `/api/internal`. */
export function operate(opened: Opened, call: string, asking?: Asking): Promise<Answer> {
  return ask(opened, call.replace(" ", " /api/internal"), asking);
}

/** Asks as Hull and its dashboard do, with the credentials in the query. */
export function askAsHull({ fixture }: Opened, call: string, changes: Asking["query"] = {}): Promise<Answer> {
  const [method = "", path = ""] = call.split(" ");
  const query = { organization: fixture.hull.host, ship: EMPLOYER.id, secret: EMPLOYER.secret, ...changes };
  return send(fixture.baseUrl, `/plansource${path}?${queryOf(query)}`, { method });
}
