import { once } from "node:events";
import { get, type ClientRequest, type Server } from "node:http";
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

const port = (): number => (server.address() as AddressInfo).port;

async function open(text: string): Promise<Socket> {
  const socket = connect(port(), "127.0.0.1");
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
  // Those before the one too many, as far as it was their turn before the end.
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(17);
});

describe("whose request is begun when", () => {
  let works: (() => void)[];
  let asked: (string | undefined)[];
  const allTurnsCome = (): void => works.forEach((work) => work());

  beforeEach(async () => {
    [works, asked] = [[], []];
    const take = (work: () => void): void => {
      works.push(work);
      server.emit("waiting");
    };
    const made = createHttpServer(
      ({ url }, response) => {
        asked.push(url);
        response.end("done");
      },
      { turns: { take } },
    );
    await listen(made);
  });

  const ask = (path: string): ClientRequest =>
    get({ port: port(), host: "127.0.0.1", path, agent: false }, (response) => response.resume()).on(
      "error",
      () => undefined,
    );
  const answered = (call: ClientRequest): Promise<unknown> => once(call, "response");

  test("while the turn of others does not come, whoever asks for health is answered", async () => {
    const waiting = once(server, "waiting");
    const call = ask("/smart-notifier");
    await waiting;
    await answered(ask("/health"));
    await answered(ask("/ready"));
    expect(asked).toEqual(["/health", "/ready"]);
    allTurnsCome();
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
    allTurnsCome();
    expect(asked).toEqual([]);
  });
});
