/** Signatures as the specification's own libraries make them, and one try of a webhook. */
import { createAgents, closeAgents } from "../../../src/http/agents";
import { createGuardedLookup } from "../../../src/http/guards/addresses";
import { createWebhookSender } from "../../../src/http/webhooks/send";
import { readWebhookSecret, webhookHeaders } from "../../../src/http/webhooks/signature";
import { startLoopback, type Answer, type Loopback } from "./loopback";

/** The vector that the libraries of Standard Webhooks test themselves with. */
const VECTOR = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const KEY = readWebhookSecret(VECTOR.secret) ?? Buffer.alloc(0);

test("the published vector has the published signature", () => {
  expect(webhookHeaders(KEY, VECTOR)).toEqual({
    "webhook-id": VECTOR.id,
    "webhook-timestamp": "1614265330",
    "webhook-signature": VECTOR.signature,
  });
});

test("the body is signed byte for byte, beyond ASCII as UTF-8", () => {
  const { "webhook-signature": signature } = webhookHeaders(KEY, { ...VECTOR, body: '{"test": "Zoë ✓"}' });
  // As Python's hmac makes it.
  expect(signature).toBe("v1,vjJmDhO/QSAXAZjLlchbnZuMeSR0Ux/xW7uDG77lKxg=");
});

test.each([
  ["another prefix", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  ["no prefix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  ["23 bytes", `whsec_${Buffer.alloc(23, 1).toString("base64")}`],
  ["65 bytes", `whsec_${Buffer.alloc(65, 1).toString("base64")}`],
  ["other letters", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS_"],
  ["a line end", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"],
])("a secret with %s is none", (_, secret) => expect(readWebhookSecret(secret)).toBeUndefined());

test.each([24, 64])("a secret of %d bytes is one", (bytes) => {
  const key = Buffer.alloc(bytes, 7);
  expect(readWebhookSecret(`whsec_${key.toString("base64")}`)).toEqual(key);
});

describe("one try", () => {
  let receiver: Loopback | undefined;
  let agents = createAgents();
  afterEach(async () => {
    closeAgents(agents);
    agents = createAgents();
    await receiver?.close();
  });
  const send = createWebhookSender({ now: () => 1_614_265_330_999, timeoutMs: 500 });
  const to = async (answer: Answer): Promise<Promise<void>> => {
    receiver = await startLoopback(answer);
    return send({ url: `${receiver.url}/hook?key=s3cret`, key: KEY, agents }, VECTOR);
  };

  test("is a POST of JSON with the signature in whole seconds", async () => {
    await to((_, response) => response.writeHead(204).end());
    expect(receiver?.seen).toMatchObject([
      {
        method: "POST",
        url: "/hook?key=s3cret",
        body: VECTOR.body,
        headers: { "content-type": "application/json", "webhook-id": VECTOR.id, "webhook-signature": VECTOR.signature },
      },
    ]);
  });

  test.each<[string, Answer, object]>([
    ["a refusal", (_, response) => response.writeHead(410).end("s3cret"), { status: 410, applied: "no" }],
    ["trouble", (_, response) => response.writeHead(503).end(), { status: 503, applied: "maybe" }],
    ["silence", () => undefined, { failure: "timeout", applied: "maybe" }],
    [
      "a flood",
      (_, response) => response.end(Buffer.alloc(1_000_000)),
      { failure: "response_too_large", applied: "maybe" },
    ],
    [
      "a redirect, which nobody follows,",
      (_, response, n) => response.writeHead(n === 1 ? 307 : 204, { location: "/elsewhere" }).end(),
      { status: 307, applied: "maybe" },
    ],
  ])("%s is an error, without the address, and not tried again", async (_, answer, facts) => {
    const failure = await to(answer).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ name: "RemoteError", ...facts });
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain("s3cret");
    expect(receiver?.seen).toHaveLength(1);
  });

  test("a name that leads to a private address is not called", async () => {
    receiver = await startLoopback((_, response) => response.end());
    closeAgents(agents);
    agents = createAgents({ lookup: createGuardedLookup(() => false) });
    const sending = send({ url: `http://localhost:${receiver.port}/hook`, key: KEY, agents }, VECTOR);
    await expect(sending).rejects.toMatchObject({ failure: "private_address", applied: "no" });
    expect(receiver.seen).toEqual([]);
  });
});
