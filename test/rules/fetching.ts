/** A stage on which Planhat is fetched back: runs from their call to their end, what Hull took, and a clock to move. */
import { isObject } from "../../simulators/loopback/call";
import { decodeToken } from "../../src/hull/auth/jwt";
import type { RunRow } from "../../src/storage/port/rows";
import { CONNECTOR, type HouseOptions, type LogRecord } from "../harness";
import { useStages, type Stage } from "./stage";

type Bag = Readonly<Record<string, unknown>>;
type What = "users" | "accounts";

/** One item that Hull answered with 2xx. */
export interface ToldItem {
  readonly type: string;
  readonly user?: Bag;
  readonly account?: Bag;
  /** Attributes; of a link none. */
  readonly body: Bag;
}

export interface RouteAnswer {
  readonly ok: boolean;
  readonly state: "begun" | "underway" | "early" | "halted";
  readonly run?: string;
  readonly next_at?: string;
  readonly message: string;
}

export interface FetchStage extends Stage {
  /** Everything that Hull took, in order. */
  readonly told: readonly ToldItem[];
  /** Calls the route as Hull's schedule does. */
  call(what: What, query?: string): Promise<RouteAnswer>;
  /** A run that ended. */
  ended(id: string): Promise<RunRow>;
  /** The same, once its end stands in the log. */
  announced(id: string): Promise<RunRow>;
  /** A fetch from the call to its end, however it ends. */
  fetch(what: What, query?: string): Promise<RunRow>;
  /** The same of companies, then of endusers; answers what Hull was told meanwhile. */
  fetchBoth(): Promise<readonly ToldItem[]>;
  /** What Hull took while something was done. */
  during(work: () => Promise<unknown>): Promise<readonly ToldItem[]>;
  /** Moves the time forward. */
  pass(minutes: number): void;
  /** An instant so many minutes before now. */
  ago(minutes: number): string;
}

/**
 * Opens stages; after each test they are closed, and nothing may have thrown behind the scenes.
 *
 * @param usual the query of a fetch that names none
 */
export function useFetching(usual = "force=1"): (options?: HouseOptions) => Promise<FetchStage> {
  const open = useStages();
  const opened: FetchStage[] = [];
  const realNow = Date.now;
  let aheadMs = 0;
  beforeEach(() => {
    aheadMs = 0;
    jest.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const { logs } of opened.splice(0)) {
      expect(logs.filter(({ message }) => message === "connector.job.error")).toEqual([]);
    }
  });
  return async (options) => {
    const stage = openFetching(await open(options), usual, (minutes) => (aheadMs += minutes * 60_000));
    opened.push(stage);
    return stage;
  };
}

function openFetching(stage: Stage, usual: string, pass: (minutes: number) => void): FetchStage {
  const told: ToldItem[] = [];
  stage.hull.on("answered", ({ route, result, body }) => {
    if (route !== "POST /firehose" || result !== "200" || !isObject(body)) return;
    const batch = body["batch"];
    if (Array.isArray(batch)) told.push(...batch.map(itemOf));
  });

  const call: FetchStage["call"] = async (what, query = "") => {
    const named = { organization: stage.hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret };
    const address = `${stage.baseUrl}/fetch/${what}?${new URLSearchParams(named).toString()}&${query}`;
    const answer = await fetch(address, { method: "POST" });
    expect(answer.status).toBe(200);
    return (await answer.json()) as RouteAnswer;
  };
  const ended: FetchStage["ended"] = async (id) => {
    let run: RunRow | undefined;
    await stage.until(async () => {
      run = await stage.connector.store.run(id);
      return run?.endedAtMs !== undefined;
    });
    if (run === undefined) throw new Error(`There is no run ${id}.`);
    return run;
  };
  const announced: FetchStage["announced"] = async (id) => {
    const isEnd = ({ message, data }: LogRecord): boolean =>
      ["incoming.job.success", "incoming.job.error"].includes(message) && data?.["run"] === id;
    await stage.until(() => stage.logs.some(isEnd));
    return ended(id);
  };
  const fetchOne: FetchStage["fetch"] = async (what, query = usual) => {
    const { run, message } = await call(what, query);
    if (run === undefined) throw new Error(`No fetch has begun: ${message}`);
    return ended(run);
  };
  const during: FetchStage["during"] = async (work) => {
    const before = told.length;
    await work();
    return told.slice(before);
  };
  return Object.assign(Object.create(stage) as Stage, {
    told,
    call,
    ended,
    announced,
    fetch: fetchOne,
    during,
    pass,
    fetchBoth: () =>
      during(async () => {
        for (const what of ["accounts", "users"] as const) {
          expect(await fetchOne(what)).toMatchObject({ state: "success" });
        }
      }),
    ago: (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString(),
  });
}

function itemOf(item: unknown): ToldItem {
  if (!isObject(item) || !isObject(item["headers"])) throw new Error("This is no item of the firehose.");
  const token = decodeToken(String(item["headers"]["Hull-Access-Token"]));
  const { "io.hull.asUser": user, "io.hull.asAccount": account } = token?.payload ?? {};
  return {
    type: String(item["type"]),
    body: isObject(item["body"]) ? item["body"] : {},
    ...(isObject(user) ? { user } : {}),
    ...(isObject(account) ? { account } : {}),
  };
}
