/** What is read decides which record it is: a failed reading decides nothing. */
import type { FaultKind } from "../../simulators/loopback";
import { buildUserMessage } from "../../simulators/hull";
import { account, minute, TOKEN, useFixtures, user } from "../fixture/fixture";
import { IS_FULL } from "../full";

const open = useFixtures();

const BROKEN: readonly (readonly [string, FaultKind])[] = [
  ["a 500", { kind: "status", status: 500 }],
  ["a 429", { kind: "rate-limit" }],
  ["no answer at all", { kind: "stall" }],
  ["a reset before the answer", { kind: "reset-before" }],
  ["a 503", { kind: "status", status: 503 }],
  ["a reset", { kind: "reset-after" }],
  ["a truncated list", { kind: "truncate" }],
  ["an object instead of a list", { kind: "wrong-shape", form: "object" }],
  ["an HTML page", { kind: "wrong-shape", form: "html" }],
];

const LOOK_UPS = [
  ["company", "GET /leancompanies"],
  ["company's content", "GET /companies"],
  ["enduser", "GET /endusers"],
] as const;

/** Each trouble meets another call, and one of them all calls; with TEST_FULL=1 each meets all. */
describe.each(BROKEN.map((each, at) => [...each, at] as const))("when a look-up brings %s", (_name, fault, at) => {
  test.each(LOOK_UPS.filter((_, place) => IS_FULL || at === 0 || place === at % LOOK_UPS.length))(
    "the %s is looked up again, and nothing is made on that evidence",
    async (_what, route) => {
      const fixture = await open({ environment: { REQUEST_TIMEOUT_MS: "200" } });
      const tenant = fixture.planhat.tenant();
      const company = tenant.seedCompany({ externalId: "acme-1", name: "Old" });
      const person = tenant.seedEnduser({ companyId: company._id, externalId: "person-1" });
      // Longer than what one call repeats on its own.
      fixture.planhat.faults.add({ ...fault, route, count: 4 });
      await fixture.tellAccount(account(1));
      await fixture.tellUser(user(1), account(1));
      await fixture.settledWithHelp();
      expect(fixture.companies()).toMatchObject([{ _id: company._id, name: "Acme 1" }]);
      expect(fixture.endusers()).toMatchObject([{ _id: person._id, email: user(1)["email"] }]);
      expect(await fixture.outcomes()).toEqual({ "companies/sent/updated": 1, "endusers/sent/updated": 1 });
    },
  );
});

test("a company list without keys and time stamps still shows who is who", async () => {
  const fixture = await open({ planhat: { switches: { companyList: "lean", listReferences: "ids" } } });
  const there = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Old" });
  await fixture.deliverAccount(account(1));
  expect(fixture.companies()).toMatchObject([{ _id: there._id, name: "Acme 1" }]);
});

describe.each(["404", "400", "200-null"] as const)("a record that is not there (Planhat says %s)", (missing) => {
  test("is made, although Hull remembers an id", async () => {
    const fixture = await open({ planhat: { switches: { missing } } });
    const id = "5f5f5f5f5f5f5f5f5f5f5f5f";
    await fixture.tellUser(user(1, { "planhat/id": id }), account(1, { "planhat/id": id }));
    await fixture.settledWithHelp();
    expect(fixture.endusers()).toHaveLength(1);
  });

  test("shows that changed credentials lead elsewhere", async () => {
    const fixture = await open({ planhat: { switches: { missing } } });
    await fixture.deliverUser(user(1), account(1));
    fixture.planhat.addTenant("other-token");
    await fixture.saveSettings({ personal_acccess_token: "other-token" });
    await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1));
    expect(fixture.planhat.snapshot("other-token").endusers).toHaveLength(1);
    expect(fixture.planhat.snapshot(TOKEN).endusers).toHaveLength(1);
  });
});

test.each(["stored", "removes", "ignored"] as const)(
  "a clear is sent once, whatever Planhat makes of nulls (%s)",
  async (nulls) => {
    const fixture = await open({ planhat: { switches: { nulls } }, settings: { clear_on_null: true } });
    await fixture.deliverUser(user(1), account(1));
    for (const step of [1, 2, 3]) {
      await fixture.deliverUser(user(1, { position: null, indexed_at: minute(step) }), account(1));
    }
    expect(fixture.written("endusers").filter((item) => item["position"] === null)).toHaveLength(1);
    expect(fixture.endusers()[0]?.["position"] ?? null).toBe(nulls === "ignored" ? "Engineer" : null);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/sent/updated": 1,
      "endusers/unchanged/in_sync": 2,
    });
  },
);

test("a deleted company that its users' messages still name is made again for them", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  fixture.planhat.tenant().remove("companies", String(fixture.companies()[0]?.["_id"]));
  await fixture.tellAccount(account(1, { name: "Acme again", indexed_at: minute(1) }));
  await fixture.settledWithHelp();
  await fixture.tellUser(user(2), account(1));
  await fixture.settledWithHelp();
  const [company, ...others] = fixture.companies();
  expect(others).toEqual([]);
  expect(fixture.endusers().find((each) => each["externalId"] === "person-2")).toMatchObject({
    companyId: company?.["_id"],
  });
});

test("records of many pages are all found before anything is made", async () => {
  const fixture = await open();
  const everybody = Array.from({ length: 30 }, (_, index) => user(index + 1));
  fixture.seed([account(1)], everybody);
  const tenant = fixture.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  for (let index = 0; index < 4_500; index += 1) {
    tenant.seedEnduser({ companyId: company._id, email: `filler-${index}@example.com` });
  }
  for (const each of everybody) tenant.seedEnduser({ companyId: company._id, email: each["email"] });
  await fixture.deliver(
    "user:update",
    everybody.map((each) => buildUserMessage(each, { account: account(1) })),
  );
  expect(fixture.planhat.books.snapshot().created.endusers).toBe(0);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/updated": 30 });
});
