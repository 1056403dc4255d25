/** Calls of PlanningPME's part of the server, as programs and Hull make them. */
import { DEFAULT_CREDENTIALS } from "../../../simulators/planningpme";
import { PLANNER, type PlanningPmeFixture } from "../../fixture/planningpme";
import { basic, queryOf, send, type Answer, type Sent } from "../asking";

type Opened = Pick<PlanningPmeFixture, "fixture">;

export interface Asking extends Omit<Sent, "method"> {
  readonly query?: Readonly<Record<string, string>>;
  /** Null: nobody. */
  readonly login?: { readonly id: string; readonly secret: string } | null;
}

/** What no answer and no log line may show. */
export const SECRETS: readonly string[] = [PLANNER.secret, DEFAULT_CREDENTIALS.appKey, DEFAULT_CREDENTIALS.authToken];

/**
 * Asks with a log-in.
 *
 * @param call method and path below `/planningpme`: `GET /api/internal/runs`
 */
export async function ask({ fixture }: Opened, call: string, asking: Asking = {}): Promise<Answer> {
  const { query = {}, login = PLANNER, headers, body } = asking;
  const [method = "", path = ""] = call.split(" ");
  const answer = await send(fixture.baseUrl, `/planningpme${path}?${queryOf({ org: fixture.hull.host, ...query })}`, {
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
export function askAsHull({ fixture }: Opened, call: string): Promise<Answer> {
  const [method = "", path = ""] = call.split(" ");
  const query = { organization: fixture.hull.host, ship: PLANNER.id, secret: PLANNER.secret };
  return send(fixture.baseUrl, `/planningpme${path}?${queryOf(query)}`, { method });
}
