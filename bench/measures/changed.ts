import { post } from "../load";
import { cpuSeconds } from "../proc";
import { CONNECTIONS, openStage } from "../stage";
import { countsOf, drained } from "../watch";

export async function changed({ users, rounds, profiles }: any) {
  const stage = await openStage({ users, profiles });
  try {
    await stage.simulators.order({ latencyMs: 20 });
    await stage.deliver({ round: 1, fat: true });
    for (let r = 2; r < 2 + rounds; r++) {
      const notifications = stage.shipments({ round: r, fat: true }).map((s) => s());
      const pid = stage.connector.pid;
      const cpu = cpuSeconds(pid), t = performance.now();
      await post(stage.connector.url, notifications, CONNECTIONS);
      const posted = performance.now() - t, cpu1 = cpuSeconds(pid);
      await drained(stage.connector.url, 60000);
      const ms = performance.now() - t;
      console.error({ ms, posted, perSecond: users / ms * 1000, cpu: (cpuSeconds(pid) - cpu) / users * 1000, cpuIntake: (cpu1 - cpu) / users * 1000 });
    }
    console.error(await stage.simulators.order({}), await countsOf(stage.connector.url));
  } finally { await stage.close(); }
}
if (process.argv[2] === "changed") changed({ users: 10000, rounds: 4, profiles: process.argv[3] });
