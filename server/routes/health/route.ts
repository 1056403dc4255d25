/** For operators: is the process up, and can it do its work? */
import { Router } from "express";
import type { Disk } from "../../../src/storage/port/disk";
import type { Store } from "../../../src/storage/port/store";

export interface HealthRouteOptions {
  readonly store: Store;
  readonly disk: Pick<Disk, "trouble">;
  /** False once the shutdown has begun. */
  readonly accepting: () => boolean;
}

export function healthRoutes({ store, disk, accepting }: HealthRouteOptions): Router {
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
    try {
      await store.ping();
      response.json({ status: "ok" });
    } catch {
      response.status(503).json({ status: "error", message: "The store does not answer." });
    }
  });
  return router;
}
