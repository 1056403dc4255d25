/** Who may act for a tenant: credentials that Hull confirms, and a valid signature if there is one. */
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from "node:crypto";
import { CONNECTOR, openHouse, OPEN_SETTINGS, TOKEN, type House } from "../harness";
import { post } from "../scenarios/post";
import {
  errorIn,
  expectAllIsWell,
  expectNoSecret,
  goodNotification,
  tell,
  withField,
  type Notification,
} from "./bad-input";

const OTHER = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
const PREFIX = "x-hull-smart-notifier-signature";

let house: House;
beforeAll(async () => {
  // Each request of this file comes from its own address, or most of them would be turned away.
  house = await openHouse({ settings: { requests_per_minute: 1_000_000 }, environment: { TRUST_PROXY: "1" } });
  house.hull.addConnector({ ...OTHER, privateSettings: { ...OPEN_SETTINGS, personal_acccess_token: undefined } });
});
afterEach(() => expectAllIsWell(house));
afterAll(() => house.close());

/** Nothing was taken in, for any tenant. */
async function expectNothingTaken(before: Readonly<Record<string, number>>): Promise<void> {
  await house.settled();
  expect(await house.outcomes()).toEqual(before);
}

describe("credentials", () => {
  const rows: readonly (readonly [string, (good: Notification) => unknown, number, string])[] = [
    [
      "a wrong secret",
      (good) => withField(good, "configuration.secret", "connector-secret-9999"),
      401,
      "wrong_credentials",
    ],
    [
      "a secret that no header carries",
      (good) => withField(good, "configuration.secret", "a\nb"),
      401,
      "malformed_credentials",
    ],
    [
      "an unknown connector",
      (good) => withField(good, "configuration.id", "5f00000000000000000000ff"),
      401,
      "connector_not_found",
    ],
    ["the id of another tenant", (good) => withField(good, "configuration.id", OTHER.id), 401, "wrong_credentials"],
  ];
  test.each(rows)("%s", async (_name, spoil, status, code) => {
    const before = await house.outcomes();
    const answer = await tell(house, spoil(goodNotification(house)));
    expect([answer.status, errorIn(answer).code]).toEqual([status, code]);
    await expectNothingTaken(before);
  });

  const organizations: readonly (readonly [string, (host: string) => string])[] = [
    ["of a stranger", () => "evil.example"],
    ["of a stranger with our name in front", (host) => `${host}.evil.example`],
    ["with user information", (host) => `me:password@${host}`],
    ["with a stranger behind user information", (host) => `${host}@evil.example`],
    ["with a path", (host) => `${host}/api`],
    ["with a query", (host) => `${host}?x=`],
    ["with a fragment", (host) => `${host}#`],
    ["as a URL", (host) => `http://${host}`],
    ["as a URL of another scheme", (host) => `https://${host}`],
    ["as a file", () => "file:///etc/passwd"],
    ["as a number", (host) => host.replace("127.0.0.1", "2130706433")],
    ["in hexadecimal", (host) => host.replace("127.0.0.1", "0x7f.1")],
    ["in short", (host) => host.replace("127.0.0.1", "127.1")],
    ["by another name of this machine", (host) => host.replace("127.0.0.1", "localhost")],
    ["by another address of this machine", (host) => host.replace("127.0.0.1", "127.0.0.2")],
    ["by its sixth version", (host) => host.replace("127.0.0.1", "[::1]")],
    ["by its sixth version of the fourth", (host) => host.replace("127.0.0.1", "[::ffff:127.0.0.1]")],
    ["on a private address", () => "10.0.0.1"],
    ["on the address of the cloud's secrets", () => "169.254.169.254"],
    ["with a backslash", (host) => `${host}\\@evil.example`],
    ["with a dot at the end", (host) => host.replace("127.0.0.1", "127.0.0.1.")],
    ["without a port", () => "127.0.0.1:"],
    ["with an impossible port", () => "127.0.0.1:99999"],
  ];
  test.each(organizations)("an organization %s", async (_name, organization) => {
    const before = await house.outcomes();
    house.hull.books.reset();
    const answer = await tell(
      house,
      withField(goodNotification(house), "configuration.organization", organization(house.hull.host)),
    );
    expect([answer.status, errorIn(answer).code]).toEqual([401, "organization_not_allowed"]);
    expect(errorIn(answer).words).toContain("HULL_ALLOWED_ORGANIZATIONS");
    expect(house.hull.books.snapshot().calls).toBe(0);
    await expectNothingTaken(before);
  });

  test("an organization that Hull has disabled", async () => {
    const fresh = { id: "5f0000000000000000000003", secret: "connector-secret-0003" };
    house.hull.addConnector(fresh);
    house.hull.setOrganizationDisabled(true);
    const answer = await tell(house, goodNotification(house, undefined, fresh.id));
    house.hull.setOrganizationDisabled(false);
    expect([answer.status, errorIn(answer).code]).toEqual([401, "organization_disabled"]);
  });

  test("Hull cannot be asked: come again soon", async () => {
    const fresh = { id: "5f0000000000000000000004", secret: "connector-secret-0004" };
    house.hull.addConnector(fresh);
    const fault = house.hull.faults.add({ kind: "status", status: 500, route: "GET /api/v1/:id" });
    const also = house.hull.faults.add({ kind: "status", status: 500, route: "GET /api/v1/app" });
    const answer = await tell(house, goodNotification(house, undefined, fresh.id));
    expect(fault.hits + also.hits).toBeGreaterThan(0);
    house.hull.faults.clear();
    expect([answer.status, errorIn(answer).code]).toEqual([503, "unavailable"]);
    expect((await tell(house, goodNotification(house, undefined, fresh.id))).status).toBe(200);
  });
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const ownPair = generateKeyPairSync("rsa", { modulusLength: 2048 });

function signedWithOwnKey(payload: object, header: object = { typ: "JWT", alg: "RS256" }): string {
  const content = `${encode(header)}.${encode(payload)}`;
  return `${content}.${createSign("RSA-SHA256").update(content).sign(ownPair.privateKey, "base64url")}`;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** The headers that Hull would send. */
function signed(good: Notification): Headers {
  return {
    [`${PREFIX}-version`]: "v1",
    [PREFIX]: house.hull.sign(good.notification_id),
    [`${PREFIX}-public-key-url`]: house.hull.signingKeyUrl,
  };
}

describe("signatures", () => {
  const id = (good: Notification) => good.notification_id;
  const rows: readonly (readonly [string, (good: Notification) => Headers | Promise<Headers>, number, string])[] = [
    [
      "without the key's address",
      (good) => ({ [PREFIX]: house.hull.sign(id(good)), [`${PREFIX}-version`]: "v1" }),
      400,
      "signature_incomplete",
    ],
    [
      "without the signature",
      () => ({ [`${PREFIX}-public-key-url`]: house.hull.signingKeyUrl }),
      400,
      "signature_incomplete",
    ],
    ["of another version", () => ({ [`${PREFIX}-version`]: "v2" }), 400, "signature_unknown_version"],
    ["that is no token", () => ({ [PREFIX]: "hello" }), 400, "signature_malformed"],
    ["with a fourth part", (good) => ({ [PREFIX]: `${house.hull.sign(id(good))}.x` }), 400, "signature_malformed"],
    ["of 100 kB", () => ({ [PREFIX]: `${"x".repeat(7_000)}.y.z` }), 400, "signature_malformed"],
    [
      "of another notification",
      () => ({ [PREFIX]: house.hull.sign("another-id") }),
      400,
      "signature_other_notification",
    ],
    ["without an id", () => ({ [PREFIX]: signedWithOwnKey({}) }), 400, "signature_other_notification"],
    [
      "with an id of another type",
      (good) => ({ [PREFIX]: signedWithOwnKey({ jti: [id(good)] }) }),
      400,
      "signature_other_notification",
    ],
    [
      "that has expired",
      (good) => ({ [PREFIX]: signedWithOwnKey({ jti: id(good), exp: 1 }) }),
      400,
      "signature_expired",
    ],
    [
      "that holds from tomorrow on",
      (good) => ({ [PREFIX]: signedWithOwnKey({ jti: id(good), nbf: 4e9 }) }),
      400,
      "signature_not_yet_valid",
    ],
    [
      "with an expiry that is no number",
      (good) => ({ [PREFIX]: signedWithOwnKey({ jti: id(good), exp: "never" }) }),
      400,
      "signature_expired",
    ],
    [
      "made with an own key",
      (good) => ({ [PREFIX]: signedWithOwnKey({ jti: id(good) }) }),
      400,
      "signature_wrong_signature",
    ],
    [
      "made with an own key that the header brings along",
      (good) => ({
        [PREFIX]: signedWithOwnKey(
          { jti: id(good) },
          {
            alg: "RS256",
            jwk: createPublicKey(ownPair.publicKey.export({ type: "spki", format: "pem" })).export({ format: "jwk" }),
          },
        ),
      }),
      400,
      "signature_wrong_signature",
    ],
    [
      "of algorithm none",
      (good) => ({ [PREFIX]: `${encode({ alg: "none" })}.${encode({ jti: id(good) })}.` }),
      400,
      "signature_malformed",
    ],
    [
      "of algorithm none with something behind it",
      (good) => ({ [PREFIX]: `${encode({ alg: "none" })}.${encode({ jti: id(good) })}.eA` }),
      400,
      "signature_wrong_algorithm",
    ],
    [
      "of algorithm HS256, keyed with the public key",
      async (good) => {
        const key = (await post(house.hull.signingKeyUrl, "")).text;
        const content = `${encode({ typ: "JWT", alg: "HS256" })}.${encode({ jti: id(good) })}`;
        return { [PREFIX]: `${content}.${createHmac("sha256", key).update(content).digest("base64url")}` };
      },
      400,
      "signature_wrong_algorithm",
    ],
    [
      "altered by one letter",
      (good) => ({ [PREFIX]: flipped(house.hull.sign(id(good))) }),
      400,
      "signature_wrong_signature",
    ],
    [
      "sent twice",
      (good) => ({ [PREFIX]: [house.hull.sign(id(good)), house.hull.sign(id(good))] }),
      400,
      "signature_malformed",
    ],
    [
      "with two addresses",
      () => ({ [`${PREFIX}-public-key-url`]: [house.hull.signingKeyUrl, "https://evil.example/key.pem"] }),
      400,
      "signature_key_host_refused",
    ],
    ["with two versions", () => ({ [`${PREFIX}-version`]: ["v1", "v2"] }), 400, "signature_unknown_version"],
  ];
  const incomplete = new Set(["signature_incomplete"]);
  test.each(rows)("%s", async (_name, headers, status, code) => {
    const before = await house.outcomes();
    const good = goodNotification(house);
    const spoilt = await headers(good);
    const answer = await tell(house, good, { headers: incomplete.has(code) ? spoilt : { ...signed(good), ...spoilt } });
    expect([answer.status, errorIn(answer).code]).toEqual([status, code]);
    await expectNothingTaken(before);
  });

  test.each([
    ["of a stranger", () => "https://evil.example/key.pem"],
    ["of a stranger, by plain http", () => "http://evil.example/key.pem"],
    ["on a private address", () => "http://10.0.0.1/key.pem"],
    ["on the address of the cloud's secrets", () => "http://169.254.169.254/latest/meta-data"],
    ["on this machine under another name", () => house.hull.signingKeyUrl.replace("127.0.0.1", "localhost")],
    ["on this machine as a number", () => house.hull.signingKeyUrl.replace("127.0.0.1", "2130706433")],
    ["on this machine, sixth version", () => house.hull.signingKeyUrl.replace("127.0.0.1", "[::1]")],
    ["with user information", () => house.hull.signingKeyUrl.replace("127.0.0.1", "me@127.0.0.1")],
    ["in a file", () => "file:///etc/passwd"],
    ["in itself", () => "data:text/plain,-----BEGIN PUBLIC KEY-----"],
    ["without a scheme", () => house.hull.host],
    ["that is no address", () => "hello"],
    ["that is empty", () => ""],
  ])("a key %s", async (_name, url) => {
    const before = await house.outcomes();
    const good = goodNotification(house);
    const answer = await tell(house, good, { headers: { ...signed(good), [`${PREFIX}-public-key-url`]: url() } });
    expect([answer.status, errorIn(answer).code]).toEqual([400, "signature_key_host_refused"]);
    expect(errorIn(answer).words).toContain("HULL_SIGNATURE_KEY_HOSTS");
    await expectNothingTaken(before);
  });

  test("a key host that answers something else", async () => {
    const good = goodNotification(house);
    const headers = { ...signed(good), [`${PREFIX}-public-key-url`]: `${house.hull.url}/nothing` };
    const answer = await tell(house, good, { headers });
    expect([answer.status, errorIn(answer).code]).toEqual([400, "signature_key_unusable"]);
  });

  test("a key host that is down: come again soon", async () => {
    const good = goodNotification(house);
    const headers = { ...signed(good), [`${PREFIX}-public-key-url`]: "http://127.0.0.1:1/key.pem" };
    const answer = await tell(house, good, { headers });
    expect([answer.status, errorIn(answer).code]).toEqual([503, "signature_unavailable"]);
  });

  test("a good signature over a body that names another tenant", async () => {
    const before = await house.outcomes();
    const good = goodNotification(house);
    const answer = await tell(house, withField(good, "configuration.id", OTHER.id), { headers: signed(good) });
    expect([answer.status, errorIn(answer).code]).toEqual([401, "wrong_credentials"]);
    await expectNothingTaken(before);
  });

  test("another tenant's notification id, with its good signature", async () => {
    const good = goodNotification(house);
    expect((await tell(house, good, { headers: signed(good) })).status).toBe(200);
    const stolen = { ...goodNotification(house, undefined, OTHER.id), notification_id: good.notification_id };
    const answer = await tell(house, stolen, { headers: signed(good) });
    expect([answer.status, errorIn(answer).code]).toEqual([401, "foreign_notification"]);
    expect((await house.connector.store.tally(`${house.hull.host}/${OTHER.id}`)).outcomes).toEqual({});
    // The owner's own retry is not theft.
    expect((await tell(house, good, { headers: signed(good) })).status).toBe(200);
  });

  test("a good signature", async () => {
    const good = goodNotification(house);
    expect((await tell(house, good, { headers: signed(good) })).status).toBe(200);
  });
});

test("no secret of anybody was logged or answered", () => {
  expectNoSecret(house, "");
  const lines = JSON.stringify(house.logs);
  for (const secret of [CONNECTOR.secret, OTHER.secret, "connector-secret-0003", "connector-secret-0004", TOKEN]) {
    expect(lines).not.toContain(secret);
  }
});

/** The same token with the last letter of its payload's first half changed in the signature. */
function flipped(token: string): string {
  const at = token.lastIndexOf(".") + 10;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}
