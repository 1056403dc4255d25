/**
 * Strangers who want to stop the server, in a process of their own. Their bodies are packed once and their sockets are
 * bare: an attack costs its sender little, and here it must not take processor time from what is measured.
 */
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

export interface Attack {
  readonly url: string;
  /** The connector that they pretend to be. */
  readonly organization: string;
  readonly id: string;
  /** Requests in progress at any moment whose small bodies become large. */
  readonly packed: number;
  /** Bodies that are announced, mostly sent, and then trickled. */
  readonly halfSent: number;
}

/** The results of the requests. */
export interface Tally {
  readonly sent: number;
  /** By status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Hung up on without an answer. */
  readonly cut: number;
}

/** Another address than Hull's: who fails to log in is slowed down by address. */
const ADDRESS = "127.0.0.2";
const EMPTY_OBJECT = "{},";
/** 10 MB, which gzip packs to 10 kB, and 50 MB, which it packs to 50 kB. */
const ELEMENTS = [3_400_000, 17_000_000] as const;
const HALF_SENT = { announced: 49_000_000, sent: 48_000_000, piece: 256_000, everyMs: 50 };
const RECONNECT_MS = 100;

const answers: Record<string, number> = {};
let sent = 0;
let cut = 0;
let ended = false;
let firstSent = 0;

/** Whole requests, head and body: of each size one that names its sender first and one that does so last. */
function packedRequests({ organization, id }: Attack): readonly Buffer[] {
  const configuration = `"configuration":${JSON.stringify({ id, organization, secret: "guessed" })}`;
  return ELEMENTS.flatMap((elements) => {
    const segments = `"segments":[${EMPTY_OBJECT.repeat(elements)}{}]`;
    return [`${segments},${configuration}`, `${configuration},${segments}`].map((members) => {
      const body = gzipSync(`{"notification_id":"n",${members}}`);
      return Buffer.concat([headOf(body.length, "content-encoding: gzip\r\n"), body]);
    });
  });
}

function headOf(length: number, more = ""): Buffer {
  const lines = `host: connector\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}`;
  return Buffer.from(`POST /smart-notifier HTTP/1.1\r\n${lines}\r\n`);
}

/** Keeps one request in progress: when it is answered or cut, it is sent again. */
function attackWith(url: URL, send: (socket: Socket) => void, keepsAlive: boolean, onSent: () => void): void {
  const socket = connect({ host: url.hostname, port: Number(url.port), localAddress: ADDRESS });
  let underway = false;
  const begin = (): void => {
    underway = true;
    sent += 1;
    send(socket);
    onSent();
  };
  socket.setNoDelay(true);
  socket.on("connect", begin);
  // Answers are short, each comes in one piece.
  socket.on("data", (piece) => {
    const text = piece.toString("latin1");
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
    if (status === undefined || !underway) return;
    underway = false;
    answers[status] = (answers[status] ?? 0) + 1;
    if (ended) return;
    if (keepsAlive && !/^connection: close/im.test(text)) begin();
    else socket.destroy();
  });
  socket.on("error", () => undefined);
  socket.on("close", (failed) => {
    if (underway && !ended) cut += 1;
    if (!ended) setTimeout(() => attackWith(url, send, keepsAlive, () => undefined), failed ? RECONNECT_MS : 0);
  });
}

function begin(attack: Attack): void {
  const url = new URL(attack.url);
  const all = attack.packed + attack.halfSent;
  const onSent = (): void => {
    firstSent += 1;
    if (firstSent === all) process.send?.({});
  };
  const requests = packedRequests(attack);
  for (let index = 0; index < attack.packed; index += 1) {
    const request = requests[index % requests.length] ?? Buffer.alloc(0);
    attackWith(url, (socket) => socket.write(request), true, onSent);
  }

  const dribbling = new Map<Socket, number>();
  const head = headOf(HALF_SENT.announced);
  const piece = Buffer.alloc(HALF_SENT.piece, "x");
  const drop = piece.subarray(0, 1);
  for (let index = 0; index < attack.halfSent; index += 1) {
    const send = (socket: Socket): void => {
      socket.write(head);
      socket.write('{"notification_id":"');
      dribbling.set(socket, 0);
    };
    attackWith(url, send, false, onSent);
  }
  setInterval(() => {
    for (const [socket, bytes] of dribbling) {
      if (socket.destroyed) dribbling.delete(socket);
      else if (socket.writableLength < piece.length) {
        const next = bytes < HALF_SENT.sent ? piece : drop;
        socket.write(next);
        dribbling.set(socket, bytes + next.length);
      }
    }
  }, HALF_SENT.everyMs);
}

process.on("message", (message: Attack | "end") => {
  if (message !== "end") {
    begin(message);
    return;
  }
  ended = true;
  const tally: Tally = { sent, answers, cut };
  process.send?.(tally);
});
process.once("disconnect", () => process.exit());
process.send?.({});
