/** Is it a change? Only what differs is sent, nobody's work is reverted, and a person's edit is respected. */
import { account, minute, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

async function inStep(fixture: Fixture): Promise<string> {
  await fixture.deliverUser(user(1), account(1));
  return String(fixture.endusers()[0]?.["_id"]);
}

/** An ordinary update of the n-th minute. */
const later = (minutes: number, more: Record<string, unknown> = {}) =>
  user(1, { indexed_at: minute(minutes), ...more });

test("an update carries the id and what changed, nothing else", async () => {
  const fixture = await open();
  const id = await inStep(fixture);
  await fixture.deliverUser(later(1, { position: "Director" }), account(1));
  expect(fixture.written("endusers").at(-1)).toEqual({ _id: id, position: "Director" });
});

test("a message that changes nothing mapped costs no call on either side", async () => {
  const fixture = await open();
  await inStep(fixture);
  const before = [fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests];
  await fixture.deliverUser(later(1, { unmapped: "news", "planhat/id": "whatever Hull shows" }), account(1));
  expect([fixture.planhat.books.snapshot().calls, fixture.hull.books.snapshot().firehoseRequests]).toEqual(before);
});

describe("a person edited the record in Planhat", () => {
  /** Lets the mirror see the record anew, as the fetch does, by way of a message of somebody else in its company. */
  async function seeAnew(fixture: Fixture): Promise<void> {
    fixture.seed([], [user(9)]);
    await fixture.deliverUser(user(9, { indexed_at: minute(100) }), account(1));
  }

  test("and keeps the edit until Hull's own value changes", async () => {
    const fixture = await open();
    const id = await inStep(fixture);
    fixture.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await seeAnew(fixture);
    await fixture.deliverUser(later(2, { name: "Person One" }), account(1));
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Edited by hand", name: "Person One" });
    await fixture.deliverUser(later(3, { name: "Person One", position: "Director" }), account(1));
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Director" });
  });

  test("and it is kept though the mirror never saw it, as long as Hull's value stays", async () => {
    const fixture = await open();
    const id = await inStep(fixture);
    fixture.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await fixture.deliverUser(later(2, { name: "Person One" }), account(1));
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Edited by hand", name: "Person One" });
  });

  test("and Hull moved too: Hull wins", async () => {
    const fixture = await open();
    const id = await inStep(fixture);
    fixture.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await seeAnew(fixture);
    await fixture.deliverUser(later(2, { position: "Director" }), account(1));
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Director" });
  });

  test("to the very value that Hull has now: nothing is written", async () => {
    const fixture = await open();
    const id = await inStep(fixture);
    fixture.planhat.tenant().edit("endusers", id, { position: "Director" });
    await seeAnew(fixture);
    const before = fixture.written("endusers").length;
    await fixture.deliverUser(later(2, { position: "Director" }), account(1));
    expect(fixture.written("endusers")).toHaveLength(before);
    await fixture.deliverUser(later(3, { position: "Engineer" }), account(1));
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Engineer" });
  });

  test("and an export sends Hull's state all the same", async () => {
    const fixture = await open();
    const id = await inStep(fixture);
    fixture.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await fixture.deliverUser(later(2), account(1), { isExport: true });
    expect(fixture.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Engineer" });
  });
});

describe("first contact with a record that Planhat already has", () => {
  async function meet(fixture: Fixture, fields: Record<string, unknown>): Promise<void> {
    const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    fixture.planhat.tenant().seedEnduser({ companyId: company._id, externalId: "person-1", ...fields });
    await fixture.deliverUser(user(1), account(1));
  }

  test("equal: nothing is written, and Hull is told once", async () => {
    const fixture = await open();
    await meet(fixture, { email: user(1)["email"], name: "Person 1", position: "Engineer" });
    expect(fixture.written("endusers")).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "endusers/unchanged/in_sync": 1 });
    expect(fixture.profile("user", user(1).id)).toMatchObject({
      "planhat/id": fixture.endusers()[0]?.["_id"],
      "planhat/position": "Engineer",
    });
    const before = fixture.hull.books.snapshot().firehoseItems;
    await fixture.deliverUser(later(1, { "planhat/id": fixture.endusers()[0]?.["_id"] }), account(1));
    expect(fixture.hull.books.snapshot().firehoseItems).toBe(before);
  });

  test("different: Hull wins, field by field, and what is not mapped stays", async () => {
    const fixture = await open();
    await meet(fixture, { email: user(1)["email"], name: "Person 1", position: "Other", phone: "+46 1" });
    expect(fixture.written("endusers")).toEqual([{ _id: fixture.endusers()[0]?.["_id"], position: "Engineer" }]);
    expect(fixture.endusers()).toMatchObject([{ position: "Engineer", phone: "+46 1" }]);
  });

  test("a name that differs in case only is no difference", async () => {
    const fixture = await open();
    await meet(fixture, { email: user(1)["email"], name: "PERSON 1", position: "Engineer" });
    expect(fixture.written("endusers")).toEqual([]);
  });
});

test("what Planhat has in another form is found equal at first contact", async () => {
  const fixture = await open({
    settings: {
      contact_attributes_outbound: [
        row("name", "name"),
        row("email", "email"),
        row("external_id", "externalId"),
        row("traits_tags", "tags"),
        row("traits_seen_at", "lastActive"),
        row("traits_vip", "featured"),
        row("created_at", "createDate"),
      ],
      contact_custom_attributes_outbound: [row("traits_seats", "Seats"), row("traits_since", "Since")],
      account_attributes_outbound: [row("name", "name"), row("tags", "tags"), row("score", "csmScore")],
    },
  });
  const tenant = fixture.planhat.tenant();
  const { _id: companyId } = tenant.seedCompany({
    externalId: "acme-1",
    name: "ACME 1",
    tags: ["b", "a"],
    csmScore: 4,
  });
  tenant.seedEnduser({
    companyId,
    externalId: "person-1",
    email: user(1)["email"],
    name: "PERSON 1",
    tags: ["two", "one"],
    lastActive: "2026-01-01T00:00:00.000Z",
    featured: true,
    createDate: "2020-01-01T00:00:00.000Z",
    custom: { Seats: 5, Since: "2019-07-10T00:00:00.000Z" },
  });
  await fixture.deliverAccount(account(1, { tags: "a,b", score: "4" }));
  const person = {
    created_at: "2021-05-05T00:00:00Z",
    tags: ["one", "two"],
    seen_at: 1_767_225_600,
    vip: "true",
    seats: "5",
    since: "2019-07-10 00:00:00 UTC",
  };
  await fixture.deliverUser(user(1, person), account(1));
  expect(await fixture.outcomes()).toEqual({ "companies/unchanged/in_sync": 1, "endusers/unchanged/in_sync": 1 });
  expect(fixture.planhat.books.snapshot().bulkCalls).toBe(0);
});

test("what Planhat stores in another form than we sent is found equal next time", async () => {
  const fixture = await open({
    planhat: { switches: { nameCasing: "all", emailCase: "lowered" } },
    settings: {
      contact_attributes_outbound: [
        row("first_name", "firstName"),
        row("email", "email"),
        row("external_id", "externalId"),
        row("traits_tags", "tags"),
        row("traits_seen_at", "lastActive"),
      ],
    },
  });
  const state = { first_name: "mcDONALD", email: "Person@Example.COM", tags: ["b", "a"], seen_at: 1_767_225_600 };
  await fixture.deliverUser(user(1, state), account(1));
  const before = fixture.calls.length;
  await fixture.tellUser(later(1, state), account(1));
  await fixture.tellUser(later(2, { ...state, tags: ["a", "b"], seen_at: "2026-01-01T01:00:00+01:00" }), account(1));
  await fixture.settled();
  expect(fixture.calls).toHaveLength(before);
});

test("exports send even what is equal, every time; ordinary messages after them do not", async () => {
  const fixture = await open();
  const id = await inStep(fixture);
  const whole = { _id: id, email: user(1)["email"], externalId: "person-1", name: "Person 1", position: "Engineer" };
  for (const times of [2, 3]) {
    await fixture.deliverUser(later(times), account(1), { isExport: true });
    expect(fixture.written("endusers")).toHaveLength(times);
    expect(fixture.written("endusers").at(-1)).toMatchObject(whole);
  }
  await fixture.deliverUser(later(4), account(1));
  expect(fixture.written("endusers")).toHaveLength(3);
});

describe("falsy values are values", () => {
  const settings = {
    contact_attributes_outbound: [
      row("email", "email"),
      row("external_id", "externalId"),
      row("name", "name"),
      row("traits_position", "position"),
      row("traits_featured", "featured"),
      row("traits_optout", "npsUnsubscribed"),
    ],
    contact_custom_attributes_outbound: [row("traits_seats", "Seats"), row("traits_note", "Note")],
  };

  test("0, false and an empty text arrive with a create", async () => {
    const fixture = await open({ settings });
    await fixture.deliverUser(
      user(1, { position: "", featured: false, optout: false, seats: 0, note: "" }),
      account(1),
    );
    expect(fixture.written("endusers")).toMatchObject([
      { position: "", featured: false, npsUnsubscribed: false, custom: { Seats: 0, Note: "" } },
    ]);
  });

  test("0, false and an empty text replace what was there", async () => {
    const fixture = await open({ settings });
    await fixture.deliverUser(user(1, { position: "X", featured: true, seats: 5, note: "hello" }), account(1));
    await fixture.deliverUser(later(1, { position: "", featured: false, seats: 0, note: "" }), account(1));
    expect(fixture.endusers()).toMatchObject([{ position: "", featured: false, custom: { Seats: 0, Note: "" } }]);
  });
});

describe("null", () => {
  test("is not sent by default", async () => {
    const fixture = await open();
    await inStep(fixture);
    const before = fixture.calls.length;
    await fixture.deliverUser(later(1, { position: null }), account(1), {
      changes: { user: { position: ["Engineer", null] } },
    });
    expect(fixture.calls).toHaveLength(before);
    expect(fixture.endusers()).toMatchObject([{ position: "Engineer" }]);
  });

  describe("with clear_on_null", () => {
    test("clears what we delivered ourselves", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      const id = await inStep(fixture);
      await fixture.deliverUser(later(1, { position: null }), account(1));
      expect(fixture.written("endusers").at(-1)).toEqual({ _id: id, position: null });
      const before = fixture.calls.length;
      await fixture.deliverUser(later(2, { position: null }), account(1));
      expect(fixture.calls).toHaveLength(before);
    });

    test("clears what Hull's changes show to have been cleared", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
      fixture.planhat
        .tenant()
        .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "Old" });
      await fixture.deliverUser(user(1, { position: null }), account(1), {
        changes: { user: { position: ["Old", null] } },
      });
      expect(fixture.endusers()[0]?.["position"] ?? null).toBeNull();
    });

    test("never clears without evidence that Hull once held something", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      const company = fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
      fixture.planhat
        .tenant()
        .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "By hand" });
      await fixture.deliverUser(user(1, { position: null }), account(1));
      await fixture.deliverUser(later(1, { position: null }), account(1), { isExport: true });
      expect(fixture.endusers()).toMatchObject([{ position: "By hand" }]);
    });

    test("does not send nulls with a create", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      await fixture.deliverUser(user(1, { position: null }), account(1));
      expect(fixture.written("endusers")[0]).not.toHaveProperty("position");
    });

    test("an absent attribute is no null", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      await inStep(fixture);
      const { position: _, ...rest } = later(1);
      await fixture.deliverUser(rest, account(1));
      expect(fixture.endusers()).toMatchObject([{ position: "Engineer" }]);
    });

    test("a cleared field can be filled again", async () => {
      const fixture = await open({ settings: { clear_on_null: true } });
      await inStep(fixture);
      for (const [step, position] of [null, "Director", null, "Founder"].entries()) {
        await fixture.deliverUser(later(step + 1, { position }), account(1));
      }
      expect(fixture.endusers()).toMatchObject([{ position: "Founder" }]);
    });
  });
});

describe("custom fields", () => {
  const names = ["ARR (k.USD)", "a.b[0].c", "Owner's [team]", "__proto__", "Ärende"];
  const settings = {
    contact_custom_attributes_outbound: names.map((name, index) => row(`traits_c${index}`, name)),
  };
  const values = (prefix: string) => Object.fromEntries(names.map((_, index) => [`c${index}`, `${prefix}${index}`]));
  const expected = (prefix: string): unknown =>
    JSON.parse(`{${names.map((name, index) => `${JSON.stringify(name)}:"${prefix}${index}"`).join(",")}}`);

  test("have literal names, with dots and brackets", async () => {
    const fixture = await open({ settings });
    await fixture.deliverUser(user(1, values("v")), account(1));
    expect(JSON.stringify(fixture.written("endusers")[0]?.["custom"])).toBe(JSON.stringify(expected("v")));
    const before = fixture.calls.length;
    await fixture.deliverUser(later(1, values("v")), account(1));
    expect(fixture.calls).toHaveLength(before);
  });

  test("only the changed one is sent, and the others stay", async () => {
    const fixture = await open({ settings });
    await fixture.deliverUser(user(1, values("v")), account(1));
    await fixture.deliverUser(later(1, { ...values("v"), c1: "new" }), account(1));
    expect(fixture.written("endusers").at(-1)?.["custom"]).toEqual({ "a.b[0].c": "new" });
    expect(fixture.endusers()[0]?.["custom"]).toMatchObject({ "a.b[0].c": "new", "ARR (k.USD)": "v0", Ärende: "v4" });
  });
});

describe("the owner of a company", () => {
  const settings = {
    account_attributes_outbound: [row("name", "name"), row("owner", "owner")],
  };

  async function openWithTeam(): Promise<Fixture & { readonly ada: string }> {
    const fixture = await open({ settings });
    const ada = fixture.planhat.tenant().seedUser({ email: "Ada@Example.com", firstName: "Ada", lastName: "L" })._id;
    return Object.assign(fixture, { ada });
  }

  test("is found by e-mail, whatever its case, and sent as id", async () => {
    const fixture = await openWithTeam();
    await fixture.deliverAccount(account(1, { owner: "ada@example.COM" }));
    expect(fixture.written("companies")).toMatchObject([{ owner: fixture.ada }]);
    const before = fixture.calls.length;
    await fixture.deliverAccount(account(1, { owner: "ada@example.COM", indexed_at: minute(1) }));
    expect(fixture.calls).toHaveLength(before);
  });

  test("may be given by id", async () => {
    const fixture = await openWithTeam();
    await fixture.deliverAccount(account(1, { owner: fixture.ada }));
    expect(fixture.companies()).toMatchObject([{ owner: fixture.ada }]);
  });

  test("that Planhat already shows is equal, though lists show it as an object", async () => {
    const fixture = await openWithTeam();
    fixture.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1", owner: fixture.ada });
    await fixture.deliverAccount(account(1, { owner: "ada@example.com" }));
    expect(fixture.written("companies")).toEqual([]);
  });

  test("is read from one list for many shipments, and from none while nobody names an owner", async () => {
    const fixture = await openWithTeam();
    const reads = () => fixture.calls.filter(({ route }) => route === "GET /users").length;
    await fixture.deliverAccount(account(5));
    expect(reads()).toBe(0);
    for (const number of [1, 2, 3, 4]) await fixture.deliverAccount(account(number, { owner: "ada@example.com" }));
    expect(
      fixture
        .companies()
        .map(({ owner }) => owner)
        .slice(1),
    ).toEqual(Array(4).fill(fixture.ada));
    expect(reads()).toBe(1);
  });

  test("that nobody knows: the record is skipped with the reason that people filter by", async () => {
    const fixture = await openWithTeam();
    await fixture.deliverAccount(account(1, { owner: "nobody@example.com" }));
    expect(await fixture.outcomes()).toEqual({ "companies/skipped/invalid_owner": 1 });
    expect(fixture.companies()).toEqual([]);
    await fixture.until(() => fixture.logs.some((line) => line.data?.["reason"] === "Invalid Owner ID."));
  });

  test("a team list that cannot be read defers only the records that name an owner", async () => {
    const fixture = await openWithTeam();
    const down = fixture.planhat.faults.add({ kind: "status", status: 503, route: "GET /users" });
    await fixture.tellAccount(account(1, { owner: "ada@example.com" }));
    await fixture.tellAccount(account(2));
    await fixture.until(() => fixture.companies().length === 1);
    expect(fixture.companies()).toMatchObject([{ externalId: "acme-2" }]);
    await fixture.until(async () => (await fixture.connector.store.depth(fixture.lane)).outbox === 1);
    down.remove();
    await fixture.settledWithHelp();
    expect(fixture.companies()).toHaveLength(2);
    // A list that failed is not remembered as an empty one.
    expect(fixture.companies().find((each) => each["externalId"] === "acme-1")?.["owner"]).toBe(fixture.ada);
    expect(await fixture.outcomes()).toEqual({ "companies/sent/created": 2 });
  });
});
