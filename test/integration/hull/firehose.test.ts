import fc from "fast-check";
import { createFirehose, type FirehoseResult } from "../../../src/hull/firehose/firehose";
import type { FirehoseItem } from "../../../src/hull/firehose/items";
import { createFakeTime } from "../../unit/http/fake-time";
import { json, startLoopback, type Answer, type Loopback } from "../../unit/http/loopback";

interface SentItem {
  readonly type: string;
  readonly body: { readonly n?: number; readonly pad?: string };
  readonly headers: Record<string, string>;
}

let server: Loopback;
let time = createFakeTime();

beforeEach(() => {
  time = createFakeTime();
});
afterEach(() => server.close());

function item(n: number, pad = ""): FirehoseItem {
  return { type: "traits", subject: "user", user: { external_id: `u-${n}` }, attributes: { n, pad } };
}

function items(count: number): FirehoseItem[] {
  return Array.from({ length: count }, (_, n) => item(n));
}

function batchOf(body: string): readonly SentItem[] {
  return (JSON.parse(body) as { batch: SentItem[] }).batch;
}

function sentNumbers(): (number | undefined)[][] {
  return server.seen.map((request) => batchOf(request.body).map((sent) => sent.body.n));
}

async function send(
  list: readonly FirehoseItem[],
  answer: Answer,
  options: { maxItems?: number; maxBytes?: number; signal?: AbortSignal } = {},
): Promise<FirehoseResult[]> {
  server = await startLoopback(answer);
  const firehose = createFirehose({
    organization: "acme.hullapp.io",
    id: "c-1",
    secret: "connector-secret",
    url: `${server.url}/firehose`,
    http: { clock: time.clock, sleep: time.autoSleep, random: () => 0 },
    ...options,
  });
  try {
    return await firehose.send(list, options.signal);
  } finally {
    firehose.close();
  }
}

const accept: Answer = (_request, response) => response.writeHead(202).end();

/** Refuses every batch that contains one of these numbers. */
const refusing =
  (status: number, ...bad: number[]): Answer =>
  (request, response) => {
    const hit = batchOf(request.body).some((sent) => bad.includes(sent.body.n ?? -1));
    if (hit) json(response, status, { error: "bad item" });
    else response.writeHead(202).end();
  };

const states = (results: readonly FirehoseResult[]): string[] => results.map((result) => result.state);

describe("the firehose", () => {
  it("sends in order, at most 50 at once, to the given address", async () => {
    const results = await send(items(120), accept);
    expect(states(results)).toEqual(Array(120).fill("accepted"));
    expect(sentNumbers().map((batch) => batch.length)).toEqual([50, 50, 20]);
    expect(sentNumbers().flat()).toEqual([...Array(120).keys()]);
    expect(server.seen[0]).toMatchObject({
      method: "POST",
      url: "/firehose",
      headers: {
        "hull-app-id": "c-1",
        "hull-access-token": "connector-secret",
        "hull-organization": "acme.hullapp.io",
      },
    });
  });

  it("sends nothing for nothing", async () => {
    expect(await send([], accept)).toEqual([]);
    expect(server.seen).toEqual([]);
  });

  it("also cuts by bytes", async () => {
    await send(
      [0, 1, 2, 3].map((n) => item(n, "x".repeat(400))),
      accept,
      { maxBytes: 1_800 },
    );
    expect(sentNumbers()).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it.each([400, 413, 422])("splits a batch refused with %i until the culprits are alone", async (status) => {
    const results = await send(items(8), refusing(status, 2, 7));
    expect(states(results)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => (n === 2 || n === 7 ? "refused" : "accepted")));
    expect(results[2]).toMatchObject({ state: "refused", status });
  });

  it("refuses by itself what cannot be sent, and sends the rest", async () => {
    const nobody: FirehoseItem = { type: "traits", subject: "user", user: { email: null }, attributes: {} };
    const results = await send([item(0), nobody, item(2)], accept);
    expect(states(results)).toEqual(["accepted", "refused", "accepted"]);
    expect(sentNumbers()).toEqual([[0, 2]]);
  });

  it("tries again after 429, as long as the server says", async () => {
    const results = await send(items(1), (_request, response, n) => {
      if (n === 1) json(response, 429, {}, { "retry-after": "9" });
      else response.writeHead(202).end();
    });
    expect(states(results)).toEqual(["accepted"]);
    expect(time.slept).toEqual([9_000]);
  });

  it("hands the rest back for later when Hull stays away", async () => {
    const results = await send(
      items(6),
      (_request, response, n) => response.writeHead(n === 1 ? 202 : 503, { "retry-after": "2" }).end(),
      { maxItems: 2 },
    );
    expect(states(results)).toEqual(["accepted", "accepted", "later", "later", "later", "later"]);
    expect(results[5]).toMatchObject({ retryAfterMs: 2_000 });
    expect(server.seen).toHaveLength(5);
  });

  it.each([401, 402, 403, 404])("stops at once when it is not authorised (%i)", async (status) => {
    const results = await send(items(4), (_request, response) => response.writeHead(status).end(), { maxItems: 2 });
    expect(results).toEqual(Array(4).fill({ state: "unauthorised", status }));
    expect(server.seen).toHaveLength(1);
  });

  it("keeps what was accepted when trouble comes in the middle of splitting", async () => {
    const results = await send(items(4), (request, response) => {
      const numbers = batchOf(request.body).map((sent) => sent.body.n);
      response.writeHead(numbers.length === 4 ? 413 : numbers.includes(0) ? 202 : 401).end();
    });
    expect(states(results)).toEqual(["accepted", "accepted", "unauthorised", "unauthorised"]);
  });

  it("sends nothing once it was told to stop", async () => {
    expect(states(await send(items(2), accept, { signal: AbortSignal.abort() }))).toEqual(["later", "later"]);
    expect(server.seen).toEqual([]);
  });

  it("leaves the rest for later when it is told to stop on the way", async () => {
    const controller = new AbortController();
    const answer: Answer = (_request, response, n) => {
      if (n === 1) response.writeHead(202).end();
      else controller.abort();
    };
    const results = await send(items(3), answer, { maxItems: 1, signal: controller.signal });
    expect(states(results)).toEqual(["accepted", "later", "later"]);
    expect(server.seen).toHaveLength(2);
  });

  it("gives every item exactly one true result, whatever is refused", async () => {
    const someOf = fc.subarray([...Array(16).keys()]);
    await fc.assert(
      fc.asyncProperty(someOf, fc.integer({ min: 1, max: 16 }), async (bad, maxItems) => {
        const results = await send(items(16), refusing(400, ...bad), { maxItems });
        await server.close();
        expect(states(results)).toEqual([...Array(16).keys()].map((n) => (bad.includes(n) ? "refused" : "accepted")));
      }),
      { numRuns: 25 },
    );
  });
});
