/**
 * The scheduled fetch: how long the first import and a second look at the same endusers take beside a loop that only reads
 * the pages, and whether memory grows with the number of endusers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expectWork, type Figure, type Measure } from "../measure";
import { cpuSeconds, watchMemory } from "../proc";
import { newFolder, startConnector, startPager, startSimulators, type Running, type Simulators } from "../processes";

const SMALL = 20_000;
const MEBIBYTE = 2 ** 20;
/** What the connector asks for, too. */
const PAGE = 2_000;
const LOOK_MS = 100;
/** Of all endusers, in thousandths. */
const TOUCHED = 10;
const CHANGED = 1;

interface FetchRun {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly error?: string;
}

interface Fetched {
  readonly firstMs: number;
  readonly secondMs: number;
  readonly bareMs: number;
  readonly peakMebibytes: number;
  /** CPU time of the first import per 1,000 endusers, in seconds. */
  readonly cpuSecondsPer1000: number;
}

export const fetchMeasure: Measure = async ({ quick, profiles, deadlineMs, endusers }) => {
  const small = await measure(SMALL, profiles, deadlineMs);
  if (quick) return figures(SMALL, small);
  const large = await measure(endusers, profiles, deadlineMs);
  return [
    ...figures(endusers, large),
    {
      name: "peak, many over few endusers",
      unit: "",
      value: large.peakMebibytes / small.peakMebibytes,
      target: { atMost: 1.15 },
    },
    {
      name: "CPU per enduser of the first import, many over few endusers",
      unit: "",
      value: large.cpuSecondsPer1000 / small.cpuSecondsPer1000,
      target: { atMost: 1 },
    },
    { name: `peak, ${SMALL} endusers`, unit: "MiB", value: small.peakMebibytes },
  ];
};

function figures(endusers: number, { firstMs, secondMs, bareMs, peakMebibytes, cpuSecondsPer1000 }: Fetched): Figure[] {
  return [
    {
      name: `first import of ${endusers}, times bare paging`,
      unit: "",
      value: firstMs / bareMs,
      target: { atMost: 8 },
    },
    { name: "second fetch, times bare paging", unit: "", value: secondMs / bareMs, target: { atMost: 3 } },
    { name: "bare paging", unit: "s", value: bareMs / 1_000 },
    { name: "first import", unit: "s", value: firstMs / 1_000 },
    { name: "second fetch", unit: "s", value: secondMs / 1_000 },
    { name: `peak, ${endusers} endusers`, unit: "MiB", value: peakMebibytes, target: { atMost: 320 } },
    { name: "CPU per 1,000 of the first import", unit: "s", value: cpuSecondsPer1000 },
  ];
}

async function measure(endusers: number, profiles: string | undefined, deadlineMs: number): Promise<Fetched> {
  const folder = newFolder();
  const simulators = await startSimulators();
  const pager = await startPager();
  let connector: Running | undefined;
  try {
    await simulators.order({ seed: endusers });
    const paging = { planhatUrl: simulators.planhatUrl, token: simulators.token, limit: PAGE };
    // Once to warm the simulator up.
    await pager.read(paging);
    const bare = await pager.read(paging);
    expectWork("rows of bare paging", endusers, bare.rows);
    connector = await startConnector({ simulators, folder: folder.path, profiles });
    const peak = watchMemory(connector.pid);
    const before = await simulators.order({});
    const cpuBefore = cpuSeconds(connector.pid);
    const first = await fetchAll(connector, simulators, deadlineMs);
    const cpuSecondsPer1000 = ((cpuSeconds(connector.pid) - cpuBefore) / endusers) * 1_000;
    expectWork("records of the first import", endusers, first.run.done);
    const imported = await simulators.order({});
    const told = imported.told - before.told;
    if (told < endusers) throw new Error(`Hull was told of ${told} instead of ${endusers} endusers.`);
    const { changed } = await simulators.order({ touch: { touched: TOUCHED, changed: CHANGED } });
    const second = await fetchAll(connector, simulators, deadlineMs);
    expectWork("messages of the second fetch", changed, (await simulators.order({})).told - imported.told);
    const pages = Math.ceil(endusers / (PAGE - 1));
    if (imported.calls - before.calls > pages + 3) {
      throw new Error(`${imported.calls - before.calls} calls for ${pages} pages.`);
    }
    return {
      firstMs: first.elapsedMs,
      secondMs: second.elapsedMs,
      bareMs: bare.elapsedMs,
      peakMebibytes: peak() / MEBIBYTE,
      cpuSecondsPer1000,
    };
  } finally {
    await Promise.all([connector?.stop(), pager.stop(), simulators.stop()]);
    folder.remove();
  }
}

/** Begins a fetch and waits for its end. @throws Error when it ends otherwise than well, or too late */
async function fetchAll(
  { url }: Running,
  { connector, organization }: Simulators,
  deadlineMs: number,
): Promise<{ readonly run: FetchRun; readonly elapsedMs: number }> {
  const { id, secret } = connector;
  const began = performance.now();
  const query = new URLSearchParams({ organization, ship: id, secret });
  const answer = (await (await fetch(`${url}/fetch/users?${query.toString()}`, { method: "POST" })).json()) as {
    run: string;
  };
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
  for (;;) {
    const address = `${url}/api/internal/runs/${answer.run}?org=${organization}`;
    const run = (await (await fetch(address, { headers: { authorization } })).json()) as FetchRun;
    if (run.state === "success") return { run, elapsedMs: performance.now() - began };
    if (run.state !== "running" && run.state !== "waiting")
      throw new Error(`The fetch ended ${run.state}: ${run.error ?? ""}`);
    if (performance.now() > deadlineMs) throw new Error(`The fetch is not done in time: ${run.done} records.`);
    await sleep(LOOK_MS);
  }
}
