import { createHostAllowList } from "../../src/http/guards/hosts";
import { placeOf } from "../../src/hull/extract/link";
import { isSafeAddress } from "../../src/services/plangrade/settings/target";
import { readUrl } from "../../src/web-address";

/** Some releases of Node say that it can be parsed, and then refuse to. */
const TREACHEROUS = `https://${"eyJ".repeat(6_667)}`;

test("an address is read, a relative one from its base, and anything else is none", () => {
  expect(readUrl("https://acme.example/a?b=c")?.host).toBe("acme.example");
  expect(readUrl("../d", new URL("https://acme.example/a/b/c"))?.href).toBe("https://acme.example/a/d");
  expect([readUrl(""), readUrl("acme.example"), readUrl("https://")]).toEqual([undefined, undefined, undefined]);
});

test("an address on which Node disagrees with itself is none, and no fault of ours", () => {
  expect(() => readUrl(TREACHEROUS)).not.toThrow();
  expect(createHostAllowList(["*.hullapp.io"]).allows(TREACHEROUS)).toBe(false);
  expect(() => placeOf(TREACHEROUS)).not.toThrow();
  expect(() => isSafeAddress(TREACHEROUS)).not.toThrow();
});
