/** The files of the data folder are for the user that the server runs as, whatever an older one or its umask left. */
import { chmodSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openFixture } from "../fixture/fixture";

const OURS = ["store", "store/data.mdb", "store/lock.mdb", "simulations", "secret.key"];

test("a start closes what is ours to other users, and leaves the folder itself as it is", async () => {
  const fixture = await openFixture();
  const modes = (names: readonly string[]): readonly string[] =>
    names.map((name) => (statSync(join(fixture.dataDir, name)).mode & 0o777).toString(8));
  await fixture.stopped(() => {
    mkdirSync(join(fixture.dataDir, "simulations"), { recursive: true });
    chmodSync(fixture.dataDir, 0o755);
    for (const name of OURS) chmodSync(join(fixture.dataDir, name), name.includes(".") ? 0o644 : 0o755);
    return Promise.resolve();
  });
  try {
    expect(modes(["."])).toEqual(["755"]);
    expect(modes(OURS)).toEqual(["700", "600", "600", "700", "600"]);
    expect(modes(["process.lock"])).toEqual(["600"]);
    expect(readdirSync(fixture.dataDir).toSorted()).toEqual(["process.lock", "secret.key", "simulations", "store"]);
  } finally {
    await fixture.close();
  }
});
