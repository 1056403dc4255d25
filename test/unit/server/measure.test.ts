import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import supertest from "supertest";
import type { MeasuredNotification } from "../../../server/metrics";
import { measured } from "../../../server/middleware/measure";

let seen: MeasuredNotification[];
/** Resolves when the body of a request to `/endless` was read. */
let begun: Promise<void>;
let server: Server;
let port: number;

beforeEach(async () => {
  seen = [];
  let begin: () => void = () => undefined;
  begun = new Promise((resolve) => (begin = resolve));
  const watch = measured({ notification: (_service, one) => seen.push(one) }, "planhat");
  const app = express();
  app.post("/slow", watch, express.json(), (_request, response) => {
    setTimeout(() => response.json({}), 100);
  });
  app.post("/endless", watch, express.json(), (_request, response) => {
    // Answered when nobody listens any more.
    response.once("close", () => response.json({}));
    begin();
  });
  app.post("/mute", watch, express.json());
  server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function measurement(): Promise<MeasuredNotification | undefined> {
  for (let looks = 0; seen.length === 0 && looks < 200; looks += 1) await new Promise((done) => setTimeout(done, 10));
  return seen[0];
}

test("a notification takes as long as its answer", async () => {
  await supertest(server).post("/slow").send({ channel: "user:update" });
  const found = await measurement();
  expect(found).toMatchObject({ channel: "user:update", status: 200 });
  expect(found?.durationMs).toBeGreaterThan(95);
});

test("one whose sender hangs up has no status, whatever it would have been answered", async () => {
  const headers = { "content-type": "application/json", "content-length": 25 };
  const sending = request({ host: "127.0.0.1", port, path: "/endless", method: "POST", headers });
  sending.on("error", () => undefined);
  sending.end('{"channel":"user:update"}');
  await begun;
  sending.destroy();
  expect(await measurement()).toMatchObject({ channel: "user:update", status: undefined });
});

test("one without a readable body has no channel", async () => {
  await supertest(server).post("/mute").type("text/plain").send("text");
  expect(await measurement()).toMatchObject({ channel: undefined, status: 404 });
});
