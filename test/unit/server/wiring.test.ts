import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../server/config";
import { createLogger } from "../../../server/log";
import { createConnector } from "../../../server/wiring";
import { SERVICES } from "../../../src/services";
import { Roster, rosterService } from "../../fixture/services/roster";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wiring-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a service that cannot be built is said, and leaves the data folder free", async () => {
  const broken = {
    ...rosterService(new Roster()),
    create: () => {
      throw new Error("The roster is not to be had.");
    },
  };
  const services = [...SERVICES, broken];
  const logger = createLogger("silent");
  const opened = (chosen: string) =>
    createConnector(readConfig({ DATA_DIR: folder, SERVICES: chosen }, services), logger, services);
  await expect(opened("planhat,roster")).rejects.toThrow("The roster is not to be had.");
  // Without it the others are served.
  const connector = await opened("planhat");
  expect(() => connector.engine("roster")).toThrow("roster is not served.");
  await connector.close();
});
