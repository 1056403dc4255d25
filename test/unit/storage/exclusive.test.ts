import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, rmdirSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { lockFolder } from "../../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../../src/storage/data-folder/lock-address";
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

  it("whose path no socket address can hold is locked all the same, whatever its spelling", async () => {
    const long = join(folder, "x".repeat(120));
    mkdirSync(long);
    const link = join(folder, "short");
    symlinkSync(long, link);
    const lock = await lockFolder(long);
    await expect(lockFolder(long)).rejects.toThrow(TAKEN);
    await expect(lockFolder(link)).rejects.toThrow(TAKEN);
    expect(existsSync(join(long, "process.lock"))).toBe(false);
    await lock.release();
    const again = await lockFolder(link);
    await expect(lockFolder(long)).rejects.toThrow(TAKEN);
    await again.release();
  });
});

describe("the address for a path that is too long", () => {
  const { makeFolder } = setUpDatabases();
  let folder: string;
  let temporary: string;
  let ours: string;
  beforeEach(() => {
    temporary = makeFolder();
    folder = join(makeFolder(), "x".repeat(120));
    mkdirSync(folder);
    ours = join(temporary, `hull-connector-${userInfo().uid}`);
  });

  it("is in a folder that only this user may enter, another one for each data folder", () => {
    const address = lockAddress(folder, temporary);
    expect(dirname(address)).toBe(ours);
    expect(statSync(ours).mode & 0o777).toBe(0o700);
    expect(lockAddress(folder, temporary)).toBe(address);
    const other = `${folder}y`;
    mkdirSync(other);
    expect(lockAddress(other, temporary)).not.toBe(address);
  });

  it("is not taken where others may enter, or where a link leads elsewhere", () => {
    mkdirSync(ours);
    chmodSync(ours, 0o755);
    expect(() => lockAddress(folder, temporary)).toThrow(/only this user may enter.*Remove it/);
    rmdirSync(ours);
    symlinkSync(makeFolder(), ours);
    expect(() => lockAddress(folder, temporary)).toThrow(/only this user may enter/);
  });

  const isRoot = userInfo().uid === 0;
  (isRoot ? it : it.skip)("is not taken in a folder of somebody else", () => {
    mkdirSync(ours, { mode: 0o700 });
    chownSync(ours, 4711, 4711);
    expect(() => lockAddress(folder, temporary)).toThrow(/only this user may enter/);
  });

  it("is refused by name when the temporary folder's path is too long as well", () => {
    expect(() => lockAddress(folder, join(temporary, "y".repeat(100)))).toThrow(/too long/);
  });
});
