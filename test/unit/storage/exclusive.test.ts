import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { lockFolder } from "../../../src/storage/data-folder/exclusive";
import { setUpDatabases } from "./fixture";

const TAKEN = /Another process uses the data folder/;

describe("a data folder", () => {
  const { makeFolder } = setUpDatabases();
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  /** Starts another process that holds the lock. */
  async function holder(): Promise<ChildProcess> {
    const script = join(__dirname, "lock-holder.ts");
    const child = spawn(process.execPath, ["--import", "tsx", script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await once(child.stdout, "data");
    return child;
  }

  it("belongs to one owner, and the second one is told what to do", async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(TAKEN);
    await expect(lockFolder(folder)).rejects.toThrow(/DATA_DIR/);
    await lock.release();
  });

  it("is free again after a release", async () => {
    for (let round = 0; round < 3; round += 1) {
      const lock = await lockFolder(folder);
      await lock.release();
    }
  });

  it("is made when it is missing, parents included", async () => {
    const deep = join(folder, "a", "b");
    const lock = await lockFolder(deep);
    expect(existsSync(deep)).toBe(true);
    await lock.release();
  });

  it("is kept by another living process, and taken over when that was killed", async () => {
    const child = await holder();
    await expect(lockFolder(folder)).rejects.toThrow(TAKEN);
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(TAKEN);
    await lock.release();
  });

  it("goes to one of several who want to take it over at once", async () => {
    const child = await holder();
    child.kill("SIGKILL");
    await once(child, "exit");
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => lockFolder(folder)));
    const winners = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(winners).toHaveLength(1);
    for (const each of results) if (each.status === "rejected") expect(String(each.reason)).toMatch(TAKEN);
    for (const lock of winners) await lock.release();
  });

  it("is taken over even if an earlier take-over was interrupted", async () => {
    const child = await holder();
    child.kill("SIGKILL");
    await once(child, "exit");
    const guard = join(folder, "process.takeover");
    mkdirSync(guard);
    utimesSync(guard, 0, 0);
    const lock = await lockFolder(folder);
    expect(existsSync(guard)).toBe(false);
    await lock.release();
  });

  it("whose path no socket address can hold is refused by name", async () => {
    const long = join(folder, "x".repeat(120));
    await expect(lockFolder(long)).rejects.toThrow(/too long/);
  });
});
