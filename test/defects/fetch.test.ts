/** Known defects of hull-planhat 0.1.7 on the way back from Planhat: each must not happen here. */
import { account, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

const companies = (fixture: Fixture, count: number): void => {
  for (let number = 1; number <= count; number += 1) {
    fixture.planhat.tenant().seedCompany({
      _id: `c${number + 100}`,
      externalId: `acme-${number}`,
      name: `Acme ${number}`,
      updatedAt: "2025-01-01T00:00:00.000Z",
    });
  }
};

const lists = (fixture: Fixture) => fixture.calls.filter(({ route }) => route === "GET /companies");

describe("C22: pages are in order, a failed one is asked for again, and one that always fails is no loop", () => {
  test("every page is sorted", async () => {
    const fixture = await open();
    companies(fixture, 3);
    await fixture.fetchBoth();
    const pages = fixture.calls.filter(({ route }) => ["GET /companies", "GET /endusers"].includes(route));
    expect(pages.map(({ query }) => query.get("sort"))).toEqual(["_id", "_id"]);
  });

  test("a page that failed is asked for again at once, not after five minutes of silence", async () => {
    const fixture = await open();
    companies(fixture, 3);
    fixture.planhat.faults.add({ kind: "status", status: 502, route: "GET /companies", count: 5 });
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "success", done: 3 });
  });

  test("a fetch that always fails ends, and the schedule's calls do not begin it again every five minutes", async () => {
    const fixture = await open();
    const down = fixture.planhat.faults.add({ kind: "status", status: 502, route: "GET /companies" });
    expect(await fixture.fetch("accounts", "")).toMatchObject({ state: "error" });
    const { hits } = down;
    for (let call = 0; call < 5; call += 1) {
      fixture.advance(5);
      expect(await fixture.callFetch("accounts")).toMatchObject({ state: "early" });
    }
    expect(down.hits).toBe(hits);
  });
});

test("C23: however many calls come at once, one fetch begins", async () => {
  const fixture = await open();
  companies(fixture, 3);
  const answers = await Promise.all(Array.from({ length: 10 }, () => fixture.callFetch("accounts")));
  const begun = answers.filter(({ state }) => state === "begun");
  expect(begun).toHaveLength(1);
  await fixture.ended(begun[0]?.run ?? "");
  expect(lists(fixture)).toHaveLength(1);
  expect(fixture.hull.books.snapshot().accountTraits).toBe(3);
});

describe("C24: a company is told when it changed, and when it is gone", () => {
  test.each([
    ["with updatedAt", "full"],
    ["without", "lean"],
  ] as const)("one of three changed, lists %s", async (_name, companyList) => {
    const fixture = await open({ settings: { mark_deleted: true }, planhat: { switches: { companyList } } });
    companies(fixture, 3);
    expect(await fixture.fetchBoth()).toHaveLength(3);
    expect(await fixture.fetchBoth()).toEqual([]);
    fixture.planhat.tenant().edit("companies", "c102", { phase: "Live" });
    expect(await fixture.fetchBoth()).toMatchObject([{ body: { "planhat/phase": "Live" } }]);
    fixture.planhat.tenant().remove("companies", "c103");
    const gone = await fixture.fetchBoth();
    expect(gone).toMatchObject([{ account: { anonymous_id: "planhat:c103" } }]);
    expect(gone.map(({ body }) => Object.keys(body))).toEqual([["planhat/deleted_at"]]);
  });
});

describe("C25: users are users: in the log, at their account, and with nothing of theirs in the log", () => {
  async function openAnn() {
    const fixture = await open();
    companies(fixture, 1);
    fixture.planhat.tenant().seedEnduser({
      _id: "e1",
      email: "ann@acme.example",
      name: "Ann Miller",
      position: "Secret Agent",
      custom: { Salary: "A lot" },
      companyId: "c101",
    });
    await fixture.fetchBoth();
    return fixture;
  }

  test("their lines are about the user", async () => {
    const fixture = await openAnn();
    const lines = fixture.logs.filter(({ message }) => message.startsWith("incoming.user."));
    expect(lines).toMatchObject([
      {
        message: "incoming.user.success",
        context: { subject_type: "user", user_email: "ann@acme.example" },
        data: { type: "endusers", remote_id: "e1" },
      },
    ]);
    expect(fixture.logs.filter(({ message }) => message.startsWith("incoming.account."))).toMatchObject([
      { message: "incoming.account.success", context: { subject_type: "account" }, data: { remote_id: "c101" } },
    ]);
  });

  test("they are linked to the account of their company", async () => {
    const fixture = await openAnn();
    const { users, accounts } = fixture.hull.profiles.snapshot();
    expect(users[0]?.account_id).toBe(accounts[0]?.id);
  });

  test("no record stands in the log, at no level", async () => {
    const fixture = await openAnn();
    const log = JSON.stringify(fixture.logs);
    for (const text of ["Ann Miller", "Secret Agent", "A lot", "Acme 1"]) expect(log).not.toContain(text);
    const loud = JSON.stringify(fixture.logs.filter(({ level }) => level !== "debug"));
    expect(loud).not.toContain("ann@acme.example");
  });

  test("nor that of one whom Hull knows", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    fixture.advance(1);
    const [record] = fixture.endusers();
    fixture.planhat.tenant().edit("endusers", String(record?.["_id"]), { phone: "0049 30 1" });
    await fixture.fetchBoth();
    expect(JSON.stringify(fixture.logs)).not.toContain("0049 30 1");
    const lines = fixture.logs.filter(({ message }) => message === "incoming.user.success");
    expect(lines).toMatchObject([{ context: { user_id: user(1).id } }]);
  });
});
