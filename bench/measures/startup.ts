/** How long a connector takes until it answers, and what it holds in memory before anything comes. */
import { figure, rounds, type Measure } from "../measure";
import { anonymousBytes, residentBytes } from "../proc";
import { newFolder, startConnector, startSimulators } from "../processes";

const MEBIBYTE = 2 ** 20;

export const startup: Measure = async ({ quick, profiles, deadlineMs }) => {
  const folder = newFolder();
  const simulators = await startSimulators();
  try {
    const results = await rounds(quick ? 2 : 5, deadlineMs, async () => {
      const began = performance.now();
      const connector = await startConnector({ simulators, folder: folder.path, profiles });
      const answer = await fetch(`${connector.url}/ready`);
      const elapsedMs = performance.now() - began;
      const { pid } = connector;
      const memory = { own: anonymousBytes(pid) / MEBIBYTE, all: residentBytes(pid) / MEBIBYTE };
      await connector.stop();
      if (!answer.ok) throw new Error(`/ready answered ${answer.status}.`);
      return { elapsedMs, ...memory };
    });
    const samples = (which: "elapsedMs" | "own" | "all"): number[] => results.map((each) => each[which]);
    return [
      figure("start, until /ready", "ms", samples("elapsedMs")),
      figure("idle, anonymous memory", "MiB", samples("own")),
      figure("idle, all memory", "MiB", samples("all")),
    ];
  } finally {
    await simulators.stop();
    folder.remove();
  }
};
