import { createCustomFields } from "../../../src/services/planhat/api/custom-fields";
import { UnexpectedAnswer } from "../../../src/http/errors";
import { pageOf, restOfPages } from "./fake-rest";

/** Answers pages of these rows, and counts how often it was asked. */
function restOf(rows: () => readonly unknown[]) {
  const asked: unknown[] = [];
  const rest = restOfPages((path, query) => {
    asked.push({ path, ...query });
    return pageOf(rows());
  });
  return { rest, asked };
}

const field = (_id: string, more: object = {}): object => ({
  _id,
  name: _id,
  type: "text",
  parent: "Company",
  ...more,
});

afterEach(() => void jest.restoreAllMocks());

test("definitions are read with what matters of them", async () => {
  const rows = [
    field("a", { name: " Health.score ", type: "Team Member", parent: "EndUser", isHidden: true }),
    field("b", { isFormula: true }),
    field("c", { parent: "license", type: undefined }),
    field("d", { parent: "Asset", isHidden: "yes" }),
  ];
  const { rest } = restOf(() => rows);
  expect(await createCustomFields().list("one", rest)).toEqual([
    { type: "endusers", parent: "EndUser", name: " Health.score ", holds: "team member", hidden: true, formula: false },
    { type: "companies", parent: "Company", name: "b", holds: "text", hidden: false, formula: true },
    { type: "licenses", parent: "license", name: "c", holds: "", hidden: false, formula: false },
    { type: undefined, parent: "Asset", name: "d", holds: "text", hidden: false, formula: false },
  ]);
});

test("rows that define nothing are passed over", async () => {
  const nameless = [field("n", { name: null }), field("p", { parent: {} }), field("b", { name: " " })];
  const rows = [null, 7, "field", [], {}, { _id: "" }, ...nameless];
  expect(await createCustomFields().list("one", restOf(() => rows).rest)).toEqual([]);
});

test("one reading serves all who ask within ten minutes, and nobody with other credentials", async () => {
  const now = jest.spyOn(Date, "now").mockReturnValue(0);
  const { rest, asked } = restOf(() => [field("a")]);
  const fields = createCustomFields();
  await Promise.all([fields.list("one", rest), fields.list("one", rest)]);
  now.mockReturnValue(599_000);
  await fields.list("one", rest);
  expect(asked).toEqual([{ path: "/customfields", limit: 2_000, offset: 0, sort: "_id" }]);
  await fields.list("two", rest);
  expect(asked).toHaveLength(2);
  now.mockReturnValue(601_000);
  await fields.list("one", rest);
  expect(asked).toHaveLength(3);
});

test("a failure is for all who waited for it, and for nobody afterwards", async () => {
  let answers = 0;
  const { rest, asked } = restOf(() => {
    answers += 1;
    if (answers === 1) throw new UnexpectedAnswer("no list");
    return [field("a")];
  });
  const fields = createCustomFields();
  const both = await Promise.allSettled([fields.list("one", rest), fields.list("one", rest)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await fields.list("one", rest)).toHaveLength(1);
  expect(asked).toHaveLength(2);
});

test("a list that repeats itself for ever is no list", async () => {
  const page = Array.from({ length: 2_000 }, (_, index) => field(String(index).padStart(5, "0")));
  const { rest, asked } = restOf(() => page);
  await expect(createCustomFields().list("one", rest)).rejects.toThrow(/could not be read to its end/);
  expect(asked.length).toBeLessThanOrEqual(5);
});
