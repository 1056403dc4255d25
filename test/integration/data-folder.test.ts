/** The files of the data folder: for the user that the server runs as alone, and no others, whatever was there before. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFixture } from "../fixture/fixture";

const OURS = ["store", "store/data.mdb", "store/lock.mdb", "secret.key"];

test("a start closes what is ours to other users, and leaves the folder itself as it is", async () => {
  const fixture = await openFixture();
  const modes = (names: readonly string[]): readonly string[] =>
    names.map((name) => (statSync(join(fixture.dataDir, name)).mode & 0o777).toString(8));
  await fixture.stopped(() => {
    chmodSync(fixture.dataDir, 0o755);
    for (const name of OURS) chmodSync(join(fixture.dataDir, name), name.includes(".") ? 0o644 : 0o755);
    return Promise.resolve();
  });
  try {
    expect(modes(["."])).toEqual(["755"]);
    expect(modes(OURS)).toEqual(["700", "600", "600", "600"]);
    expect(modes(["process.lock"])).toEqual(["600"]);
    expect(readdirSync(fixture.dataDir).toSorted()).toEqual(["process.lock", "secret.key", "store"]);
  } finally {
    await fixture.close();
  }
});

test("a start removes what dry runs of former versions left, and nothing else", async () => {
  const fixture = await openFixture();
  await fixture.stopped(() => {
    mkdirSync(join(fixture.dataDir, "simulations", "simulation-abc"), { recursive: true });
    writeFileSync(join(fixture.dataDir, "simulations", "simulation-abc", "data.mdb"), "");
    writeFileSync(join(fixture.dataDir, "simulations-notes"), "");
    return Promise.resolve();
  });
  try {
    const names = readdirSync(fixture.dataDir).toSorted();
    expect(names).toEqual(["process.lock", "secret.key", "simulations-notes", "store"]);
  } finally {
    await fixture.close();
  }
});
