/** Known defects of hull-planhat 0.1.7 on the way back from Planhat: each must not happen here. */
import { useFetching, type FetchStage } from "../rules/fetching";
import { account, user } from "../rules/stage";

const open = useFetching();

const companies = (stage: FetchStage, count: number): void => {
  for (let number = 1; number <= count; number += 1) {
    stage.planhat.tenant().seedCompany({
      _id: `c${number + 100}`,
      externalId: `acme-${number}`,
      name: `Acme ${number}`,
      updatedAt: "2025-01-01T00:00:00.000Z",
    });
  }
};

const lists = (stage: FetchStage) => stage.calls.filter(({ route }) => route === "GET /companies");

describe("C22: pages are in order, a failed one is asked for again, and one that always fails is no loop", () => {
  test("every page is sorted", async () => {
    const stage = await open();
    companies(stage, 3);
    await stage.fetchBoth();
    const pages = stage.calls.filter(({ route }) => ["GET /companies", "GET /endusers"].includes(route));
    expect(pages.map(({ query }) => query.get("sort"))).toEqual(["_id", "_id"]);
  });

  test("a page that failed is asked for again at once, not after five minutes of silence", async () => {
    const stage = await open();
    companies(stage, 3);
    stage.planhat.faults.add({ kind: "status", status: 502, route: "GET /companies", count: 5 });
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "success", done: 3 });
  });

  test("a fetch that always fails ends, and the schedule's calls do not begin it again every five minutes", async () => {
    const stage = await open();
    const down = stage.planhat.faults.add({ kind: "status", status: 502, route: "GET /companies" });
    expect(await stage.fetch("accounts", "")).toMatchObject({ state: "error" });
    const { hits } = down;
    for (let call = 0; call < 5; call += 1) {
      stage.pass(5);
      expect(await stage.call("accounts")).toMatchObject({ state: "early" });
    }
    expect(down.hits).toBe(hits);
  });
});

test("C23: however many calls come at once, one fetch begins", async () => {
  const stage = await open();
  companies(stage, 3);
  const answers = await Promise.all(Array.from({ length: 10 }, () => stage.call("accounts")));
  const begun = answers.filter(({ state }) => state === "begun");
  expect(begun).toHaveLength(1);
  await stage.ended(begun[0]?.run ?? "");
  expect(lists(stage)).toHaveLength(1);
  expect(stage.hull.books.snapshot().accountTraits).toBe(3);
});

describe("C24: a company is told when it changed, and when it is gone", () => {
  test.each([
    ["with updatedAt", "full"],
    ["without", "lean"],
  ] as const)("one of three changed, lists %s", async (_name, companyList) => {
    const stage = await open({ settings: { mark_deleted: true }, planhat: { switches: { companyList } } });
    companies(stage, 3);
    expect(await stage.fetchBoth()).toHaveLength(3);
    expect(await stage.fetchBoth()).toEqual([]);
    stage.planhat.tenant().edit("companies", "c102", { phase: "Live" });
    expect(await stage.fetchBoth()).toMatchObject([{ body: { "planhat/phase": "Live" } }]);
    stage.planhat.tenant().remove("companies", "c103");
    const gone = await stage.fetchBoth();
    expect(gone).toMatchObject([{ account: { anonymous_id: "planhat:c103" } }]);
    expect(gone.map(({ body }) => Object.keys(body))).toEqual([["planhat/deleted_at"]]);
  });
});

describe("C25: users are users: in the log, at their account, and with nothing of theirs in the log", () => {
  async function openAnn() {
    const stage = await open();
    companies(stage, 1);
    stage.planhat.tenant().seedEnduser({
      _id: "e1",
      email: "ann@acme.example",
      name: "Ann Miller",
      position: "Secret Agent",
      custom: { Salary: "A lot" },
      companyId: "c101",
    });
    await stage.fetchBoth();
    return stage;
  }

  test("their lines are about the user", async () => {
    const stage = await openAnn();
    const lines = stage.logs.filter(({ message }) => message.startsWith("incoming.user."));
    expect(lines).toMatchObject([
      {
        message: "incoming.user.success",
        context: { subject_type: "user", user_email: "ann@acme.example" },
        data: { type: "endusers", remote_id: "e1" },
      },
    ]);
    expect(stage.logs.filter(({ message }) => message.startsWith("incoming.account."))).toMatchObject([
      { message: "incoming.account.success", context: { subject_type: "account" }, data: { remote_id: "c101" } },
    ]);
  });

  test("they are linked to the account of their company", async () => {
    const stage = await openAnn();
    const { users, accounts } = stage.hull.profiles.snapshot();
    expect(users[0]?.account_id).toBe(accounts[0]?.id);
  });

  test("no record stands in the log, at no level", async () => {
    const stage = await openAnn();
    const log = JSON.stringify(stage.logs);
    for (const text of ["Ann Miller", "Secret Agent", "A lot", "Acme 1"]) expect(log).not.toContain(text);
    const loud = JSON.stringify(stage.logs.filter(({ level }) => level !== "debug"));
    expect(loud).not.toContain("ann@acme.example");
  });

  test("nor that of one whom Hull knows", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    stage.pass(1);
    const [record] = stage.endusers();
    stage.planhat.tenant().edit("endusers", String(record?.["_id"]), { phone: "0049 30 1" });
    await stage.fetchBoth();
    expect(JSON.stringify(stage.logs)).not.toContain("0049 30 1");
    const lines = stage.logs.filter(({ message }) => message === "incoming.user.success");
    expect(lines).toMatchObject([{ context: { user_id: user(1).id } }]);
  });
});
