/** How many bodies may be received at once, and how slowly. */
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import type { Request } from "express";
import { createBodies, type Judging } from "../../../server/bodies";
import { createBodyRoom, type RoomLimits } from "../../../server/bodies/room";
import type { Turns } from "../../../server/bodies/turns";
import { HttpError } from "../../../server/http-error";

const LIMITS: RoomLimits = {
  strangers: { bodies: 2, bytes: 100 },
  vouched: { bodies: 1, bytes: 200 },
  known: { bytes: 400 },
};

describe("the room", () => {
  const room = () => {
    const given: string[] = [];
    const bodies = createBodyRoom(LIMITS);
    const enter = (name: string, vouched = false) => bodies.enter(vouched, () => void given.push(name));
    return { given, enter };
  };

  it("has the oldest stranger make way when there are too many", () => {
    const { given, enter } = room();
    for (const name of ["one", "two", "three", "four"]) enter(name);
    expect(given).toEqual(["one", "two"]);
  });

  it("has the oldest stranger make way when they hold too much", () => {
    const { given, enter } = room();
    enter("one").grow(60);
    const two = enter("two");
    two.grow(60);
    expect(given).toEqual(["one"]);
    expect(() => two.grow(60)).toThrow(expect.objectContaining({ status: 503, code: "busy" }) as Error);
  });

  it("lets no stranger push out one with a signature, or one who is known", () => {
    const { given, enter } = room();
    enter("signed", true).grow(90);
    const known = enter("known");
    known.belongsTo("a");
    known.grow(150);
    for (const name of ["one", "two", "three"]) enter(name);
    expect(given).toEqual(["one"]);
  });

  it("has one with a signature make way for the next of those alone", () => {
    const { given, enter } = room();
    enter("one");
    for (const name of ["signed", "signed too"]) enter(name, true).grow(150);
    expect(given).toEqual(["signed"]);
  });

  it("gives one connector half of what all may hold, so that others have theirs", () => {
    const { enter } = room();
    const [greedy, modest] = [enter("greedy"), enter("modest")];
    greedy.belongsTo("a");
    modest.belongsTo("b");
    expect(() => greedy.grow(201)).toThrow(expect.objectContaining({ code: "busy" }) as Error);
    greedy.leave();
    modest.grow(200);
  });

  it("has the connector that holds most make way for another", () => {
    const { given, enter } = room();
    const [first, second, modest] = [enter("first"), enter("second"), enter("modest")];
    first.belongsTo("a");
    second.belongsTo("b");
    modest.belongsTo("c");
    first.grow(200);
    second.grow(199);
    modest.grow(50);
    expect(given).toEqual(["first"]);
  });
});

test("what was read counts until its request is answered, and is pushed out by nobody", async () => {
  const judging: Judging = { member: "configuration", judge: () => Promise.resolve("a"), vouched: false };
  const bodies = createBodies(
    createBodyRoom({ ...LIMITS, strangers: { bodies: 9, bytes: 1_000 }, known: { bytes: 700 } }),
  );
  const begin = () => {
    const res = Object.assign(new EventEmitter(), { closed: false });
    const request = Object.assign(Readable.from([Buffer.from('{"configuration":{"id":"a"}}')]), { headers: {}, res });
    return { res, read: bodies.readUnknown(request as unknown as Request, judging) };
  };
  const first = begin();
  await first.read;
  await expect(begin().read).rejects.toMatchObject({ status: 503, code: "busy" });
  first.res.emit("close");
  await begin().read;
});

test("thousands of pieces of a byte each count for what they take", async () => {
  const limits = { ...LIMITS, strangers: { bodies: 10, bytes: 100_000 } };
  const request = Object.assign(Readable.from(Array.from({ length: 1_000 }, () => Buffer.from(" "))), { headers: {} });
  const judging: Judging = { member: "configuration", judge: () => undefined, vouched: false };
  const read = createBodies(createBodyRoom(limits)).readUnknown(request as unknown as Request, judging);
  await expect(read).rejects.toMatchObject({ status: 503, code: "busy" });
});

describe("a large list", () => {
  const MB = 1024 * 1024;
  const judging: Judging = {
    member: "configuration",
    judge: () => Promise.resolve("a"),
    vouched: false,
    list: "messages",
  };
  const messages = Array.from({ length: 400 }, (_, index) => ({ index, text: `ü€😀,["{${"x".repeat(10_000)}` }));
  const around = { configuration: { id: "a" }, connector: { messages: [1, 2] } };

  /** Reads a body as if it had come over the wire. */
  function read(text: string, headers: Record<string, string> = {}, packed = Buffer.from(text)): Promise<unknown> {
    const request = Object.assign(Readable.from([packed]), { headers });
    return createBodies().readUnknown(request as unknown as Request, judging);
  }

  it("is parsed a piece at a time, and others have their turn before the next", async () => {
    let turns = 0;
    let ticking = setImmediate(function tick() {
      turns += 1;
      ticking = setImmediate(tick);
    });
    const parsed: { readonly bytes: number; readonly turn: number }[] = [];
    const parse = JSON.parse.bind(JSON);
    const spy = jest.spyOn(JSON, "parse").mockImplementation((text, reviver) => {
      parsed.push({ bytes: text.length, turn: turns });
      return parse(text, reviver) as unknown;
    });
    try {
      expect(await read(JSON.stringify({ ...around, messages }))).toEqual({ body: { ...around, messages } });
    } finally {
      spy.mockRestore();
      clearImmediate(ticking);
    }
    const large = parsed.filter(({ bytes }) => bytes > MB / 4);
    expect(large.length).toBeGreaterThan(5);
    expect(Math.max(...large.map(({ bytes }) => bytes))).toBeLessThan(MB);
    expect(new Set(large.map(({ turn }) => turn)).size).toBe(large.length);
  });

  it("may be packed", async () => {
    // So random that it does not pack too well to be believed.
    const noise = messages.map((each) => ({ ...each, noise: randomBytes(2_000).toString("hex") }));
    const body = { ...around, messages: noise };
    expect(await read("", { "content-encoding": "gzip" }, gzipSync(JSON.stringify(body)))).toEqual({ body });
  });

  it("that is no JSON in one place is none at all", async () => {
    const good = JSON.stringify({ ...around, messages });
    for (const bad of [
      good.replace('{"index":200', '{"index":'),
      good.replace('{"index":200', '{,"index":200'),
      good.replace('},{"index":200', '},,{"index":200'),
      good.replace('},{"index":200', '},\ufeff{"index":200'),
      good.replace('},{"index":200', '}],[{"index":200'),
      good.replace(/\]\}$/, ",]}"),
      good.replace(/\]\}$/, "}}"),
      // The same where it is cut.
      good.replace(/\]\}$/, `,"${"x".repeat(MB)}",]}`),
      good.replace(/\]\}$/, `,"${"x".repeat(MB)}",,1]}`),
    ]) {
      await expect(read(bad)).rejects.toMatchObject({ code: "malformed_json" });
    }
  });
});

describe("a body", () => {
  let server: Server;
  let calls: ClientRequest[];
  let arrived: ((judging: IncomingMessage) => void) | undefined;
  const never: Judging = { member: "configuration", judge: () => new Promise(() => undefined), vouched: false };

  /** A server that answers with how the reading ended. */
  async function listen(withinMs: number, judging: Judging = never, turns?: Turns): Promise<void> {
    calls = [];
    const room = createBodyRoom({
      ...LIMITS,
      strangers: { bodies: 1, bytes: 10_000 },
      vouched: { bodies: 1, bytes: 10_000 },
    });
    const bodies = createBodies(room, withinMs, turns);
    server = createServer((request, response) => {
      arrived?.(request);
      bodies.readUnknown(request as Request, judging).then(
        () => response.end("read"),
        (error: unknown) => response.end(error instanceof HttpError ? `${error.status} ${error.code}` : "broken"),
      );
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  }

  /** Sends so much of a body, or the whole of it, and answers what comes back; resolves first when the server has it. */
  async function begin(text: string, whole = false): Promise<{ readonly answer: Promise<string> }> {
    const reached = new Promise((resolve) => (arrived = resolve));
    const call = httpRequest({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", method: "POST" });
    calls.push(call);
    const answer = new Promise<string>((resolve, reject) => {
      call.on("error", reject).on("response", (response) => {
        let said = "";
        response.on("data", (piece: Buffer) => (said += piece.toString())).on("end", () => resolve(said));
      });
    });
    // Some are hung up on by the test itself.
    answer.catch(() => undefined);
    if (whole) call.end(text);
    else call.write(text);
    await reached;
    return { answer };
  }

  afterEach(async () => {
    for (const call of calls) call.on("error", () => undefined).destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("that does not come to its end in time is 408", async () => {
    await listen(1);
    expect(await (await begin('{"messages":[')).answer).toBe("408 too_slow");
  });

  it("of a stranger is given up for the next one", async () => {
    await listen(600_000);
    const first = await begin('{"messages":[');
    await begin('{"messages":[');
    expect(await first.answer).toBe("503 busy");
  });

  it("whose sender is refused is read no further", async () => {
    const refused = new HttpError(401, "wrong_credentials", "No.", { type: "retry", size: 1, in: 1, in_time: 1 });
    await listen(600_000, { ...never, judge: () => Promise.reject(refused) });
    expect(await (await begin('{"configuration":{"id":1},"messages":[')).answer).toBe("401 wrong_credentials");
  });

  describe("where nobody's turn comes", () => {
    const small: Judging = { ...never, judge: () => undefined };
    let works: (() => void)[];
    let isWaited: Promise<void>;
    let turns: Turns;

    beforeEach(() => {
      works = [];
      isWaited = new Promise((resolve) => {
        const take = (work: () => void): void => {
          works.push(work);
          resolve();
        };
        turns = { take };
      });
    });

    it("one of a stranger waits until it does", async () => {
      await listen(600_000, small, turns);
      const { answer } = await begin("{}", true);
      await isWaited;
      for (const work of works) work();
      expect(await answer).toBe("read");
    });

    it("one of a stranger who is given up meanwhile is not looked at", async () => {
      await listen(600_000, small, turns);
      const { answer } = await begin('{"too deep":' + "[".repeat(100));
      await isWaited;
      await begin("{}");
      expect(await answer).toBe("503 busy");
      for (const work of works) work();
    });

    it("one with a signature is read all the same", async () => {
      await listen(600_000, { ...small, vouched: true }, turns);
      expect(await (await begin("{}", true)).answer).toBe("read");
      expect(works).toEqual([]);
    });
  });
});
