/** Is it a change? Only what differs is sent, nobody's work is reverted, and a person's edit is respected. */
import { account, minute, user, useStages, type Stage } from "./stage";

const open = useStages();

async function inStep(stage: Stage): Promise<string> {
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1), account(1));
  await stage.settled();
  return String(stage.endusers()[0]?.["_id"]);
}

/** An ordinary update of the n-th minute. */
const later = (minutes: number, more: Record<string, unknown> = {}) =>
  user(1, { indexed_at: minute(minutes), ...more });

const ROWS = (rows: readonly (readonly [string, string])[]) =>
  rows.map(([hull_field_name, service_field_name]) => ({ hull_field_name, service_field_name }));

test("an update carries the id and what changed, nothing else", async () => {
  const stage = await open();
  const id = await inStep(stage);
  await stage.tellUser(later(1, { position: "Director" }), account(1));
  await stage.settled();
  expect(stage.written("endusers").at(-1)).toEqual({ _id: id, position: "Director" });
});

test("a message that changes nothing mapped costs no call on either side", async () => {
  const stage = await open();
  await inStep(stage);
  const before = [stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests];
  await stage.tellUser(later(1, { unmapped: "news", "planhat/id": "whatever Hull shows" }), account(1));
  await stage.settled();
  expect([stage.planhat.books.snapshot().calls, stage.hull.books.snapshot().firehoseRequests]).toEqual(before);
});

describe("a person edited the record in Planhat", () => {
  /** Lets the mirror see the record anew, as the fetch does, by way of a message of somebody else in its company. */
  async function seeAnew(stage: Stage): Promise<void> {
    stage.seed([], [user(9)]);
    await stage.tellUser(user(9, { indexed_at: minute(100) }), account(1));
    await stage.settled();
  }

  test("and keeps the edit until Hull's own value changes", async () => {
    const stage = await open();
    const id = await inStep(stage);
    stage.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await seeAnew(stage);
    await stage.tellUser(later(2, { name: "Person One" }), account(1));
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Edited by hand", name: "Person One" });
    await stage.tellUser(later(3, { name: "Person One", position: "Director" }), account(1));
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Director" });
  });

  test("and it is kept though the mirror never saw it, as long as Hull's value stays", async () => {
    const stage = await open();
    const id = await inStep(stage);
    stage.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await stage.tellUser(later(2, { name: "Person One" }), account(1));
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Edited by hand", name: "Person One" });
  });

  test("and Hull moved too: Hull wins", async () => {
    const stage = await open();
    const id = await inStep(stage);
    stage.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await seeAnew(stage);
    await stage.tellUser(later(2, { position: "Director" }), account(1));
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Director" });
  });

  test("to the very value that Hull has now: nothing is written", async () => {
    const stage = await open();
    const id = await inStep(stage);
    stage.planhat.tenant().edit("endusers", id, { position: "Director" });
    await seeAnew(stage);
    const before = stage.written("endusers").length;
    await stage.tellUser(later(2, { position: "Director" }), account(1));
    await stage.settled();
    expect(stage.written("endusers")).toHaveLength(before);
    await stage.tellUser(later(3, { position: "Engineer" }), account(1));
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Engineer" });
  });

  test("and an export sends Hull's state all the same", async () => {
    const stage = await open();
    const id = await inStep(stage);
    stage.planhat.tenant().edit("endusers", id, { position: "Edited by hand" });
    await stage.tellUser(later(2), account(1), { isExport: true });
    await stage.settled();
    expect(stage.planhat.tenant().endusers.get(id)).toMatchObject({ position: "Engineer" });
  });
});

describe("first contact with a record that Planhat already has", () => {
  async function meet(stage: Stage, fields: Record<string, unknown>): Promise<void> {
    stage.seed([account(1)], [user(1)]);
    const company = stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
    stage.planhat.tenant().seedEnduser({ companyId: company._id, externalId: "person-1", ...fields });
    await stage.tellUser(user(1), account(1));
    await stage.settled();
  }

  test("equal: nothing is written, and Hull is told once", async () => {
    const stage = await open();
    await meet(stage, { email: user(1)["email"], name: "Person 1", position: "Engineer" });
    expect(stage.written("endusers")).toEqual([]);
    expect(await stage.outcomes()).toEqual({ "endusers/unchanged/in_sync": 1 });
    expect(stage.profile("user", user(1).id)).toMatchObject({
      "planhat/id": stage.endusers()[0]?.["_id"],
      "planhat/position": "Engineer",
    });
    const before = stage.hull.books.snapshot().firehoseItems;
    await stage.tellUser(later(1, { "planhat/id": stage.endusers()[0]?.["_id"] }), account(1));
    await stage.settled();
    expect(stage.hull.books.snapshot().firehoseItems).toBe(before);
  });

  test("different: Hull wins, field by field, and what is not mapped stays", async () => {
    const stage = await open();
    await meet(stage, { email: user(1)["email"], name: "Person 1", position: "Other", phone: "+46 1" });
    expect(stage.written("endusers")).toEqual([{ _id: stage.endusers()[0]?.["_id"], position: "Engineer" }]);
    expect(stage.endusers()).toMatchObject([{ position: "Engineer", phone: "+46 1" }]);
  });

  test("a name that differs in case only is no difference", async () => {
    const stage = await open();
    await meet(stage, { email: user(1)["email"], name: "PERSON 1", position: "Engineer" });
    expect(stage.written("endusers")).toEqual([]);
  });
});

test("what Planhat stores in another form than we sent is found equal next time", async () => {
  const stage = await open({
    planhat: { switches: { nameCasing: "all", emailCase: "lowered" } },
    settings: {
      contact_attributes_outbound: ROWS([
        ["first_name", "firstName"],
        ["email", "email"],
        ["external_id", "externalId"],
        ["traits_tags", "tags"],
        ["traits_seen_at", "lastActive"],
      ]),
    },
  });
  const state = { first_name: "mcDONALD", email: "Person@Example.COM", tags: ["b", "a"], seen_at: 1_767_225_600 };
  stage.seed([account(1)], [user(1)]);
  await stage.tellUser(user(1, state), account(1));
  await stage.settled();
  const before = stage.calls.length;
  await stage.tellUser(later(1, state), account(1));
  await stage.tellUser(later(2, { ...state, tags: ["a", "b"], seen_at: "2026-01-01T01:00:00+01:00" }), account(1));
  await stage.settled();
  expect(stage.calls).toHaveLength(before);
});

test("exports send even what is equal, every time; ordinary messages after them do not", async () => {
  const stage = await open();
  const id = await inStep(stage);
  const whole = { _id: id, email: user(1)["email"], externalId: "person-1", name: "Person 1", position: "Engineer" };
  for (const times of [2, 3]) {
    await stage.tellUser(later(times), account(1), { isExport: true });
    await stage.settled();
    expect(stage.written("endusers")).toHaveLength(times);
    expect(stage.written("endusers").at(-1)).toMatchObject(whole);
  }
  await stage.tellUser(later(4), account(1));
  await stage.settled();
  expect(stage.written("endusers")).toHaveLength(3);
});

describe("falsy values are values", () => {
  const settings = {
    contact_attributes_outbound: ROWS([
      ["email", "email"],
      ["external_id", "externalId"],
      ["name", "name"],
      ["traits_position", "position"],
      ["traits_featured", "featured"],
      ["traits_optout", "npsUnsubscribed"],
    ]),
    contact_custom_attributes_outbound: ROWS([
      ["traits_seats", "Seats"],
      ["traits_note", "Note"],
    ]),
  };

  test("0, false and an empty text arrive with a create", async () => {
    const stage = await open({ settings });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1, { position: "", featured: false, optout: false, seats: 0, note: "" }), account(1));
    await stage.settled();
    expect(stage.written("endusers")).toMatchObject([
      { position: "", featured: false, npsUnsubscribed: false, custom: { Seats: 0, Note: "" } },
    ]);
  });

  test("0, false and an empty text replace what was there", async () => {
    const stage = await open({ settings });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1, { position: "X", featured: true, seats: 5, note: "hello" }), account(1));
    await stage.settled();
    await stage.tellUser(later(1, { position: "", featured: false, seats: 0, note: "" }), account(1));
    await stage.settled();
    expect(stage.endusers()).toMatchObject([{ position: "", featured: false, custom: { Seats: 0, Note: "" } }]);
  });
});

describe("null", () => {
  test("is not sent by default", async () => {
    const stage = await open();
    await inStep(stage);
    const before = stage.calls.length;
    await stage.tellUser(later(1, { position: null }), account(1), {
      changes: { user: { position: ["Engineer", null] } },
    });
    await stage.settled();
    expect(stage.calls).toHaveLength(before);
    expect(stage.endusers()).toMatchObject([{ position: "Engineer" }]);
  });

  describe("with clear_on_null", () => {
    test("clears what we delivered ourselves", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      const id = await inStep(stage);
      await stage.tellUser(later(1, { position: null }), account(1));
      await stage.settled();
      expect(stage.written("endusers").at(-1)).toEqual({ _id: id, position: null });
      const before = stage.calls.length;
      await stage.tellUser(later(2, { position: null }), account(1));
      await stage.settled();
      expect(stage.calls).toHaveLength(before);
    });

    test("clears what Hull's changes show to have been cleared", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      stage.seed([account(1)], [user(1)]);
      const company = stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
      stage.planhat
        .tenant()
        .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "Old" });
      await stage.tellUser(user(1, { position: null }), account(1), { changes: { user: { position: ["Old", null] } } });
      await stage.settled();
      expect(stage.endusers()[0]?.["position"] ?? null).toBeNull();
    });

    test("never clears without evidence that Hull once held something", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      stage.seed([account(1)], [user(1)]);
      const company = stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1" });
      stage.planhat
        .tenant()
        .seedEnduser({ companyId: company._id, externalId: "person-1", email: user(1)["email"], position: "By hand" });
      await stage.tellUser(user(1, { position: null }), account(1));
      await stage.settled();
      await stage.tellUser(later(1, { position: null }), account(1), { isExport: true });
      await stage.settled();
      expect(stage.endusers()).toMatchObject([{ position: "By hand" }]);
    });

    test("does not send nulls with a create", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      stage.seed([account(1)], [user(1)]);
      await stage.tellUser(user(1, { position: null }), account(1));
      await stage.settled();
      expect(stage.written("endusers")[0]).not.toHaveProperty("position");
    });

    test("an absent attribute is no null", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      await inStep(stage);
      const { position: _, ...rest } = later(1);
      await stage.tellUser(rest, account(1));
      await stage.settled();
      expect(stage.endusers()).toMatchObject([{ position: "Engineer" }]);
    });

    test("a cleared field can be filled again", async () => {
      const stage = await open({ settings: { clear_on_null: true } });
      await inStep(stage);
      for (const [step, position] of [null, "Director", null, "Founder"].entries()) {
        await stage.tellUser(later(step + 1, { position }), account(1));
        await stage.settled();
      }
      expect(stage.endusers()).toMatchObject([{ position: "Founder" }]);
    });
  });
});

describe("custom fields", () => {
  const names = ["ARR (k.USD)", "a.b[0].c", "Owner's [team]", "__proto__", "Ärende"];
  const settings = {
    contact_custom_attributes_outbound: ROWS(names.map((name, index) => [`traits_c${index}`, name] as const)),
  };
  const values = (prefix: string) => Object.fromEntries(names.map((_, index) => [`c${index}`, `${prefix}${index}`]));
  const expected = (prefix: string): unknown =>
    JSON.parse(`{${names.map((name, index) => `${JSON.stringify(name)}:"${prefix}${index}"`).join(",")}}`);

  test("have literal names, with dots and brackets", async () => {
    const stage = await open({ settings });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1, values("v")), account(1));
    await stage.settled();
    expect(JSON.stringify(stage.written("endusers")[0]?.["custom"])).toBe(JSON.stringify(expected("v")));
    const before = stage.calls.length;
    await stage.tellUser(later(1, values("v")), account(1));
    await stage.settled();
    expect(stage.calls).toHaveLength(before);
  });

  test("only the changed one is sent, and the others stay", async () => {
    const stage = await open({ settings });
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1, values("v")), account(1));
    await stage.settled();
    await stage.tellUser(later(1, { ...values("v"), c1: "new" }), account(1));
    await stage.settled();
    expect(stage.written("endusers").at(-1)?.["custom"]).toEqual({ "a.b[0].c": "new" });
    expect(stage.endusers()[0]?.["custom"]).toMatchObject({ "a.b[0].c": "new", "ARR (k.USD)": "v0", Ärende: "v4" });
  });
});

describe("the owner of a company", () => {
  const settings = {
    account_attributes_outbound: ROWS([
      ["name", "name"],
      ["owner", "owner"],
    ]),
  };

  async function openWithTeam(): Promise<Stage & { readonly ada: string }> {
    const stage = await open({ settings });
    stage.seed([account(1), account(2)]);
    const ada = stage.planhat.tenant().seedUser({ email: "Ada@Example.com", firstName: "Ada", lastName: "L" })._id;
    return Object.assign(stage, { ada });
  }

  test("is found by e-mail, whatever its case, and sent as id", async () => {
    const stage = await openWithTeam();
    await stage.tellAccount(account(1, { owner: "ada@example.COM" }));
    await stage.settled();
    expect(stage.written("companies")).toMatchObject([{ owner: stage.ada }]);
    const before = stage.calls.length;
    await stage.tellAccount(account(1, { owner: "ada@example.COM", indexed_at: minute(1) }));
    await stage.settled();
    expect(stage.calls).toHaveLength(before);
  });

  test("may be given by id", async () => {
    const stage = await openWithTeam();
    await stage.tellAccount(account(1, { owner: stage.ada }));
    await stage.settled();
    expect(stage.companies()).toMatchObject([{ owner: stage.ada }]);
  });

  test("that Planhat already shows is equal, though lists show it as an object", async () => {
    const stage = await openWithTeam();
    stage.planhat.tenant().seedCompany({ externalId: "acme-1", name: "Acme 1", owner: stage.ada });
    await stage.tellAccount(account(1, { owner: "ada@example.com" }));
    await stage.settled();
    expect(stage.written("companies")).toEqual([]);
  });

  test("that nobody knows: the record is skipped with the reason that people filter by", async () => {
    const stage = await openWithTeam();
    await stage.tellAccount(account(1, { owner: "nobody@example.com" }));
    await stage.settled();
    expect(await stage.outcomes()).toEqual({ "companies/skipped/invalid_owner": 1 });
    expect(stage.companies()).toEqual([]);
    await stage.until(() => stage.logs.some((line) => line.data?.["reason"] === "Invalid Owner ID."));
  });

  test("a team list that cannot be read defers only the records that name an owner", async () => {
    const stage = await openWithTeam();
    const down = stage.planhat.faults.add({ kind: "status", status: 503, route: "GET /users" });
    await stage.tellAccount(account(1, { owner: "ada@example.com" }));
    await stage.tellAccount(account(2));
    await stage.until(() => stage.companies().length === 1);
    expect(stage.companies()).toMatchObject([{ externalId: "acme-2" }]);
    await stage.until(async () => (await stage.connector.store.depth(stage.lane)).outbox === 1);
    down.remove();
    await stage.settledWithHelp();
    expect(stage.companies()).toHaveLength(2);
    expect(await stage.outcomes()).toEqual({ "companies/sent/created": 2 });
  });
});
