import fc from "fast-check";
import { buildUrl, encodeQuery } from "../../../src/http/route";

const BASE = "https://api.planhat.com/";

function urlOf(id: string): string | undefined {
  const built = buildUrl(BASE, "/endusers/:id", { id });
  return built.ok ? built.url : undefined;
}

describe("URLs from templates", () => {
  it("encodes ids", () => {
    expect(urlOf("a/b?c#d é+")).toBe("https://api.planhat.com/endusers/a%2Fb%3Fc%23d%20%C3%A9%2B");
    expect(buildUrl(BASE, "/endusers/extid-:id", { id: 42 })).toEqual({
      ok: true,
      url: "https://api.planhat.com/endusers/extid-42",
    });
  });

  it.each(["", "  ", ".", "..", "\ud800"])("refuses %j as an id", (id) => {
    expect(urlOf(id)).toBeUndefined();
  });

  it("refuses a template whose place nobody fills", () => {
    expect(buildUrl(BASE, "/endusers/:id")).toEqual({ ok: false, problem: ":id is empty" });
  });

  it("encodes the query so that plus, ampersand and umlauts arrive", () => {
    expect(encodeQuery({ email: "a+b@x.y", q: "ü & co", none: undefined, yes: true })).toBe(
      "email=a%2Bb%40x.y&q=%C3%BC%20%26%20co&yes=true",
    );
    expect(buildUrl(BASE, "/users", {}, { limit: 1 })).toMatchObject({ url: "https://api.planhat.com/users?limit=1" });
  });

  it("leaves the base URL alone when there is no route", () => {
    expect(buildUrl("https://h/p/?a=1", "")).toMatchObject({ url: "https://h/p/?a=1" });
    expect(buildUrl("https://h/p?a=1", "", {}, { b: 2 })).toMatchObject({ url: "https://h/p?a=1&b=2" });
  });

  it("never lets an id leave its place, and always gives it back whole", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (id) => {
        const url = urlOf(id);
        if (url === undefined) return true;
        const segments = new URL(url).pathname.split("/");
        return segments.length === 3 && segments[1] === "endusers" && decodeURIComponent(segments[2] ?? "") === id;
      }),
    );
  });
});
