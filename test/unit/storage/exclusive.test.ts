import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, relative } from "node:path";
import { lockFolder } from "../../../src/storage/data-folder/exclusive";
import { lockAddress, MAX_FOLDER_BYTES } from "../../../src/storage/data-folder/lock-address";
import { folderRefusal } from "../../../src/storage/data-folder/make-folder";
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

  it.each([
    [
      "a guard of the future, from before the clock was set back",
      (guard: string) => {
        mkdirSync(guard);
        utimesSync(guard, Date.now() / 1_000 + 86_400, Date.now() / 1_000 + 86_400);
      },
    ],
    [
      "a file in the guard's place",
      (guard: string) => {
        writeFileSync(guard, "");
        utimesSync(guard, 0, 0);
      },
    ],
  ])("is taken over in spite of %s", async (_, leave) => {
    const child = await holder();
    child.kill("SIGKILL");
    await once(child, "exit");
    leave(join(folder, "process.takeover"));
    const lock = await lockFolder(folder);
    expect(existsSync(join(folder, "process.takeover"))).toBe(false);
    await lock.release();
  });

  it("has its socket inside as long as its path leaves room for that, counted in bytes", async () => {
    // A letter of two bytes: what counts is not how many letters there are.
    const bytes = MAX_FOLDER_BYTES - Buffer.byteLength(realpathSync(folder)) - 1;
    const longest = join(folder, `é${"x".repeat(bytes - 2)}`);
    const lock = await lockFolder(longest);
    expect(Buffer.byteLength(join(realpathSync(longest), "process.lock"))).toBe(
      process.platform === "linux" ? 107 : 103,
    );
    expect(existsSync(join(longest, "process.lock"))).toBe(true);
    await expect(lockFolder(longest)).rejects.toThrow(TAKEN);
    await lock.release();
    const longer = await lockFolder(`${longest}x`);
    expect(existsSync(join(`${longest}x`, "process.lock"))).toBe(false);
    await longer.release();
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

describe("a data folder that cannot be", () => {
  const { makeFolder } = setUpDatabases();
  let folder: string;
  beforeEach(() => {
    folder = makeFolder();
    writeFileSync(join(folder, "file"), "");
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
    symlinkSync(join(folder, "circle"), join(folder, "circle"));
  });

  const ELSEWHERE = "Set DATA_DIR to a folder on a local disk that this user may write to.";
  it.each([
    ["file", "it is no folder but a file (EEXIST)"],
    ["file/data", "a part of its path is no folder (EEXIST)"],
    ["dangling", "it is a link that leads nowhere (EEXIST)"],
    ["circle", "it is a link that leads nowhere (EEXIST)"],
    ["dangling/data", "a part of its path is no folder (EEXIST)"],
    ["n".repeat(300), "its path is too long (ENAMETOOLONG)"],
  ])("is named with the reason and what to do: %.20s", async (name, reason) => {
    const path = join(folder, name);
    await expect(lockFolder(path)).rejects.toThrow(`The data folder ${path} cannot be used: ${reason}. ${ELSEWHERE}`);
  });

  it("is named in full when its path is relative", async () => {
    const path = relative(process.cwd(), join(folder, "file"));
    await expect(lockFolder(path)).rejects.toThrow(`The data folder ${path} (${join(folder, "file")}) cannot be used`);
  });

  it.each([
    [
      "EACCES",
      /this user may not write there \(EACCES\)\. Allow .* to write there, or set DATA_DIR to another folder\.$/,
    ],
    ["EROFS", /the file system is mounted read-only \(EROFS\)\. Set DATA_DIR to a folder on a local disk/],
    ["ENOSPC", /the disk is full \(ENOSPC\)\. Make room, or set DATA_DIR to a folder elsewhere\.$/],
    ["EIO", /the file system refuses it \(EIO\)\. Set DATA_DIR/],
  ])("says why after %s", (code, sentence) => {
    expect(folderRefusal(folder, Object.assign(new Error("mkdir"), { code })).message).toMatch(sentence);
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
    expect(() => lockAddress(folder, join(temporary, "y".repeat(100)))).toThrow(
      new RegExp(
        `has \\d+ bytes, which is too long.*set DATA_DIR to a folder whose path has at most ${MAX_FOLDER_BYTES} bytes`,
      ),
    );
  });

  it("is refused by name when the temporary folder is none", () => {
    writeFileSync(join(temporary, "file"), "");
    expect(() => lockAddress(folder, join(temporary, "file"))).toThrow(/no folder can be made for it.*TMPDIR/);
  });
});
