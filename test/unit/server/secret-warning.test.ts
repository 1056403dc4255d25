/** A key that does not open what is stored is said at the start: later it would show connector by connector. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../server/config";
import { createLogger } from "../../../server/log";
import { readSecret } from "../../../server/secret";
import { createConnector, type Connector } from "../../../server/wiring";
import { createSeal, grantPlace, tenantPlace } from "../../../src/storage/port/seal";

const FORMER = "the former secret 4711";
const OTHER = "another secret 4711";
const WARNING = "connector.secret.warning";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secret-warning-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly level: string;
  readonly message: string;
  readonly data?: { readonly note?: string };
}

/** Starts the connector, and answers the warnings of its start. */
async function started(secret: string | undefined, work?: (connector: Connector) => Promise<void>): Promise<Line[]> {
  const lines: Line[] = [];
  const logger = createLogger("info", { write: (line) => void lines.push(JSON.parse(line) as Line) });
  const connector = await createConnector(readConfig({ DATA_DIR: folder, SECRET: secret }), logger);
  await work?.(connector);
  await connector.close();
  return lines.filter(({ message }) => message === WARNING);
}

const saving =
  (secret: string, ...ids: readonly string[]) =>
  async ({ store }: Connector): Promise<void> => {
    for (const connectorId of ids) {
      const key = `planhat/acme.hullapp.io/${connectorId}`;
      const sealed = createSeal(secret).seal(JSON.stringify({ secret: "s", privateSettings: {} }), tenantPlace(key));
      await store.saveTenant({ key, organization: "acme.hullapp.io", connectorId, sealed, settingsAtMs: 1 });
    }
  };

test("nothing is said when everything opens, or when nothing is stored", async () => {
  expect(await started(FORMER, saving(FORMER, "c1", "c2"))).toEqual([]);
  expect(await started(FORMER)).toEqual([]);
});

test("with another SECRET it says that none opens, what to do, and what happens otherwise", async () => {
  await started(FORMER, saving(FORMER, "c1", "c2"));
  const [line, ...more] = await started(OTHER);
  expect(more).toEqual([]);
  expect(line).toMatchObject({ level: "warn", data: { connectors: 2, unopened: 2, grants: 0 } });
  expect(line?.data?.note).toBe(
    "With SECRET the stored settings of none of 2 connectors can be opened. Stop, set SECRET to the former one they were " +
      "encrypted with, and start again. Otherwise what waits for a connector stands still until Hull's next notification " +
      "of it brings its settings again.",
  );
  expect(JSON.stringify(line)).not.toContain("4711");
});

test("those that were confirmed anew under the new one are not counted", async () => {
  await started(FORMER, saving(FORMER, "c1", "c2", "c3"));
  const [line] = await started(OTHER, saving(OTHER, "c4"));
  expect(line?.data).toMatchObject({ connectors: 3, unopened: 3 });
  const [later] = await started(OTHER);
  expect(later?.data).toMatchObject({ connectors: 4, unopened: 3 });
  expect(later?.data?.note).toContain("the stored settings of only 1 of 4 connectors can be opened");
});

test("a grant that cannot be opened is counted: a person has to give it again", async () => {
  await started(FORMER, async (connector) => {
    await saving(FORMER, "c1")(connector);
    const key = "planhat/acme.hullapp.io/c1";
    await connector.store.replaceGrant(key, undefined, createSeal(FORMER).seal("tokens", grantPlace(key)));
  });
  expect(await started(FORMER)).toEqual([]);
  const [line] = await started(OTHER);
  expect(line?.data).toMatchObject({ connectors: 1, unopened: 1, grants: 1 });
  expect(line?.data?.note).toContain("Of what people granted, 1 cannot be opened and must be granted again.");
});

test("a SECRET that took the place of the key file is told from a lost one", async () => {
  await started(undefined, async (connector) => {
    await saving(readSecret(undefined, folder), "c1")(connector);
  });
  const [line] = await started(OTHER);
  expect(line?.data?.note).toContain(
    `The key file ${join(folder, "secret.key")} opens them: stop, unset SECRET and start again.`,
  );
  expect(await started(undefined)).toEqual([]);
});

test("a key file that cannot be read stops no start that has a SECRET", async () => {
  await started(FORMER, saving(FORMER, "c1"));
  mkdirSync(join(folder, "secret.key"));
  const [line] = await started(OTHER);
  expect(line?.data?.note).toContain("Stop, set SECRET to the former one they were encrypted with, and start again.");
});

test("without SECRET the key file is named", async () => {
  await started(FORMER, saving(FORMER, "c1"));
  const [line] = await started(undefined);
  expect(line?.data?.note).toMatch(
    /^With the key file .*secret\.key the stored settings of none of 1 connector can be opened\. Stop, set SECRET to the one/,
  );
});
