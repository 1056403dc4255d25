import axios from "axios";
import fc from "fast-check";
import { createRedactor, isSecretName, REDACTED } from "../../../src/http/guards/redact";

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
    expect(redactor.text("https://me:p@ss@host/p?to=a@b.example")).toBe(`https://${REDACTED}@host/p?to=a@b.example`);
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

/** Every piece of it that somebody could make use of. */
function piecesOf(secret: string, length = 5): string[] {
  return Array.from({ length: secret.length - length + 1 }, (_, at) => secret.slice(at, at + length));
}

describe("a text that is cut", () => {
  const token = "T0kenOfPlanhat/Qx+7=";
  const redactor = createRedactor([token]);

  it("is the beginning of the whole one without its secrets", () => {
    const text = `${"What was sent: ".repeat(10)}${token} and more. `.repeat(200);
    for (const most of [0, 1, 5, 150, 155, 5_000]) {
      expect(redactor.opening(text, most)).toBe(redactor.text(text).slice(0, most));
    }
    expect(redactor.opening("short", 300)).toBe("short");
  });

  it.each([
    ["a known one", token, token],
    ["in a URL", encodeURIComponent(token), encodeURIComponent(token)],
    ["as a Basic user name", btoa(`${token}:`), btoa(`${token}:`)],
    ["an authorization", "Bearer abcdefghijklmnop", "abcdefghijklmnop"],
    ["a header line", "X-Access-Token: abcdefghijklmnop", "abcdefghijklmnop"],
    ["a signed token", "eyJabcdefgh.ijklmnop.qrstuvw", "abcdefgh.ijklmnop.qrstuvw"],
    ["a userinfo", "https://someone:pAssw0rd@host.example", "someone:pAssw0rd"],
    ["a parameter", "https://host.example/?secret=pAssw0rd", "pAssw0rd"],
  ])("leaves nothing of a secret across the cut, nor across the end of what is read: %s", (_what, written, secret) => {
    for (const end of [100, 100 + 4_096]) {
      for (let at = end - written.length - 1; at <= end + 1; at += 1) {
        const text = `${". ".repeat(at).slice(0, at)} ${written}\n${". ".repeat(5_000)}`;
        const shown = `${redactor.opening(text, 100)} ${JSON.stringify(redactor.excerpt({ text }, 100))}`;
        for (const piece of piecesOf(secret)) expect(shown).not.toContain(piece);
      }
    }
  });

  it.each([
    ["a signed token", `eyJ${"abcdefgh".repeat(2_000)}.ijkl.mnop`],
    ["a userinfo", `https://${"abcdefgh".repeat(2_000)}@host.example`],
    ["a known one", "abcdefgh".repeat(2_000)],
  ])("leaves nothing of a secret that is longer than what is read: %s", (_what, written) => {
    const knowing = createRedactor(["abcdefgh".repeat(2_000)]);
    const text = `It was: ${written} ${"x ".repeat(5_000)}`;
    expect(knowing.opening(text, 100)).not.toContain("abcdefgh");
    expect(createRedactor(written.startsWith("a") ? [written] : []).opening(text, 100)).not.toContain("abcdefgh");
  });

  it("leaves nothing of many secrets, however they shrink or grow the text", () => {
    const words = fc.constantFrom(
      token,
      "abcd",
      "://",
      "@",
      "?key=",
      "abcdabce",
      "eyJabcde",
      ".",
      "Bearer ",
      "x ",
      "\n",
    );
    const text = fc.array(words, { minLength: 300, maxLength: 1_000 }).map((parts) => parts.join("").repeat(8));
    const knowing = createRedactor([token, "abcdabce", "abcd"]);
    fc.assert(
      fc.property(text, fc.nat(3_000), (given, most) => {
        const shown = knowing.opening(given, most);
        expect(shown.length).toBeLessThanOrEqual(most);
        for (const piece of piecesOf(token)) expect(shown).not.toContain(piece);
        expect(shown).not.toContain("abcd");
      }),
      { numRuns: 50 },
    );
  });
});

describe("excerpts", () => {
  it("are cut to size", () => {
    const cut = createRedactor().excerpt({ list: "x".repeat(10_000) }, 100);
    expect(cut).toMatch(/^\{"list":"x+… \(\d+ characters\)$/);
    expect(createRedactor().excerpt({ a: 1 })).toEqual({ a: 1 });
    expect(createRedactor().excerpt(undefined)).toBeUndefined();
  });

  it("say how long the whole is, as far as it was looked at", () => {
    expect(createRedactor().excerpt("x".repeat(1_000_000), 10)).toBe("xxxxxxxxxx… (1000000 characters)");
    expect(createRedactor().excerpt([1, "x".repeat(9_000), 3], 10)).toMatch(
      /^\[1,"x+… \(more than 9\d{3} characters\)$/,
    );
    expect(createRedactor().excerpt({ ["k".repeat(9_000)]: "value" }, 10)).toMatch(/^\{"k+… \(more than 9\d{3} /);
  });

  it("look at no more than they show, however many items there are", () => {
    let looked = 0;
    const counting = {
      get: (target: object, name: string | symbol): unknown => {
        looked += 1;
        return Reflect.get(target, name);
      },
    };
    const names = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`n${at}`, at]));
    for (const many of [Array<number>(1_000_000).fill(7), Array<object>(1_000_000).fill({ a: [{}] }), names]) {
      looked = 0;
      expect(createRedactor().excerpt({ many: new Proxy(many, counting) }, 500)).toMatch(
        /… \(more than \d+ characters\)$/,
      );
      expect(looked).toBeLessThan(2_000);
    }
  });

  it("show whole what fits when it is printed", () => {
    const given = { list: ["abc", 1, true, null, { deep: ["x"] }], secret: "hidden", empty: {} };
    const safe = { ...given, secret: REDACTED };
    expect(createRedactor().excerpt(given, JSON.stringify(safe).length)).toEqual(safe);
    expect(createRedactor().excerpt(given, JSON.stringify(safe).length - 1)).toMatch(/… \(\d+ characters\)$/);
  });
});
