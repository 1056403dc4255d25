/** How many notifications of 100 unchanged users are handled in a second, beside an Express that only parses them. */
import { post } from "../load";
import { cpuSeconds } from "../proc";
import { startBare, type Running } from "../processes";
import { CONNECTIONS, openStage, SHIPMENT, type Stage } from "../stage";
import { median } from "../statistics";
import { countsOf } from "../watch";

const USERS = 1_000;

export async function throughput({ rounds, perRound, profiles }: any) {
  const bare = await startBare();
  const quiet = await openStage({ users: USERS, profiles });
  const chatty = await openStage({ users: USERS, profiles, environment: { LOG_LEVEL: "debug" } });
  try {
    const run = async (target: Running, stage: Stage) => {
      const shipments = stage.shipments({ round: 1, fat: true });
      const notifications = Array.from({ length: perRound }, (_, i) => shipments[i % shipments.length]!());
      const cpu = cpuSeconds(target.pid);
      const { elapsedMs } = await post(target.url, notifications, CONNECTIONS);
      return { perSecond: perRound / elapsedMs * 1000, cpu: (cpuSeconds(target.pid) - cpu) / perRound * 10 };
    };
    console.error("bytes", quiet.shipments({ round: 1, fat: true })[0]!().body().length);
    for (const s of [quiet, chatty]) { await s.deliver({ round: 1, fat: true }); console.error(await countsOf(s.connector.url)); }
    const out: any = { bare: [], quiet: [], chatty: [] };
    for (let r = 0; r <= rounds; r++) {
      const b = await run(bare, quiet), q = await run(quiet.connector, quiet), c = await run(chatty.connector, chatty);
      if (r > 0) { out.bare.push(b); out.quiet.push(q); out.chatty.push(c); }
      console.error(b, q, c);
    }
    for (const s of [quiet, chatty]) console.error(await countsOf(s.connector.url));
    const med = (n: string, k: string) => median(out[n].map((x: any) => x[k]));
    for (const n of ["quiet", "chatty"]) console.error(n, "share", median(out[n].map((x: any, i: number) => x.perSecond / out.bare[i].perSecond)), "cpu share", median(out[n].map((x: any, i: number) => out.bare[i].cpu / x.cpu)), "cpu/1000", med(n, "cpu"), "bare", med("bare", "cpu"));
  } finally {
    await Promise.all([bare.stop(), quiet.close(), chatty.close()]);
  }
}
void SHIPMENT;
if (process.argv[2] === "throughput") throughput({ rounds: 5, perRound: 200, profiles: process.argv[3] });
