/** What is said of a full disk: to those who are on the machine everything, to those who ask from outside no more than helps. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { duplexPair } from "node:stream";
import { join } from "node:path";
import express, { Router } from "express";
import request from "supertest";
import { createMachineDoor } from "../../../server/admin/machine";
import { createAdminClient } from "../../../server/cli/client";
import { createLogger } from "../../../server/log";
import { errorAnswers } from "../../../server/middleware/errors";
import { createDisk } from "../../../src/storage/data-folder/disk";

const logger = createLogger("silent");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-words-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Routes that need room, on a disk that has too little. */
function cramped(): Router {
  const storeFile = join(folder, "data.mdb");
  const disk = createDisk({ folder, storeFile, reserveBytes: 2 ** 60, onChange: () => undefined });
  return Router().use(() => disk.assertRoom());
}

test("from outside neither the folder nor a variable is seen", async () => {
  const answer = await request(express().use(cramped(), errorAnswers(logger))).post("/smart-notifier");
  expect(answer).toMatchObject({
    status: 503,
    body: { flow_control: { type: "retry" }, error: { code: "disk_full" } },
  });
  expect(answer.text).toContain("its disk is full or cannot be written. Try again later; if it stays like this, tell");
  expect(answer.text).not.toMatch(/DATA_DIR|MIN_FREE_DISK_MB|disk-words-|bytes/);
});

test("the tools on the machine say which disk it is, and what to do", async () => {
  const serve = createMachineDoor(cramped(), logger);
  const admin = createAdminClient(() => {
    const [ours, theirs] = duplexPair();
    serve(theirs);
    return ours;
  });
  await expect(admin.listTenants()).rejects.toThrow(
    /disk of DATA_DIR \(.*disk-words-.* bytes are free.*Free some space/,
  );
});
