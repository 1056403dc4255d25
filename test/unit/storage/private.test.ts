import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keepPrivate } from "../../../src/storage/data-folder/private";
import { setUpDatabases } from "./fixture";

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe("what others may read", () => {
  const { makeFolder } = setUpDatabases();
  let folder: string;
  beforeEach(() => {
    folder = makeFolder();
    chmodSync(folder, 0o755);
  });

  /** A file below the folder that everybody may read. */
  function open(...names: readonly string[]): string {
    const path = join(folder, ...names);
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    return path;
  }

  it("is closed to them: folders, the files in them, and single files", () => {
    const store = join(folder, "store");
    mkdirSync(store);
    chmodSync(store, 0o755);
    const [data, key] = [open("store", "data.mdb"), open("secret.key")];
    keepPrivate([store, key, join(folder, "missing")]);
    expect([store, data, key].map(mode)).toEqual(["700", "600", "600"]);
  });

  it("stays open where it was not named", () => {
    const other = open("somebody.else");
    keepPrivate([join(folder, "secret.key")]);
    expect([folder, other].map(mode)).toEqual(["755", "644"]);
  });

  it("stays as it is behind a link", () => {
    const elsewhere = open("mounted.key");
    symlinkSync(elsewhere, join(folder, "secret.key"));
    keepPrivate([join(folder, "secret.key")]);
    expect(mode(elsewhere)).toBe("644");
  });

  it("stays as it is when it belongs to somebody else", () => {
    const path = open("secret.key");
    const uid = process.getuid?.() ?? 0;
    const spy = jest.spyOn(process, "getuid").mockReturnValue(uid + 1);
    keepPrivate([path]);
    spy.mockRestore();
    expect(mode(path)).toBe("644");
  });
});
