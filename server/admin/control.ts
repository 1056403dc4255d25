/**
 * The control channel: on the socket that locks the data folder, command-line tools ask the running server. One line of
 * JSON with a command, one line with the answer, and the connection is closed. A second process that only connects
 * finds out that the folder is taken.
 */
import { connect, type Socket } from "node:net";
import { z } from "zod";
import { command, readAnswer, type Command, type Admin } from "./commands";

const MAX_REQUEST_BYTES = 64 * 1024;
/** A dead letter holds at most one message of a notification, and the HTTP edge limits its size. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** A request is a single line and arrives at once; an answer may take as long as erasing a tenant. */
const REQUEST_MS = 5_000;

const EARLY = "The connection ended early: the server starts or stops, or another tool is at work. Try again.";

const reply = z.union([
  z.object({ ok: z.literal(true), answer: z.unknown() }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);
type Reply = z.output<typeof reply>;

/** @returns the handler of a connection to the socket */
export function createControl(carryOut: (command: Command) => Promise<unknown>): (socket: Socket) => void {
  return (socket) => {
    const finish = (answer: Reply): void => void socket.end(`${JSON.stringify(answer)}\n`);
    // The tool has gone away and needs no answer.
    socket.on("error", () => socket.destroy());
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    readLine(socket, MAX_REQUEST_BYTES).then(
      async (line) => {
        socket.setTimeout(0);
        finish(await answerTo(line, carryOut));
      },
      (error: unknown) => finish({ ok: false, error: words(error) }),
    );
  };
}

async function answerTo(line: string, carryOut: (command: Command) => Promise<unknown>): Promise<Reply> {
  const parsed = command.safeParse(parseJson(line));
  if (!parsed.success)
    return {
      ok: false,
      error: "The server does not know this command; do the tool and the server have the same version?",
    };
  try {
    return { ok: true, answer: await carryOut(parsed.data) };
  } catch (error) {
    return { ok: false, error: words(error) };
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a server listens at the address. */
export function isServed(address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(false);
      else reject(new Error(`The running server cannot be asked at ${address} (${error.code ?? error.message}).`));
    });
  });
}

/** The server that listens at the address; each connection carries one command. */
export function createRemoteAdmin(address: string): Admin {
  return {
    ask: async (name, parameters) => {
      const socket = connect(address);
      socket.write(`${JSON.stringify({ command: name, ...parameters })}\n`);
      try {
        const parsed = reply.safeParse(parseJson(await readLine(socket, MAX_ANSWER_BYTES)));
        if (!parsed.success)
          throw new Error("The server's answer cannot be read; do the tool and the server have the same version?");
        if (!parsed.data.ok) throw new Error(parsed.data.error);
        return readAnswer(name, parsed.data.answer);
      } finally {
        socket.destroy();
      }
    },
  };
}

/** The first line; rejects when the connection ends before the line does, or when the line is too long. */
function readLine(socket: Socket, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    socket.on("data", (chunk: Buffer) => {
      const end = chunk.indexOf("\n");
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += chunk.length;
      if (length > maxBytes) reject(new Error(`A line of more than ${maxBytes} bytes is not read.`));
      else if (end >= 0) resolve(Buffer.concat(chunks).toString("utf8"));
      else return;
      socket.removeAllListeners("data");
      socket.resume();
    });
    socket.once("error", (cause) => reject(new Error(EARLY, { cause })));
    socket.once("close", () => reject(new Error(EARLY)));
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
