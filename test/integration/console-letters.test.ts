/** `/console/letters`: dead letters by reason, found, chosen, and all of some sent again. */
import type { Answer } from "./asking";
import { linksIn, login, partOf, send, tokenIn } from "./console-pages";
import { CONNECTOR, openEdge, OTHER, type Edge } from "./edge";

let edge: Edge;
beforeEach(async () => {
  edge = await openEdge();
  await edge.refuse("a1");
  await edge.refuse("a2", { code: "identity_alarm" });
  await edge.refuse("u1", { type: "endusers" });
  await edge.refuse("b1", { owner: OTHER });
});
afterEach(() => edge.close());

const address = (path: string, query = ""): string =>
  `/console${path}?org=${encodeURIComponent(edge.organization)}${query}`;
const open = (path: string, query = "", owner = CONNECTOR): Promise<Answer> =>
  send(edge.baseUrl, address(path, query), { headers: login(owner) });
const shown = (answer: Answer): readonly string[] => [...new Set(partOf(answer, "letters").match(/\b[aub]\d\b/g))];

function post(query: string, token: string, owner = CONNECTOR): Promise<Answer> {
  const headers = { "content-type": "application/x-www-form-urlencoded", ...login(owner) };
  return send(edge.baseUrl, address("/letters/replay", query), { method: "POST", body: `token=${token}`, headers });
}

test("the list is narrowed by type, reason and part of a name", async () => {
  expect(shown(await open("/letters"))).toEqual(["a1", "a2", "u1"]);
  expect(shown(await open("/letters", "&q=&type=&code=identity_alarm"))).toEqual(["a2"]);
  expect(shown(await open("/letters", "&type=endusers"))).toEqual(["u1"]);
  expect(shown(await open("/letters", "&q=A"))).toEqual(["a1", "a2"]);
  expect(shown(await open("/letters", "&q=b1"))).toEqual([]);
  expect((await open("/letters", "&q=b1")).text).toContain("There is no such dead letter.");
  expect((await open("/letters", "&q=%22%3E%3Cb%3E")).text).toContain('value="&quot;&gt;&lt;b&gt;"');
});

test.each([
  ["&code=%0d%0a", "code must have 1 to 200 printable ASCII characters"],
  ["&after=x", "after is not next of an answer"],
  [`&q=${"a".repeat(201)}`, "q is longer than 200 characters"],
])("the page says what of the address it cannot read: %.20s", async (query, words) => {
  const answer = await open("/letters", query);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)]);
});

test("each reason has its number, and leads to its dead letters, on the console as well", async () => {
  for (const path of ["", "/letters"]) {
    const answer = await open(path);
    const words = answer.text
      .replaceAll("<wbr />", "")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ");
    expect(words).toMatch(/identity_alarm companies Send all again… identity_alarm, companies 1 /);
    expect(linksIn(answer)).toContain(`${address("/letters")}&type=companies&code=identity_alarm`);
  }
});

test("what has no match on a page is looked for on the next ones", async () => {
  const { next } = await edge.store.deadLetters({ tenant: edge.tenantKey, limit: 1 });
  // A page of a thousand that are others.
  jest.spyOn(edge.store, "deadLetters").mockResolvedValueOnce({ deadLetters: [], ...(next !== undefined && { next }) });
  expect(shown(await open("/letters", "&q=u1"))).toEqual(["u1"]);
});

describe("all of some are sent again", () => {
  test("when somebody says so twice, as a run of their own", async () => {
    const question = await open("/letters/replay", "&type=companies&code=refused");
    expect(question.text).toContain("Send 1 dead letter again?");
    expect(edge.asked).toEqual([]);
    const token = tokenIn(question, "/console/letters/replay");
    const answer = await post("&type=companies&code=refused", token);
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/console/runs/run-3?org=${encodeURIComponent(edge.organization)}&done=resent`,
    ]);
    const chosen = { type: "companies", code: "refused" };
    expect(edge.asked).toEqual([{ kind: "replay", tenant: edge.tenantKey, chosen }]);
  });

  test("and no others than those that the question was about", async () => {
    const token = tokenIn(await open("/letters/replay", "&code=refused"), "/console/letters/replay");
    for (const query of ["", "&code=identity_alarm", "&code=refused&type=companies", "&run=refused"]) {
      expect([query, (await post(query, token)).status]).toEqual([query, 403]);
    }
    expect((await post("&code=refused", token, OTHER)).status).toBe(403);
    expect(edge.asked).toEqual([]);
  });

  test("unless there are none", async () => {
    const question = await open("/letters/replay", "&code=unknown");
    expect(question.text).toContain("There is no such dead letter any more");
    expect(question.text).not.toContain("<form");
  });

  test("and the question does not count for ever", async () => {
    jest.spyOn(edge.store, "deadLetterCounts").mockResolvedValue({ counts: { "companies/refused": 1_000 }, next: "x" });
    expect((await open("/letters/replay")).text).toContain("Send 5,000 or more dead letters again?");
  });
});

test("of a run there are none but those that ended in it, and a search stays with it", async () => {
  const answer = await open("/letters", "&run=run-1");
  expect(shown(answer)).toEqual([]);
  expect(answer.text).toContain('name="run" value="run-1"');
});
