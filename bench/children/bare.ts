/** The yardstick, in a process of its own: Express that parses the same bodies and does nothing with them. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { MAX_BODY_BYTES } from "../../server/bodies";

async function main(): Promise<void> {
  const app = express();
  app.use(express.json({ limit: MAX_BODY_BYTES, type: () => true }));
  app.post("/smart-notifier", (_request, response) => {
    response.json({ flow_control: { type: "next" } });
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

process.once("disconnect", () => process.exit());
void main();
