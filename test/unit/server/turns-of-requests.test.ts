/** Whose request is begun when. */
import { once } from "node:events";
import { get, type ClientRequest, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createHttpServer } from "../../../server/http-server";

let server: Server;
let works: (() => void)[];
let asked: (string | undefined)[];

beforeEach(async () => {
  works = [];
  asked = [];
  const app: RequestListener = ({ url }, response) => {
    asked.push(url);
    response.end("done");
  };
  const take = (work: () => void): void => {
    works.push(work);
    server.emit("waiting");
  };
  server = createHttpServer(app, { turns: { take } }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function ask(path: string): ClientRequest {
  const { port } = server.address() as AddressInfo;
  const call = get({ port, host: "127.0.0.1", path, agent: false }, (response) => response.resume());
  return call.on("error", () => undefined);
}

const answered = (call: ClientRequest): Promise<unknown> => once(call, "response");

test("while the turn of others does not come, whoever asks for health is answered", async () => {
  const waiting = once(server, "waiting");
  const call = ask("/smart-notifier");
  await waiting;
  await answered(ask("/health"));
  await answered(ask("/ready"));
  expect(asked).toEqual(["/health", "/ready"]);
  for (const work of works) work();
  await answered(call);
  expect(asked).toEqual(["/health", "/ready", "/smart-notifier"]);
});

test("who hung up before it was his turn is passed over", async () => {
  const waiting = once(server, "waiting");
  const connected = once(server, "connection") as Promise<[Socket]>;
  const call = ask("/smart-notifier");
  const [socket] = await connected;
  await waiting;
  call.destroy();
  await once(socket, "close");
  for (const work of works) work();
  expect(asked).toEqual([]);
});
