/**
 * A gate between Hull and the connector. It lets everything through, and it knows the two moments that neither side
 * can show: a notification is half received, and an answer is written but not yet delivered.
 */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface GateOptions {
  readonly port: () => number;
  /** Asked at the beginning of every request. True: only its beginning goes through, and `kill` is called. */
  readonly cutsRequest: () => boolean;
  /** Asked with the first bytes of every request; it goes on when that resolves. Default: at once. */
  readonly holds?: (begin: Buffer) => Promise<void> | undefined;
  /** Asked at the beginning of every answer. True: nothing of it goes through, and `kill` is called. */
  readonly cutsAnswer: () => boolean;
  readonly kill: () => Promise<unknown>;
}

export interface Gate {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens a gate on a free port of the loopback interface. */
export async function openGate({ port, cutsRequest, holds, cutsAnswer, kill }: GateOptions): Promise<Gate> {
  const open = new Set<Socket>();
  const server = createServer((hull) => {
    const connector = connect(port(), "127.0.0.1");
    // Requests on one connection follow one another: what comes first after an answer begins the next one.
    let state: "idle" | "asked" | "cut" = "idle";
    const end = (): void => {
      hull.destroy();
      connector.destroy();
    };
    const cut = (): void => {
      state = "cut";
      void kill().finally(end);
    };
    for (const socket of [hull, connector]) {
      open.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        open.delete(socket);
        if (state !== "cut") end();
      });
    }
    hull.on("data", (chunk) => {
      if (state === "cut") return;
      const begins = state === "idle";
      state = "asked";
      const held = begins ? holds?.(chunk) : undefined;
      if (held !== undefined) {
        hull.pause();
        void held.then(() => {
          connector.write(chunk);
          hull.resume();
        });
      } else if (!begins || !cutsRequest()) connector.write(chunk);
      else connector.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), cut);
    });
    connector.on("data", (chunk) => {
      if (state === "cut") return;
      const begins = state === "asked";
      state = "idle";
      if (begins && cutsAnswer()) cut();
      else hull.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
