/**
 * Copies the store while it is in use. Only on the machine's own socket (machine.ts): whoever asks names a folder on the server's
 * disk, and nobody does that over the network, not even with ADMIN_TOKEN.
 */
import { isAbsolute } from "node:path";
import { Router } from "express";
import { z } from "zod";
import { BackupError, type Backup } from "../../src/storage/port/disk";
import { refuse } from "../http-error";
import { otherMethods } from "../middleware/errors";
import { ADMIN } from "./route";

export const backupAnswer = z.object({ bytes: z.int(), key_file: z.boolean() });

const wanted = z.object({ to: z.string().refine(isAbsolute) });

/** @param backUp fills an existing empty folder; the signal says that nobody waits any more */
export function backupRoutes(backUp: (to: string, signal: AbortSignal) => Promise<Backup>): Router {
  const path = `${ADMIN}/backup`;
  const router = Router();
  router.post(path, async (request, response) => {
    const { data } = wanted.safeParse(request.query);
    if (data === undefined) throw refuse(400, "invalid_folder", "to: name the folder by its absolute path.");
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const { bytes, hasKey } = await backUp(data.to, gone.signal);
      response.json({ bytes, key_file: hasKey } satisfies z.output<typeof backupAnswer>);
    } catch (error) {
      throw error instanceof BackupError ? refuse(409, "no_backup", error.message) : error;
    }
  });
  router.all(path, otherMethods("POST"));
  return router;
}
