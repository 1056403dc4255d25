/** Known defects of hull-planhat 0.1.7 with batches: each must not happen here. */
import { begin, carryOut, publish, userRow } from "../fixture/batches";
import { account, minute, useFixtures, user } from "../fixture/fixture";
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";

const open = useFixtures();

const settings = { contact_synchronized_segments: ["customers"], account_synchronized_segments: ["customers"] };

describe("C5: a batch passes by the change detection, not only the segment filter", () => {
  test("a user whom nothing changed is sent", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    await fixture.tellUser(user(1, { indexed_at: minute(1) }), account(1));
    await fixture.settled();
    const before = fixture.written("endusers").length;
    const run = await carryOut(fixture, [userRow(user(1), account(1))]);
    expect(run.counts).toEqual({ "endusers/sent/updated": 1 });
    expect(fixture.written("endusers").slice(before)).toMatchObject([
      { name: "Person 1", email: "person-1@example.com", position: "Engineer" },
    ]);
  });

  test("an account that nothing changed is sent", async () => {
    const fixture = await open();
    fixture.seed([account(1)]);
    await fixture.tellAccount(account(1));
    await fixture.settled();
    const before = fixture.written("companies").length;
    const run = await carryOut(fixture, [account(1)], { entity: "account" });
    expect(run.counts).toEqual({ "companies/sent/updated": 1 });
    expect(fixture.written("companies").slice(before)).toMatchObject([{ name: "Acme 1" }]);
  });

  test("what a person changed in Planhat is put back", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    await fetch(`${fixture.planhat.url}/api/endusers/${fixture.endusers()[0]?.["_id"] as string}`, {
      method: "PUT",
      headers: { authorization: "Bearer planhat-token-0001", "content-type": "application/json" },
      body: JSON.stringify({ position: "Changed by a person" }),
    });
    await carryOut(fixture, [userRow(user(1), account(1))]);
    expect(fixture.endusers()).toMatchObject([{ position: "Engineer" }]);
  });
});

describe("C16: one bad account of a batch takes no other along, and none is lost in silence", () => {
  test("refused, unreadable and incomplete ones are told one by one", async () => {
    const fixture = await open();
    fixture.seed([1, 2, 3, 4, 5].map((number) => account(number)));
    fixture.planhat.poison({ field: "externalId", value: "acme-2" }, "Acme 2 is not welcome");
    const rows = [1, 2, 3, 4, 5].map((number) => JSON.stringify(account(number)));
    rows[2] = '{"id": "broken';
    rows[3] = JSON.stringify(account(4, { name: "" }));
    const { url } = fixture.hull.publishExtract({ content: rows.join("\n") });
    const run = await fixture.ended(await begin(fixture, url, { entity: "account" }));
    await fixture.settled();
    expect(run.counts).toEqual({
      "companies/sent/created": 2,
      "companies/rejected/refused": 1,
      "companies/rejected/invalid_message": 1,
      "companies/skipped/missing_name": 1,
    });
    await fixture.restart();
    const reasons = fixture.logs
      .filter(({ level, message }) => level === "error" && message === "outgoing.account.error")
      .map(({ data }) => String(data?.["reason"]));
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringContaining("Acme 2 is not welcome") as string,
        expect.stringContaining("Row 3 ") as string,
      ]),
    );
  });
});

describe("C21: is_export counts, and accounts have a batch of their own", () => {
  test("users of an export pass by the filter and are sent even if equal", async () => {
    const fixture = await open({ settings });
    fixture.seed([account(1)], [user(1)]);
    for (const counts of [{ "endusers/sent/created": 1 }, { "endusers/sent/created": 1, "endusers/sent/updated": 1 }]) {
      const message = buildUserMessage(user(1), { account: account(1), sequence: Object.keys(counts).length });
      await fixture.send("user:update", [message], { isExport: true });
      await fixture.settled();
      expect(await fixture.outcomes()).toEqual(counts);
    }
  });

  test("accounts of an export do, too", async () => {
    const fixture = await open({ settings });
    fixture.seed([account(1)]);
    await fixture.send("account:update", [buildAccountMessage(account(1))], { isExport: true });
    await fixture.settled();
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 1 });
  });

  test("an ordinary message of the same user stays at home", async () => {
    const fixture = await open({ settings });
    await fixture.tellUser(user(1), account(1));
    expect(await fixture.outcomes()).toEqual({ "endusers/skipped/outside_user_segments": 1 });
    expect(fixture.calls).toEqual([]);
  });

  test("/batch-accounts takes accounts", async () => {
    const fixture = await open({ settings });
    fixture.seed([account(1)]);
    const run = await fixture.ended(await begin(fixture, publish(fixture, [account(1)]).url, { entity: "account" }));
    await fixture.settled();
    expect(run).toMatchObject({ state: "success", type: "companies", counts: { "companies/sent/created": 1 } });
    expect(fixture.companies()).toMatchObject([{ externalId: "acme-1" }]);
  });
});
