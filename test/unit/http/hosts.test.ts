import fc from "fast-check";
import { createGuardedLookup, isPrivateAddress, PRIVATE_ADDRESS_CODE } from "../../../src/http/guards/addresses";
import { createHostAllowList, HostPatternError } from "../../../src/http/guards/hosts";

const list = createHostAllowList([
  "*.hullapp.io",
  "s3.*.amazonaws.com",
  "*.s3.*.amazonaws.com",
  "files.example.com:8443",
  "127.0.0.1:*",
  "[::1]:4010",
]);

describe("host patterns", () => {
  it.each([
    "acme.hullapp.io",
    "ACME.HullApp.io",
    "a.b.hullapp.io",
    "acme.hullapp.io:443",
    "https://acme.hullapp.io/some/path?x=1",
    "https://acme.hullapp.io:443/",
    "s3.eu-west-1.amazonaws.com",
    "bucket.s3.eu-west-1.amazonaws.com",
    "my.bucket.s3.dualstack.eu-west-1.amazonaws.com",
    "files.example.com:8443",
    "127.0.0.1:4010",
    "127.0.0.1",
    "[::1]:4010",
    "xn--mnchen-3ya.hullapp.io",
  ])("allow %s", (host) => {
    expect(list.allows(host)).toBe(true);
  });

  it.each([
    "",
    " ",
    "hullapp.io",
    "acmehullapp.io",
    "acme.hullapp.io.evil.com",
    "acme.hullapp.io.",
    ".hullapp.io",
    "a..hullapp.io",
    "acme.hullapp.io:8443",
    "acme.hullapp.io:99999",
    "http://acme.hullapp.io:443/",
    "acme.hullapp.io/path",
    "acme.hullapp.io@evil.com",
    "evil.com@acme.hullapp.io",
    "https://user:pw@acme.hullapp.io/",
    "https://evil.com#acme.hullapp.io",
    "https://evil.com\\.hullapp.io",
    "https:acme.hullapp.io",
    "https:///acme.hullapp.io",
    "ftp://acme.hullapp.io",
    "acme .hullapp.io",
    "acme\t.hullapp.io",
    "acme.hullapp.io\n",
    "%61cme.hullapp.io",
    "münchen.hullapp.io",
    "acme。hullapp.io",
    "2130706433",
    "https://2130706433:4010/",
    "0x7f000001:4010",
    "0177.0.0.1:4010",
    "127.1:4010",
    "127.0.0.1.:4010",
    "[0:0:0:0:0:0:0:1]:4010",
    "[::1]",
    "[::ffff:127.0.0.1]:4010",
    "127.0.0.1:",
    "127.0.0.2:4010",
    "localhost:4010",
    "10.0.0.1",
    "files.example.com",
    "acme.hullapp.io?x=",
    "acme.hullapp.io#",
    "acme.hullapp.io\\@evil.com",
    "file:///etc/passwd",
  ])("refuse %j", (host) => {
    expect(list.allows(host)).toBe(false);
  });

  it("mean the protocol's own port when none is given", () => {
    expect(list.allows("acme.hullapp.io", "http")).toBe(true);
    expect(list.allows("acme.hullapp.io:80", "http")).toBe(true);
    expect(list.allows("acme.hullapp.io:443", "http")).toBe(false);
  });

  it("tell named hosts from those that a wildcard lets in", () => {
    expect(list.judge("ACME.hullapp.io")).toEqual({
      allowed: true,
      hostname: "acme.hullapp.io",
      port: 443,
      protocol: "https",
      explicit: false,
    });
    expect(list.judge("127.0.0.1:4010", "http")).toMatchObject({ explicit: true, port: 4010 });
    expect([list.names("127.0.0.1"), list.names("acme.hullapp.io")]).toEqual([true, false]);
  });

  it("never match a literal address by wildcard", () => {
    expect(createHostAllowList(["*", "*.0.0.1"]).allows("127.0.0.1")).toBe(false);
    expect(createHostAllowList(["*:*"]).allows("localhost:99")).toBe(true);
  });

  it.each(["", "http://x.io", "foo*.io", "a b.io", "x.io/path", "x.io:0", "x.io:70000", "x..io", "127.1", "x.io."])(
    "are refused at start when they cannot be read: %j",
    (pattern) => {
      expect(() => createHostAllowList([pattern])).toThrow(HostPatternError);
    },
  );

  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,5}[a-z0-9])?$/);
  const labels = fc.array(label, { minLength: 1, maxLength: 4 });

  it("let `*` stand for one or more whole labels, anywhere", () => {
    fc.assert(
      fc.property(labels, labels, labels, (before, inside, after) => {
        const pattern = createHostAllowList([[...before, "*", ...after].join(".")]);
        // A last label of digits would be read as an IP address; `label` starts with a letter.
        expect(pattern.allows([...before, ...inside, ...after].join("."))).toBe(true);
        expect(pattern.allows([...before, ...after].join("."))).toBe(false);
      }),
    );
  });

  it("never throw and never let anything through that is not under the domain", () => {
    const only = createHostAllowList(["*.hullapp.io"]);
    const noise = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc
        .tuple(fc.string(), fc.constantFrom("acme.hullapp.io", ".hullapp.io"), fc.string())
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(noise, (host) => {
        const verdict = only.judge(host);
        return !verdict.allowed || verdict.hostname.endsWith(".hullapp.io");
      }),
    );
  });
});

describe("private addresses", () => {
  it.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "::7f00:1",
    "::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
    "ff02::1",
    "64:ff9b:1::808:808",
    "2001:0:808:808::1",
    "3fff::1",
    "5f00::1",
    "192.88.99.1",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "010.8.8.8",
    "134744072",
    "nonsense",
    "",
  ])("include %j", (ip) => {
    expect(isPrivateAddress(ip)).toBe(true);
  });

  it.each([
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ])("do not include %s", (ip) => {
    expect(isPrivateAddress(ip)).toBe(false);
  });
});

describe("the guarded lookup", () => {
  const resolve = (...addresses: string[]) =>
    createGuardedLookup(
      (hostname) => hostname === "named.example.com",
      () => Promise.resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))),
    );
  const ask = (lookup: ReturnType<typeof createGuardedLookup>, hostname: string, options = {}): Promise<unknown> =>
    new Promise((done) => lookup(hostname, options, (error, address) => done(error ? error.code : address)));

  it("refuses a name that resolves to a private address", async () => {
    expect(await ask(resolve("127.0.0.1"), "evil.hullapp.io")).toBe(PRIVATE_ADDRESS_CODE);
    expect(await ask(resolve("8.8.8.8"), "acme.hullapp.io")).toBe("8.8.8.8");
  });

  it("leaves private addresses out of a mixed answer", async () => {
    expect(await ask(resolve("10.0.0.1", "8.8.8.8", "::1"), "x.hullapp.io", { all: true })).toEqual([
      { address: "8.8.8.8", family: 4 },
    ]);
  });

  it("lets a host that the settings name be private", async () => {
    expect(await ask(resolve("10.0.0.1"), "named.example.com")).toBe("10.0.0.1");
  });

  it("obeys the wanted family and passes errors on", async () => {
    expect(await ask(resolve("8.8.8.8"), "x.hullapp.io", { family: 6 })).toBe("ENOTFOUND");
    const failing = createGuardedLookup(
      () => false,
      () => Promise.reject(Object.assign(new Error("no"), { code: "EAI_AGAIN" })),
    );
    expect(await ask(failing, "x.hullapp.io")).toBe("EAI_AGAIN");
  });
});
