/** The organization as people type or paste it. */
import { organizationQuery } from "../../../server/middleware/organization";

const read = (org: unknown): unknown => {
  const { data, error } = organizationQuery.safeParse({ org });
  return data?.org ?? error?.issues.map(({ message }) => message).join("; ");
};

test.each([
  "acme.hullapp.io",
  "ACME.HullApp.io",
  " acme.hullapp.io\u00a0\n",
  "acme.hullapp.io/",
  "https://acme.hullapp.io",
  "https://acme.hullapp.io/",
  "HTTPS://Acme.hullapp.io/api/v1/users?page=2#top",
  "http://acme.hullapp.io?x=a@b",
  "//acme.hullapp.io/",
  `https://acme.hullapp.io/${"long/".repeat(200)}`,
])("%j is acme.hullapp.io", (typed) => expect(read(typed)).toBe("acme.hullapp.io"));

test.each([
  ["http://127.0.0.1:4020/", "127.0.0.1:4020"],
  ["[::1]:8082", "[::1]:8082"],
  ["localhost:8082", "localhost:8082"],
  ["my_org.internal", "my_org.internal"],
])("%j is %s, with its port", (typed, host) => expect(read(typed)).toBe(host));

test.each([
  "https://",
  "/",
  " ",
  "https://acme.hullapp.io@evil.example/",
  "https://user:pass@acme.hullapp.io/",
  "acme.hullapp.io\\@evil.example",
  "https:acme.hullapp.io",
  "ftp://acme.hullapp.io",
  "javascript:alert(1)",
  "acme hullapp.io",
  "acme..hullapp.io",
  ".hullapp.io",
  "acme.hullapp.io:port",
  "Acme & Sons",
  "jane@acme.example",
  "ácme.hullapp.io",
  `<b>`,
])("%j is not the address of an organization", (typed) =>
  expect(read(typed)).toBe("is not the address of an organization"),
);

test.each(["dashboard.hullapp.io", "https://dashboard.hullapp.io/readme?url=https://acme.hullapp.io"])(
  "%s is Hull's dashboard, which is everybody's",
  (typed) => expect(read(typed)).toBe("is the address of Hull's dashboard, which all organizations share"),
);

test("what is missing, double or much too long is said in words", () => {
  expect(read(undefined)).toBe("is missing");
  expect(read("")).toMatch(/^is missing/);
  expect(read(["a", "b"])).toBe("is given more than once");
  expect(read("a".repeat(2_001))).toMatch(/^is longer than 2000 characters/);
  expect(read("a".repeat(201))).toMatch(/^must have 1 to 200 printable/);
});
