import { createHostAllowList } from "../../../src/http/guards/hosts";
import { ExtractError } from "../../../src/hull/extract/extract";
import { checkLink, placeOf } from "../../../src/hull/extract/link";

const hosts = createHostAllowList(["*.hullapp.io", "files.example.com:9000", "127.0.0.1:*", "10.0.0.5:9000"]);

/** "ok", or the end of the sentence about why the link was refused. */
function verdict(link: string, from?: string): string {
  try {
    const url = checkLink(link, from === undefined ? undefined : new URL(from), hosts, (trouble) => {
      return new ExtractError(placeOf(link), 0, trouble);
    });
    expect(url.href).toBe(new URL(link).href);
    return "ok";
  } catch (error) {
    return error instanceof ExtractError ? error.message : String(error);
  }
}

it("a redirect keeps to https, also towards a host that may be asked over http", () => {
  expect(verdict("http://files.example.com:9000/f")).toBe("ok");
  expect(verdict("http://files.example.com:9000/f", "http://127.0.0.1:4010/f")).toBe("ok");
  expect(verdict("http://files.example.com:9000/f", "https://a.hullapp.io/f")).toContain("must not continue over http");
  expect(verdict("https://b.hullapp.io/f", "https://a.hullapp.io/f")).toBe("ok");
  expect(verdict("https://b.hullapp.io/f", "http://files.example.com:9000/f")).toBe("ok");
});

it("a redirect leads from inside to inside and from inside out, but not from outside in", () => {
  expect(verdict("https://10.0.0.5:9000/f")).toBe("ok");
  expect(verdict("https://10.0.0.5:9000/f", "http://127.0.0.1:4010/f")).toBe("ok");
  expect(verdict("https://a.hullapp.io/f", "https://10.0.0.5:9000/f")).toBe("ok");
  expect(verdict("https://10.0.0.5:9000/f", "https://a.hullapp.io/f")).toContain("private address");
});

it("the place of a link is its host and path, cut to a readable length", () => {
  expect(placeOf("https://user:secret@files.example.com/a/b.json?sig=1#x")).toBe("files.example.com/a/b.json");
  expect(placeOf(`https://files.example.com/${"a".repeat(500)}?sig=1`)).toHaveLength(200);
  expect(placeOf("data:text/plain,secret")).toBe("(a data: address)");
  expect(placeOf("secret")).toBe("(no address)");
});
