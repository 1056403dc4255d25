import { createHmac } from "node:crypto";
import { decodeToken } from "../../../src/hull/auth/jwt";
import { EmptyClaimsError, signSubject } from "../../../src/hull/auth/token";

const base = { id: "c-1", secret: "connector-secret", now: 1_700_000_000_999 };

describe("the token of a firehose item", () => {
  it("names connector, time and subject, signed with the connector secret", () => {
    const token = signSubject({ ...base, subject: "user", user: { email: "a@b.c", external_id: 7 } });
    const decoded = decodeToken(token);
    expect(decoded?.header).toEqual({ typ: "JWT", alg: "HS256" });
    expect(decoded?.payload).toEqual({
      iss: "c-1",
      iat: 1_700_000_000,
      "io.hull.asUser": { email: "a@b.c", external_id: "7" },
      "io.hull.subjectType": "user",
    });
    const [header = "", payload = "", signature] = token.split(".");
    expect(createHmac("sha256", "connector-secret").update(`${header}.${payload}`).digest("base64url")).toBe(signature);
  });

  it("drops empty claims and carries the Hull id as its subject", () => {
    const user = { id: "u-1", email: null, external_id: " ", anonymous_id: undefined };
    expect(decodeToken(signSubject({ ...base, subject: "user", user }))?.payload).toMatchObject({
      sub: "u-1",
      "io.hull.asUser": { id: "u-1" },
    });
  });

  it("leaves out keys that are no claims", () => {
    const user = { email: "a@b.c", name: "Ada" };
    expect(decodeToken(signSubject({ ...base, subject: "user", user }))?.payload).toMatchObject({
      "io.hull.asUser": { email: "a@b.c" },
    });
  });

  it.each([{}, { email: null }, { email: "" }])("is refused when %j identifies nobody", (user) => {
    expect(() => signSubject({ ...base, subject: "user", user })).toThrow(EmptyClaimsError);
  });

  it("is refused for a link whose other half is empty", () => {
    const half = { ...base, subject: "account", user: {}, account: { domain: "x.io" } } as const;
    expect(() => signSubject(half)).toThrow(/identifies the user: give at least one of id, email/);
    expect(() => signSubject({ ...base, subject: "account" })).toThrow(/identifies the account/);
  });
});

it.each(["", "a.b", "a.b.c.d", "e30.e30.", "!.!.!", "bnVsbA.bnVsbA.eA", "e30=.e30.eA"])("%j is no token", (text) => {
  expect(decodeToken(text)).toBeUndefined();
});
