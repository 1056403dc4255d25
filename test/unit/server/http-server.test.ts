import { once } from "node:events";
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { createHttpServer } from "../../../server/http-server";

const ASK = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

let server: Server;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function listen(made: Server): Promise<void> {
  server = made;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

async function open(text: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** Whether an answer comes before the connection is closed. */
function isAnswered(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
}

test("connections that only wait make room for whoever asks", async () => {
  await listen(
    createHttpServer((_request, response) => response.end("yes"), { maxConnections: 10, behindProxy: true }),
  );
  for (let n = 0; n < 30; n += 1) expect(await isAnswered(await open(ASK))).toBe(true);
});

test("one address takes a part of the connections, unless it is a proxy's", async () => {
  const silent = (): void => undefined;
  await listen(createHttpServer(silent, { maxConnections: 10 }));
  const first = [await open(ASK), await open(ASK)];
  expect(await isAnswered(await open(ASK))).toBe(false);
  expect(first.map((socket) => socket.destroyed)).toEqual([false, false]);
});

test("a connection on which requests pile up is closed", async () => {
  let asked = 0;
  await listen(createHttpServer(() => (asked += 1)));
  expect(await isAnswered(await open(ASK.repeat(17)))).toBe(false);
  expect(asked).toBe(16);
});
