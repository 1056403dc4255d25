/** `/admin/queues`: the Bull queues, shown by bull-board, read-only. */
import { createBullBoard } from "@bull-board/api";
import { BullAdapter } from "@bull-board/api/bullAdapter";
import { ExpressAdapter } from "@bull-board/express";
import type { Queue } from "bull";
import { Router, type Express } from "express";
import { otherMethods } from "../middleware/errors";
import { ADMIN } from "./route";

export const QUEUES = `${ADMIN}/queues`;

/** Scripts and styles of its own, some styles within the page; no fonts from other sites. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'self'";

/** @param queues those of all services; the page is at `QUEUES` */
export function queueRoutes(queues: readonly Queue[]): Router {
  const serverAdapter = new ExpressAdapter().setBasePath(QUEUES);
  createBullBoard({
    queues: queues.map((queue) => new BullAdapter(queue, { readOnlyMode: true })),
    serverAdapter,
    options: { uiConfig: { boardTitle: "Jobs" } },
  });
  const board = serverAdapter.getRouter() as Express;
  board.disable("x-powered-by");
  const refuse = otherMethods("GET, HEAD");
  const router = Router();
  router.use(QUEUES, (request, response, next) => {
    if (!["GET", "HEAD"].includes(request.method)) {
      refuse(request, response, next);
      return;
    }
    response.set("content-security-policy", POLICY);
    next();
  });
  router.use(QUEUES, board);
  return router;
}
