/** For operators: is the process up, and can it do its work? */
import { Router } from "express";
import { withTimeout } from "../../../src/engine/rules/timeout";
import type { Disk } from "../../../src/storage/port/disk";
import type { Store } from "../../../src/storage/port/store";

export interface HealthRouteOptions {
  readonly store: Pick<Store, "ping">;
  readonly disk: Pick<Disk, "trouble">;
  /** What operators should know although the server can do its work; sentences. */
  readonly warnings: () => Promise<readonly string[]>;
  /** False once the shutdown has begun. */
  readonly accepting: () => boolean;
}

const ANSWER_WITHIN_MS = 3_000;

export function healthRoutes({ store, disk, warnings, accepting }: HealthRouteOptions): Router {
  const router = Router();

  router.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });

  router.get("/ready", async (_request, response) => {
    if (!accepting()) {
      response.status(503).json({ status: "closing" });
      return;
    }
    const message = disk.trouble();
    if (message !== undefined) {
      response.status(503).json({ status: "error", message });
      return;
    }
    // Probes of load balancers do not wait for long.
    const asked = Promise.all([warnings(), store.ping()]).then(
      ([said]) => said,
      () => undefined,
    );
    const said = await withTimeout(ANSWER_WITHIN_MS, asked);
    if (said !== undefined) response.json({ status: "ok", warnings: said.length === 0 ? undefined : said });
    else response.status(503).json({ status: "error", message: "The store does not answer." });
  });
  return router;
}
