/** What can be asked of a simulator from another process, `/__sim/…`: declared once, for the answer and for the list. */
import type { Reply } from "../loopback/call";
import type { Arrival, LoopbackDeps } from "../loopback/server";

export interface Call {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: `/__sim/${string}`;
  /** A sentence for people. */
  readonly does: string;
  /** What the query or the body may hold, beyond what the example shows. */
  readonly takes?: () => unknown;
  /** A body that works as it stands. */
  readonly example?: unknown;
  readonly answer: (arrival: Arrival) => Reply | Promise<Reply>;
}

export const LIST_PATH = "/__sim/";

/**
 * Serves the calls, and the list of them at `/__sim/`. They go past books, quota and faults.
 *
 * @param name how people call what is simulated
 */
export function serveCalls(name: string, declared: readonly Call[]): NonNullable<LoopbackDeps["control"]> {
  const list: Call = {
    method: "GET",
    path: LIST_PATH,
    does: "Lists what this simulator can be told.",
    answer: ({ headers }) => shown({ simulates: name, calls: calls.map((call) => listed(call, headers.host ?? "")) }),
  };
  const calls = [list, ...declared];

  return (arrival) => {
    const path = arrival.path === "/__sim" ? LIST_PATH : arrival.path;
    if (path === "/") return hint(name, arrival);
    const there = calls.filter((call) => call.path === path);
    const call = there.find(({ method }) => method === arrival.method);
    if (call !== undefined) return call.answer(arrival);
    const methods = there.map(({ method }) => method).join(" and ");
    const problem = there.length > 0 ? `${path} takes ${methods}, not ${arrival.method}.` : `There is no ${path} here.`;
    return {
      status: there.length > 0 ? 405 : 404,
      body: { error: `${problem} GET ${LIST_PATH} lists what there is.` },
    };
  };
}

/** Whoever opens the address in a browser is shown the way; nobody's API has anything there. */
function hint(name: string, { method, headers }: Arrival): Reply | undefined {
  if (method !== "GET") return undefined;
  const text = `This is a simulated ${name}. What it can be told: http://${headers.host ?? ""}${LIST_PATH}\n`;
  return { status: 200, body: text };
}

function listed({ method, path, does, example, takes }: Call, host: string) {
  return {
    method,
    path,
    does,
    ...(takes === undefined ? {} : { takes: takes() }),
    ...(example === undefined ? {} : { example }),
    try: curl(method, `http://${host}${path}`, example),
  };
}

function curl(method: Call["method"], url: string, body: unknown): string {
  if (body === undefined) return method === "GET" ? `curl ${url}` : `curl -X ${method} ${url}`;
  return `curl -X ${method} -H 'content-type: application/json' -d '${JSON.stringify(body)}' ${url}`;
}

/** JSON that people can read in a terminal. */
function shown(body: unknown): Reply {
  return {
    status: 200,
    body: `${JSON.stringify(body, undefined, 2)}\n`,
    contentType: "application/json; charset=utf-8",
  };
}
