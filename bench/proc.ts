/** What Linux says about a process: its CPU time and its own memory. */
import { readFileSync } from "node:fs";

/** `getconf CLK_TCK`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system time of all threads so far, in seconds; known to a hundredth. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold blanks; utime and stime are the 14th and 15th field (man proc_pid_stat).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Anonymous memory: heaps and buffers, without the database file that is mapped into memory. */
export const anonymousBytes = (pid: number): number => memoryOf(pid, "RssAnon");

/** All memory that is in use, the part of the database file that is mapped included. */
export const residentBytes = (pid: number): number => memoryOf(pid, "VmRSS");

function memoryOf(pid: number, kind: "RssAnon" | "VmRSS"): number {
  const line = new RegExp(`^${kind}:\\s+(\\d+) kB$`, "m");
  const [, kilobytes] = line.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  if (kilobytes === undefined) throw new Error(`The kernel does not tell ${kind} of process ${pid}.`);
  return Number(kilobytes) * 1024;
}

/** Watches the memory of a process until asked for the most that was seen. */
export function watchMemory(pid: number, read = anonymousBytes, everyMs = 20): () => number {
  let most = read(pid);
  const timer = setInterval(() => (most = Math.max(most, read(pid))), everyMs);
  return () => {
    clearInterval(timer);
    return Math.max(most, read(pid));
  };
}
