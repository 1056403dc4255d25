import axios from "axios";
import fc from "fast-check";
import { createRedactor, isSecretName, REDACTED } from "../../../src/http/redact";

const SECRET = "p1anhat+T0ken/with=odd&chars";

describe("redaction by name", () => {
  it.each([
    "authorization",
    "Authorization",
    "hull-access-token",
    "Hull_Access_Token",
    "personal_acccess_token",
    "secret",
    "clientSecret",
    "password",
    "api-key",
    "set-cookie",
    "X-Amz-Signature",
  ])("takes %s for a secret", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each(["name", "externalId", "key", "companyId", "author"])("takes %s for no secret", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("goes into nested objects, lists and errors, and changes nothing it was given", () => {
    const given = {
      a: [{ secret: "x", n: 1 }],
      err: Object.assign(new Error("no"), { token: "y" }),
      empty: { token: null },
    };
    expect(createRedactor().value(given)).toEqual({
      a: [{ secret: REDACTED, n: 1 }],
      err: { name: "Error", message: "no", token: REDACTED },
      empty: { token: null },
    });
    expect(given.a[0]).toEqual({ secret: "x", n: 1 });
  });

  it("survives cycles and depth", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(createRedactor().value(cycle)).toEqual({ self: "[circular]" });
  });
});

describe("redaction by value", () => {
  const redactor = createRedactor([SECRET]);

  it.each([
    ["plain", SECRET],
    ["in a URL", encodeURIComponent(SECRET)],
    ["as a Basic user name", Buffer.from(`${SECRET}:`).toString("base64")],
    ["as a key", `a ${SECRET} b`],
  ])("finds it %s", (_how, spelled) => {
    const safe = JSON.stringify(redactor.value({ [spelled]: 1, text: `got ${spelled}!` }));
    expect(safe).not.toContain(spelled);
    expect(safe).toContain(REDACTED);
  });

  it("strips authorization schemes, signed tokens, userinfo and secret query values that it never learnt", () => {
    expect(redactor.text("sent Bearer abcdef123456")).toBe(`sent Bearer ${REDACTED}`);
    expect(redactor.text("GET /\r\nHull-Access-Token: x y\r\nHost: z")).toBe(
      `GET /\r\nHull-Access-Token: ${REDACTED}\r\nHost: z`,
    );
    expect(redactor.text("got eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIxIn0.c2ln back")).toBe(`got ${REDACTED} back`);
    expect(redactor.text("https://me:pw@host/p")).toBe(`https://${REDACTED}@host/p`);
    expect(redactor.text("/batch?organization=a&secret=b&%74oken=c&key=d#x")).toBe(
      `/batch?organization=a&secret=${REDACTED}&%74oken=${REDACTED}&key=${REDACTED}#x`,
    );
  });

  it("empties an axios error, whose config carries the whole request", async () => {
    const error: unknown = await axios
      .get("http://127.0.0.1:1/x", {
        headers: { Authorization: `Bearer ${SECRET}`, "Hull-Access-Token": "other-secret" },
        params: { token: "in-query" },
        auth: { username: "user", password: "pw-in-auth" },
        proxy: false,
      })
      .catch((caught: unknown) => caught);
    const safe = JSON.stringify(redactor.value(error));
    expect(safe).toContain("ECONNREFUSED");
    for (const secret of [SECRET, "other-secret", "in-query", "pw-in-auth"]) expect(safe).not.toContain(secret);
  });

  it("leaves no trace of any secret in any value", () => {
    const secret = fc
      .string({ minLength: 6, maxLength: 40 })
      .filter((s) => !`"${REDACTED}"`.includes(s) && s.trim() !== "");
    const text = fc.string();
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        text,
        text,
        fc.jsonValue(),
        (secrets, a, b, json) => {
          const learnt = createRedactor(secrets);
          for (const each of secrets) {
            const safe = learnt.value({ deep: [{ text: a + each + b, [each]: json }], json: [json, each] });
            // Looked for in every string of the value, since JSON would spell quotes and backslashes differently.
            JSON.stringify(safe, (name, value: unknown) => {
              expect(name.split(REDACTED).some((part) => part.includes(each))).toBe(false);
              if (typeof value === "string")
                expect(value.split(REDACTED).some((part) => part.includes(each))).toBe(false);
              return value;
            });
          }
        },
      ),
    );
  });

  it("keeps the secrets it started with, however many pass by", () => {
    const busy = createRedactor([SECRET]);
    for (let i = 0; i < 200; i += 1) busy.learn(`rotated-token-${i}`);
    expect(busy.text(`${SECRET} rotated-token-199`)).toBe(`${REDACTED} ${REDACTED}`);
  });
});

describe("excerpts", () => {
  it("are cut to size", () => {
    const cut = createRedactor().excerpt({ list: "x".repeat(10_000) }, 100);
    expect(cut).toMatch(/^\{"list":"x+… \(\d+ characters\)$/);
    expect(createRedactor().excerpt({ a: 1 })).toEqual({ a: 1 });
    expect(createRedactor().excerpt(undefined)).toBeUndefined();
  });
});
