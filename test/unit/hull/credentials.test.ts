import { inspect } from "node:util";
import { RemoteError, type RemoteErrorKind } from "../../../src/http/errors";
import { createHostAllowList } from "../../../src/http/guards/hosts";
import { createCredentialCheck } from "../../../src/hull/auth/credentials";
import { createFakeTime } from "../http/fake-time";

const credentials = { organization: "acme.hullapp.io", id: "c-1", secret: "connector-secret" };

function remote(status: number | undefined, kind: RemoteErrorKind): RemoteError {
  return new RemoteError({ system: "hull", method: "GET", route: "/app", kind, applied: "no", status });
}

function setUp(maxEntries = 100) {
  const time = createFakeTime();
  const asked: string[] = [];
  const hull = { answer: (): Promise<unknown> => Promise.resolve({ id: "c-1", private_settings: { a: 1 } }) };
  let open = 0;
  const check = createCredentialCheck({
    allowedOrganizations: createHostAllowList(["*.hullapp.io"]),
    clock: time.clock,
    maxEntries,
    hullClientFactory: ({ secret }) => {
      open += 1;
      return {
        getApp: () => {
          asked.push(secret);
          return hull.answer();
        },
        close: () => void (open -= 1),
      };
    },
  });
  return { time, asked, hull, check, open: () => open };
}

describe("credentials", () => {
  it("are confirmed by Hull, once for all who ask at the same time", async () => {
    const { check, asked, open } = setUp();
    const answers = await Promise.all([1, 2, 3].map(() => check.confirm(credentials)));
    expect(answers[0]).toMatchObject({ ok: true, connector: { id: "c-1", private_settings: { a: 1 } } });
    expect(asked).toHaveLength(1);
    expect(open()).toBe(0);
  });

  it("are asked for again after five minutes, refusals after ten seconds", async () => {
    const { check, asked, hull, time } = setUp();
    await check.confirm(credentials);
    await time.advance(299_999);
    await check.confirm(credentials);
    expect(asked).toHaveLength(1);
    await time.advance(1);
    hull.answer = () => Promise.reject(remote(401, "auth"));
    expect(await check.confirm(credentials)).toEqual({ ok: false, status: 401, reason: "wrong_credentials" });
    await check.confirm(credentials);
    expect(asked).toHaveLength(2);
    await time.advance(10_000);
    await check.confirm(credentials);
    expect(asked).toHaveLength(3);
  });

  it.each([
    [401, "auth", 401, "wrong_credentials"],
    [402, "configuration", 402, "organization_disabled"],
    [404, "not_found", 404, "connector_not_found"],
    [500, "transient", 503, "unavailable"],
    [undefined, "transient", 503, "unavailable"],
    [302, "configuration", 503, "unavailable"],
  ] as const)("that Hull answers with %s (%s) are %i %s", async (status, kind, expected, reason) => {
    const { check, hull } = setUp();
    hull.answer = () => Promise.reject(remote(status, kind));
    expect(await check.confirm(credentials)).toEqual({ ok: false, status: expected, reason });
  });

  it("are asked for again at once when Hull was unavailable", async () => {
    const { check, hull, asked } = setUp();
    hull.answer = () => Promise.reject(remote(undefined, "transient"));
    await check.confirm(credentials);
    await check.confirm(credentials);
    expect(asked).toHaveLength(2);
  });

  it("of another connector are refused, and so is an answer that is no connector", async () => {
    const { check, hull } = setUp();
    hull.answer = () => Promise.resolve({ id: "c-2" });
    expect(await check.confirm(credentials)).toMatchObject({ status: 401, reason: "other_connector" });
    hull.answer = () => Promise.resolve("<html>");
    expect(await check.confirm({ ...credentials, secret: "x" })).toMatchObject({ status: 503 });
  });

  it.each([
    [{ organization: "evil.com" }, "organization_not_allowed"],
    [{ organization: "acme.hullapp.io/../x" }, "organization_not_allowed"],
    [{ organization: "https://acme.hullapp.io" }, "organization_not_allowed"],
    [{ organization: "" }, "malformed_credentials"],
    [{ id: "" }, "malformed_credentials"],
    [{ secret: "a\r\nb: c" }, "malformed_credentials"],
  ])("with %j never leave the house", async (change, reason) => {
    const { check, asked } = setUp();
    expect(await check.confirm({ ...credentials, ...change })).toMatchObject({ ok: false, status: 401, reason });
    expect(asked).toEqual([]);
  });

  it("are remembered in bounded number, the least used forgotten first", async () => {
    const { check, asked } = setUp(2);
    const confirm = (name: string) =>
      check.confirm({ ...credentials, organization: `${name}.hullapp.io`, secret: name });
    for (const secret of ["one", "two", "one", "three", "one", "two"]) await confirm(secret);
    expect(asked).toEqual(["one", "two", "three", "two"]);
  });

  it("can be forgotten", async () => {
    const { check, asked } = setUp();
    await check.confirm(credentials);
    check.forget(credentials);
    await check.confirm(credentials);
    expect(asked).toHaveLength(2);
  });

  it("never show in the memory of the check", async () => {
    const { check } = setUp();
    await check.confirm(credentials);
    expect(inspect(check, { depth: 9, showHidden: true })).not.toContain("connector-secret");
  });
});
