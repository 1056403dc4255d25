import { gzipSync } from "node:zlib";
import type { ExtractFault, ExtractFile } from "../../../simulators/hull";
import { createFakeTime, settle } from "../http/fake-time";
import { failureOf, lines, readAll, startReading } from "./extract-reading";

const reading = startReading();
const { sim } = reading;
const reader = (options = {}) => reading.reader(options);
const port = (): string => sim.host.split(":")[1] ?? "";
const toLoopback = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
const row = (id: number) => ({
  index: id,
  bytes: expect.any(Number) as number,
  row: { ok: true, value: { id, padding: "" } },
});

function publish(file: Partial<ExtractFile> = {}, fault?: ExtractFault) {
  const published = sim.publishExtract({ content: lines(0, 3), ...file });
  published.fail(fault);
  return published;
}

describe("the link", () => {
  it.each([
    [
      "a host that is not listed",
      "https://evil.example.com/file?X-Amz-Signature=s",
      "ask those who run this server to allow it",
    ],
    ["plain http", "http://files.hullapp.io/file?X-Amz-Signature=s", "only https"],
    ["plain http on port 80 of a host named without its port", "http://s3.amazonaws.com/f?X-Amz-Signature=s", "https"],
    ["a private address", "https://10.0.0.1/file", "not allowed"],
    ["an address in disguise", "https://2130706433/file", "not an address"],
    ["a password", "https://me:secret@files.hullapp.io/file", "not an address"],
    ["another protocol", "file:///etc/passwd", "not an address"],
    ["no link", "files.hullapp.io/file", "not an address"],
  ])("is refused for %s, without asking anybody", async (_why, url, message) => {
    const resolve = jest.fn();
    const options = { hosts: ["*.hullapp.io", "s3.amazonaws.com", "127.0.0.1:*"], resolve };
    const error = await failureOf(reader(options), { url });
    expect(error).toMatchObject({ kind: "forbidden_url", retryable: false, atRow: 0 });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("secret");
    expect(resolve).not.toHaveBeenCalled();
  });

  it("is refused when the host name leads to a private address", async () => {
    const url = `https://rebound.hullapp.io:${port()}/file?X-Amz-Signature=s`;
    const error = await failureOf(reader({ hosts: ["*.hullapp.io:*"], resolve: toLoopback }), { url });
    expect(error).toMatchObject({ kind: "forbidden_url", retryable: false });
    expect(error.message).toContain("private address");
  });

  it("may use plain http and a private address for a host that is named with its port", async () => {
    const published = publish();
    const url = published.url.replace("127.0.0.1", "storage.test");
    const { rows, error } = await readAll(reader({ hosts: [`storage.test:${port()}`], resolve: toLoopback }), { url });
    expect([rows.length, error]).toEqual([3, undefined]);
  });

  it("is asked for once, with GET and without credentials", async () => {
    const published = publish();
    const headers: unknown[] = [];
    const stop = sim.on("request", (call) => void headers.push(call.method, Object.keys(call.headers).sort()));
    await readAll(reader(), { url: published.url });
    stop();
    expect(headers).toEqual(["GET", ["accept", "accept-encoding", "connection", "host", "user-agent"]]);
    expect(published.downloads).toBe(1);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("is followed (%i)", async (status) => {
    const target = publish();
    const { url } = publish({}, { kind: "redirect", to: target.url, status });
    expect((await readAll(reader(), { url })).rows).toEqual([row(0), row(1), row(2)]);
  });

  it("is read as a part of the address that sent it", async () => {
    const { pathname, search } = new URL(publish().url);
    const { url } = publish({}, { kind: "redirect", to: `..${pathname}${search}` });
    expect((await readAll(reader(), { url })).rows).toHaveLength(3);
  });

  it.each([
    ["a host that is not listed", "https://evil.example.com/file?X-Amz-Signature=s", "evil.example.com/file"],
    ["a private address that is not listed", "http://169.254.169.254/latest/meta-data?X-Amz-Signature=s", "169.254"],
    ["another protocol", "file:///etc/passwd", "not an address"],
    ["nowhere", "http://", "not an address"],
  ])("to %s is refused", async (_where, to, message) => {
    const error = await failureOf(reader(), publish({}, { kind: "redirect", to }));
    expect(error).toMatchObject({ kind: "forbidden_url", retryable: false, atRow: 0 });
    expect(error.message).toContain(message);
  });

  it("from a public host into one's own network is refused, even to a host that is listed", async () => {
    const inner = publish();
    const outer = publish({}, { kind: "redirect", to: inner.url });
    const options = { hosts: ["127.0.0.1:*", `files.test:${port()}`], resolve: toLoopback };
    const url = outer.url.replace("127.0.0.1", "files.test");
    const error = await failureOf(reader(options), { ...outer, url });
    expect(error.message).toContain("public host");
    expect([outer.downloads, inner.downloads]).toEqual([1, 0]);
  });

  it("after five others is one too many", async () => {
    let { url } = publish();
    for (let i = 0; i < 5; i += 1) ({ url } = publish({}, { kind: "redirect", to: url }));
    expect((await readAll(reader(), { url })).rows).toHaveLength(3);
    const error = await failureOf(reader(), publish({}, { kind: "redirect", to: url }));
    expect(error).toMatchObject({ kind: "http_status", retryable: false });
    expect(error.message).toContain("more than 5 times");
  });
});

describe("an answer without an extract", () => {
  it.each([
    [403, false, "such links expire"],
    [404, false, "such links expire"],
    [410, false, "such links expire"],
    [400, false, "Send the batch"],
    [206, false, "Send the batch"],
    [429, true, "tried again"],
    [503, true, "tried again"],
  ])("with status %i is told apart", async (status, retryable, message) => {
    const error = await failureOf(reader(), publish({}, { kind: "status", status }), { skipRows: 7 });
    expect(error).toMatchObject({ kind: "http_status", status, retryable, atRow: 7 });
    expect(error.message).toContain(message);
    expect(error.message).toContain(`${sim.host}/extracts/`);
  });

  it("lies behind a link whose signature is wrong", async () => {
    const { url, signature } = publish();
    const error = await failureOf(reader(), { url: url.replace(signature, "other") });
    expect(error).toMatchObject({ kind: "http_status", status: 403, retryable: false });
  });

  it("is a web page, by its content type or by its first character", async () => {
    for (const type of ["text/html; charset=utf-8", "application/json"]) {
      const error = await failureOf(reader(), publish({}, { kind: "page", type }));
      expect(error).toMatchObject({ kind: "not_an_extract", retryable: false, atRow: 0 });
    }
    const packed = publish({ content: gzipSync("\ufeff \n<html>"), format: "csv" });
    expect(await failureOf(reader(), packed, { format: "csv" })).toMatchObject({ kind: "not_an_extract" });
  });

  it("is JSON where CSV was announced", async () => {
    expect(await failureOf(reader(), publish(), { format: "csv" })).toMatchObject({ kind: "not_an_extract" });
  });

  it("is a CSV file whose header cannot be read", async () => {
    const content = `id,"na"me\n1,Ada\n`;
    const error = await failureOf(reader(), publish({ format: "csv", content }), { format: "csv" });
    expect(error).toMatchObject({ kind: "not_an_extract", retryable: false });
    expect(error.message).toContain("its header has a quote in the wrong place");
  });

  it("is packed in a way that we did not ask for; encodings of the way there do not matter", async () => {
    const error = await failureOf(reader(), publish({ headers: { "content-encoding": "br" } }));
    expect(error).toMatchObject({ kind: "not_an_extract", retryable: false });
    expect(error.message).toContain("packed with br");
    const { url } = publish({ headers: { "content-encoding": "aws-chunked" } });
    expect((await readAll(reader(), { url })).rows).toHaveLength(3);
  });

  it("is a damaged gzip file", async () => {
    const content = gzipSync(lines(0, 1_000));
    content.fill(0xff, 100, 200);
    expect(await failureOf(reader(), publish({ content }))).toMatchObject({ kind: "not_an_extract", retryable: false });
  });
});

describe("a download that breaks off", () => {
  const content = lines(0, 10);
  const afterBytes = content.indexOf('{"id":5') + 5;

  it.each(["length", "chunked"] as const)("is interrupted, with the rows before it given out (%s)", async (framing) => {
    const published = publish({ content, framing }, { kind: "cut", afterBytes });
    const { rows, error } = await readAll(reader(), { url: published.url });
    expect(rows).toEqual([row(0), row(1), row(2), row(3), row(4)]);
    expect(error).toMatchObject({ name: "ExtractError", kind: "interrupted", retryable: true, atRow: 5 });
  });

  it("goes on where it ended, without a row twice or none", async () => {
    const published = publish({ content }, { kind: "cut", afterBytes });
    const first = await readAll(reader(), { url: published.url });
    const { atRow: skipRows } = await failureOf(reader(), published, { skipRows: 2 });
    published.fail(undefined);
    const second = await readAll(reader(), { url: published.url, skipRows });
    expect([...first.rows, ...second.rows]).toEqual(Array.from({ length: 10 }, (_, id) => row(id)));
  });

  it("before the rows that are done were passed, misses none but those after them", async () => {
    const error = await failureOf(reader(), publish({ content }, { kind: "cut", afterBytes }), { skipRows: 8 });
    expect(error).toMatchObject({ kind: "interrupted", atRow: 8 });
  });

  it("is noticed by the end of gzip where nothing else tells", async () => {
    const packed = gzipSync(content);
    const cut = publish({ content: packed.subarray(0, packed.length - 6), framing: "close" });
    expect(await failureOf(reader(), cut)).toMatchObject({ kind: "interrupted", retryable: true });
  });

  it("without any byte is interrupted too", async () => {
    const faults = sim.faults.add({ kind: "reset-before", route: "GET /extracts/:name", count: 1 });
    expect(await failureOf(reader(), publish())).toMatchObject({ kind: "interrupted", retryable: true, atRow: 0 });
    faults.remove();
  });
});

describe("a host that cannot be reached", () => {
  it("refuses the connection", async () => {
    // No port that a test is ever given.
    const url = "http://127.0.0.1:1/f?X-Amz-Signature=s";
    expect(await failureOf(reader(), { url })).toMatchObject({ kind: "unreachable", retryable: true });
  });

  it("has no address", async () => {
    const resolve = () => Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }));
    const options = { hosts: ["*.hullapp.io"], resolve };
    const error = await failureOf(reader(options), { url: "https://files.hullapp.io/f?X-Amz-Signature=s" });
    expect(error).toMatchObject({ kind: "unreachable", retryable: true });
  });

  it("speaks no TLS", async () => {
    const options = { hosts: [`files.test:${port()}`], resolve: toLoopback };
    const error = await failureOf(reader(options), { url: `https://files.test:${port()}/f?X-Amz-Signature=s` });
    expect(error).toMatchObject({ kind: "unreachable", retryable: false });
  });
});

describe("a download that stands still", () => {
  it.each([
    ["before the answer", 0, true],
    ["after the headers", 0, false],
    ["in the middle", 100, false],
  ])("is interrupted after its time (%s)", async (_when, afterBytes, isSilent) => {
    const time = createFakeTime();
    const published = publish({ content: lines(0, 1_000) }, { kind: "stall", afterBytes });
    const fault = isSilent ? sim.faults.add({ kind: "stall", route: "GET /extracts/:name", count: 1 }) : undefined;
    const asked = new Promise<void>((resolve) => {
      const stop = sim.on(isSilent ? "request" : "applied", () => {
        stop();
        resolve();
      });
    });
    const progress = { isOver: false };
    const failing = failureOf(reader({ sleep: time.sleep }), published).finally(() => (progress.isOver = true));
    await asked;
    // Each piece starts the wait anew, so the clock is moved until nothing more comes.
    while (!progress.isOver) await time.advance(60_000);
    expect(await failing).toMatchObject({ kind: "interrupted", retryable: true });
    expect((await failing).message).toContain("nothing came for 60 s");
    fault?.remove();
  });

  it("because the rows are not taken is not cut off", async () => {
    const time = createFakeTime();
    const published = publish({ content: lines(0, 20_000) });
    const batches = reader({ sleep: time.sleep }).rows({ url: published.url, format: "json", skipRows: 0 }, never());
    let rows = 0;
    for await (const batch of batches) {
      if (rows === 0) await time.advance(3_600_000);
      rows += batch.length;
    }
    expect(rows).toBe(20_000);
  });
});

function never(): AbortSignal {
  return new AbortController().signal;
}

describe("whoever reads", () => {
  it("sets the pace: while he is busy, the server cannot go on", async () => {
    const piece = lines(0, 1_000, "x".repeat(1_000));
    const pieces = 50;
    const content = function* (): Generator<string> {
      for (let i = 0; i < pieces; i += 1) yield piece;
    };
    const published = publish({ content });
    const batches = reader().rows({ url: published.url, format: "json", skipRows: 0 }, never());
    let rows = 0;
    for await (const batch of batches) {
      if (rows === 0) await standsStill(() => published.sentBytes);
      if (rows === 0) expect(published.sentBytes).toBeLessThan((pieces * piece.length) / 3);
      rows += batch.length;
    }
    expect(rows).toBe(pieces * 1_000);
  });

  it("ends an endless file by stopping, which closes the connection", async () => {
    const published = publish({}, { kind: "endless" });
    const closed = connectionClosed();
    for await (const batch of reader().rows({ url: published.url, format: "json", skipRows: 0 }, never())) {
      if (batch.length > 0) break;
    }
    await closed;
  });

  it("ends an endless file by the signal, whose reason comes back", async () => {
    for (const skipRows of [0, Infinity]) {
      const published = publish({}, { kind: "endless" });
      const controller = new AbortController();
      const closed = connectionClosed();
      const stop = sim.on("applied", () => void setImmediate(() => controller.abort(new Error("The process ends."))));
      const { error } = await readAll(reader(), { url: published.url, skipRows }, controller.signal);
      stop();
      expect(error).toEqual(new Error("The process ends."));
      await closed;
    }
  });

  it("may have changed his mind before", async () => {
    const published = publish();
    expect((await readAll(reader(), { url: published.url }, AbortSignal.abort(new Error("No.")))).error).toEqual(
      new Error("No."),
    );
    expect(published.downloads).toBe(0);
  });

  it("may limit rows and bytes", async () => {
    const published = publish({ content: lines(0, 10) }, { kind: "endless" });
    const { rows, error } = await readAll(reader({ limits: { maxRows: 25 } }), { url: published.url });
    expect(rows).toHaveLength(25);
    expect(error).toMatchObject({ kind: "too_large", retryable: false, atRow: 25 });
    const bomb = publish({ content: gzipSync(Buffer.alloc(20_000_000, "\n")) });
    expect(await failureOf(reader({ limits: { maxBytes: 1_000_000 } }), bomb)).toMatchObject({ kind: "too_large" });
    const whole = await readAll(reader({ limits: { maxRows: 3 } }), { url: publish().url });
    expect([whole.rows.length, whole.error]).toEqual([3, undefined]);
  });
});

/** Resolves when the answer to the next download is over for the server. */
function connectionClosed(): Promise<void> {
  return new Promise((resolve) => {
    const stop = sim.on("answered", () => {
      stop();
      resolve();
    });
  });
}

/** Resolves when a number has not changed for many turns of the event loop. */
async function standsStill(read: () => number): Promise<void> {
  let [last, since] = [read(), 0];
  while (since < 2_000) {
    await settle();
    since = read() === last ? since + 1 : 0;
    last = read();
  }
}
