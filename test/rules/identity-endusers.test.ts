/** Which enduser is it? Neither an external id nor an e-mail address is unique in Planhat. */
import { buildUserMessage } from "../../simulators/hull";
import type { PlanhatSwitches } from "../../simulators/planhat/switches";
import { account, minute, row, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

interface Place {
  readonly acme1: string;
  readonly acme2: string;
  readonly acme3: string;
}

/** Three companies that Planhat has, and people that only Hull has. */
async function openPlace(switches: Partial<PlanhatSwitches> = {}): Promise<Fixture & Place> {
  const fixture = await open({ planhat: { switches } });
  const [acme1 = "", acme2 = "", acme3 = ""] = [1, 2, 3].map(
    (number) => fixture.planhat.tenant().seedCompany({ externalId: `acme-${number}`, name: `Acme ${number}` })._id,
  );
  return Object.assign(fixture, { acme1, acme2, acme3 });
}

const email = user(1)["email"];

test("the external id within the company decides, though the e-mail differs", async () => {
  const fixture = await openPlace();
  const there = fixture.planhat
    .tenant()
    .seedEnduser({ companyId: fixture.acme1, externalId: "person-1", email: "former@example.com" });
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.endusers()).toMatchObject([{ _id: there._id, email }]);
});

test("else the e-mail within the company, and the record gets the external id", async () => {
  const fixture = await openPlace();
  const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email, name: "By Hand" });
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.endusers()).toMatchObject([{ _id: there._id, externalId: "person-1" }]);
});

test("the external id goes before the e-mail when they name two records of the company", async () => {
  const fixture = await openPlace();
  const byId = fixture.planhat
    .tenant()
    .seedEnduser({ companyId: fixture.acme1, externalId: "person-1", email: "a@b.co" });
  const byMail = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email, externalId: "somebody" });
  await fixture.deliverUser(user(1, { position: "Founder" }), account(1));
  expect(fixture.planhat.tenant().endusers.get(byId._id)).toMatchObject({ position: "Founder" });
  expect(fixture.planhat.tenant().endusers.get(byMail._id)).toMatchObject({ externalId: "somebody" });
  expect(fixture.endusers()).toHaveLength(2);
});

test.each(["sensitive", "insensitive", "lowered"] as const)(
  "an e-mail that differs in case only is no second person (Planhat: %s)",
  async (emailCase) => {
    const fixture = await openPlace({ emailCase });
    const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email: "Person-1@Example.com" });
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, externalId: "person-1" }]);
  },
);

describe("an e-mail with blanks around it", () => {
  const PLAIN = "person-1@example.com";
  const padded = (email: string, more: Record<string, unknown> = {}) => user(1, { external_id: null, email, ...more });

  test.each([
    ["a blank", `${PLAIN} `],
    ["tabs and a line end", `\t${PLAIN}\r\n`],
    ["a no-break blank", `${PLAIN}\u00a0`],
    ["a narrow one and an ideographic one", `\u202f${PLAIN}\u3000`],
    ["blanks of no width", `\u200b${PLAIN}\u2060`],
    ["a byte order mark", `\ufeff${PLAIN}`],
    ["a blank, and in capitals", ` ${PLAIN.toUpperCase()}`],
  ])("is no second person, and is sent as Hull has it: %s", async (_name, email) => {
    const fixture = await openPlace();
    const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email: PLAIN });
    await fixture.deliverUser(padded(email), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, email }]);
    // A line is written just after what it tells of is stored; a restart waits for it.
    await fixture.restart();
    const line = fixture.logs.find(({ message }) => message === "outgoing.user.success");
    expect(JSON.stringify(line?.data?.["warnings"])).toMatch(/differs from the one in the service in blanks around it/);
    await fixture.deliverUser(padded(email, { indexed_at: minute(1), position: "Boss" }), account(1));
    expect(fixture.written("endusers").at(-1)).toEqual({ _id: there._id, position: "Boss" });
  });

  test("in Planhat is no second person either", async () => {
    const fixture = await openPlace();
    const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email: `${PLAIN} ` });
    await fixture.deliverUser(padded(PLAIN), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, email: PLAIN }]);
  });

  test("finds somebody who moved from another company", async () => {
    const fixture = await openPlace();
    const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme2, email: PLAIN });
    await fixture.deliverUser(padded(`${PLAIN} `), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, companyId: fixture.acme1 }]);
  });

  test("and one without, of two users of one shipment, are one enduser", async () => {
    const fixture = await openPlace();
    const other = user(2, { external_id: null, email: `${PLAIN}\u00a0` });
    await fixture.deliver("user:update", [
      buildUserMessage(padded(PLAIN), { account: account(1) }),
      buildUserMessage(other, { account: account(1) }),
    ]);
    expect(fixture.endusers()).toHaveLength(1);
    expect(await fixture.outcomes()).toEqual({
      "endusers/sent/created": 1,
      "endusers/skipped/same_remote_record": 1,
    });
  });

  test.each(["kept", "trimmed"] as const)(
    "is made once though the answer is lost, and never written again (Planhat has it %s)",
    async (emailBlanks) => {
      const fixture = await openPlace({ emailBlanks });
      fixture.planhat.faults.add({ kind: "reset-after", route: "PUT /endusers", count: 1 });
      await fixture.deliverUser(padded(`${PLAIN} `), account(1));
      expect(fixture.endusers()).toHaveLength(1);
      await fixture.deliverUser(padded(`${PLAIN} `, { indexed_at: minute(1), name: "Person One" }), account(1));
      expect(fixture.written("endusers").at(-1)).toEqual({ _id: expect.any(String) as string, name: "Person One" });
    },
  );

  test("is not what makes two external ids one", async () => {
    const fixture = await openPlace();
    await fixture.tellUser(user(1, { external_id: "7" }), account(1));
    await fixture.tellUser(user(2, { external_id: "7 " }), account(1));
    await fixture.settled();
    expect(
      fixture
        .endusers()
        .map((each) => each["externalId"])
        .toSorted(),
    ).toEqual(["7", "7 "]);
  });
});

test.each(["company", "global"] as const)(
  "one external id in two companies is two people (Planhat matches it by %s)",
  async (externalIdScope) => {
    const fixture = await openPlace({ externalIdScope });
    const other = fixture.planhat
      .tenant()
      .seedEnduser({ companyId: fixture.acme2, externalId: "person-1", email: "other@example.com", name: "Other" });
    // The mirror learns of the namesake through a user of its company.
    await fixture.deliverUser(user(2), account(2));
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.endusers()).toHaveLength(3);
    expect(fixture.planhat.tenant().endusers.get(other._id)).toMatchObject({ name: "Other", companyId: fixture.acme2 });
    expect(fixture.profile("user", user(1).id)["planhat/id"]).not.toBe(other._id);
  },
);

test("two users with one external id of two companies, in one shipment, are two people", async () => {
  const fixture = await openPlace({ externalIdScope: "global" });
  const second = user(2, { external_id: "person-1" });
  await fixture.deliver("user:update", [
    buildUserMessage(user(1), { account: account(1) }),
    buildUserMessage(second, { account: account(2) }),
  ]);
  expect(fixture.endusers().map((each) => [each["companyId"], each["email"]])).toEqual(
    expect.arrayContaining([
      [fixture.acme1, email],
      [fixture.acme2, second["email"]],
    ]),
  );
  expect(fixture.endusers()).toHaveLength(2);
  expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
});

describe.each(["off", "alone", "always"] as const)(
  "two users with one e-mail in two companies (matching %s)",
  (emailMatching) => {
    const namesakes = [
      [user(1, { external_id: null }), 1],
      [user(2, { external_id: null, email }), 2],
    ] as const;

    async function expectTwo(fixture: Fixture & Place): Promise<void> {
      expect(fixture.endusers().map((each) => [each["companyId"], each["email"], each["name"]])).toEqual(
        expect.arrayContaining([
          [fixture.acme1, email, "Person 1"],
          [fixture.acme2, email, "Person 2"],
        ]),
      );
      expect(fixture.endusers()).toHaveLength(2);
      expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2 });
    }

    test("both exist when they come one after the other", async () => {
      const fixture = await openPlace({ emailMatching });
      for (const [who, company] of namesakes) {
        await fixture.deliverUser(who, account(company));
      }
      await expectTwo(fixture);
    });

    test("both exist when they come in one shipment", async () => {
      const fixture = await openPlace({ emailMatching });
      await fixture.deliver(
        "user:update",
        namesakes.map(([who, company]) => buildUserMessage(who, { account: account(company) })),
      );
      await expectTwo(fixture);
    });

    test("each of them is updated later, never the other", async () => {
      const fixture = await openPlace({ emailMatching });
      for (const round of [0, 1]) {
        for (const [who, company] of namesakes) {
          const position = `${company}-${round}`;
          await fixture.tellUser({ ...who, position, indexed_at: minute(round) }, account(company));
        }
        await fixture.settled();
      }
      expect(fixture.endusers().map((each) => [each["companyId"], each["position"]])).toEqual(
        expect.arrayContaining([
          [fixture.acme1, "1-1"],
          [fixture.acme2, "2-1"],
        ]),
      );
      expect(fixture.endusers()).toHaveLength(2);
    });
  },
);

describe("what Hull remembers (planhat/id)", () => {
  test("finds a record of another company whose key fits", async () => {
    const fixture = await openPlace();
    const there = fixture.planhat
      .tenant()
      .seedEnduser({ companyId: fixture.acme2, externalId: "person-1", email: "former@example.com" });
    await fixture.deliverUser(user(1, { "planhat/id": there._id }), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, companyId: fixture.acme1, email }]);
  });

  test("is not believed when no key of the record fits", async () => {
    const fixture = await openPlace();
    const stranger = fixture.planhat
      .tenant()
      .seedEnduser({ companyId: fixture.acme1, email: "x@example.com", name: "X" });
    await fixture.deliverUser(user(1, { "planhat/id": stranger._id }), account(1));
    expect(fixture.endusers()).toHaveLength(2);
    expect(fixture.planhat.tenant().endusers.get(stranger._id)).toMatchObject({ email: "x@example.com", name: "X" });
  });

  test("is not believed when the e-mail fits but the external id is another one", async () => {
    const fixture = await openPlace();
    const other = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme2, email, externalId: "person-9" });
    await fixture.deliverUser(user(1, { "planhat/id": other._id }), account(1));
    expect(fixture.planhat.tenant().endusers.get(other._id)).toMatchObject({
      externalId: "person-9",
      companyId: fixture.acme2,
    });
    expect(fixture.endusers()).toHaveLength(2);
  });

  test("may be gone: then the person is made", async () => {
    const fixture = await openPlace();
    await fixture.deliverUser(user(1, { "planhat/id": "5f5f5f5f5f5f5f5f5f5f5f5f" }), account(1));
    expect(fixture.endusers()).toHaveLength(1);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
  });
});

describe("an e-mail that only another company knows", () => {
  test("is a move when it is unique there and the record is nobody else's", async () => {
    const fixture = await openPlace();
    const there = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme2, email, name: "Person 1" });
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.endusers()).toMatchObject([{ _id: there._id, companyId: fixture.acme1, externalId: "person-1" }]);
  });

  test("is somebody else when the record has a different external id", async () => {
    const fixture = await openPlace();
    const other = fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme2, email, externalId: "person-9" });
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.planhat.tenant().endusers.get(other._id)).toMatchObject({ companyId: fixture.acme2 });
    expect(fixture.endusers()).toHaveLength(2);
  });

  test("is ambiguous when two records have it: none is touched, none is made", async () => {
    const fixture = await openPlace();
    for (const companyId of [fixture.acme2, fixture.acme3]) fixture.planhat.tenant().seedEnduser({ companyId, email });
    const before = fixture.endusers();
    await fixture.deliverUser(user(1), account(1));
    expect(fixture.endusers()).toEqual(before);
    expect(await fixture.outcomes()).toEqual({ "endusers/skipped/ambiguous": 1 });
  });
});

test("two records of the company with the e-mail are ambiguous: none is touched, none is made", async () => {
  const fixture = await openPlace();
  for (const name of ["One", "Two"]) fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email, name });
  const before = fixture.endusers();
  await fixture.deliverUser(user(1), account(1));
  expect(fixture.endusers()).toEqual(before);
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/ambiguous": 1 });
});

test("an ambiguity that a person resolved in Planhat is resolved with the next message", async () => {
  const fixture = await openPlace();
  const [one, two] = ["One", "Two"].map((name) =>
    fixture.planhat.tenant().seedEnduser({ companyId: fixture.acme1, email, name }),
  );
  await fixture.deliverUser(user(1), account(1));
  fixture.planhat.tenant().remove("endusers", String(two?._id));
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(1));
  expect(fixture.endusers()).toMatchObject([{ _id: one?._id, externalId: "person-1" }]);
});

test("a second Hull user for a linked record ends same_remote_record and touches nothing", async () => {
  const fixture = await openPlace();
  await fixture.deliverUser(user(1), account(1));
  const before = fixture.endusers();
  await fixture.deliverUser(user(2, { external_id: null, email, position: "Impostor" }), account(1));
  expect(fixture.endusers()).toEqual(before);
  expect(await fixture.outcomes()).toEqual({
    "endusers/sent/created": 1,
    "endusers/skipped/same_remote_record": 1,
  });
  expect(fixture.profile("user", user(2).id)).not.toHaveProperty("planhat/id");
});

test("the link goes before every key: a new e-mail and external id change the same record", async () => {
  const fixture = await openPlace();
  await fixture.deliverUser(user(1), account(1));
  const renamed = user(1, { external_id: "person-x", email: "x@example.com", indexed_at: minute(1) });
  await fixture.deliverUser(renamed, account(1));
  expect(fixture.endusers()).toMatchObject([{ externalId: "person-x", email: "x@example.com" }]);
});

test("a linked user who changes the account moves to the other company", async () => {
  const fixture = await openPlace();
  await fixture.deliverUser(user(1), account(1));
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(2));
  expect(fixture.endusers()).toMatchObject([{ companyId: fixture.acme2 }]);
});

test("a user without an e-mail address is found by his external id, and nobody asks for the address “undefined”", async () => {
  const fixture = await open({
    settings: {
      contact_require_email: false,
      contact_attributes_outbound: [row("name", "name"), row("external_id", "externalId")],
    },
  });
  const tenant = fixture.planhat.tenant();
  const { _id: companyId } = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  const { _id } = tenant.seedEnduser({ companyId, externalId: "person-1", email: "old@example.com", name: "One" });
  await fixture.deliver("user:update", [
    buildUserMessage(user(1), { account: account(1) }),
    buildUserMessage(user(2, { email: undefined }), { account: account(1) }),
  ]);
  expect(tenant.endusers.get(_id)).toMatchObject({ name: "Person 1", email: "old@example.com" });
  expect(tenant.endusers.size).toBe(2);
  expect(fixture.calls.map(({ query }) => query.get("email")).filter((asked) => asked !== null)).toEqual([]);
});

test("a user with neither e-mail nor external id is skipped, and no call is made", async () => {
  const fixture = await open({ settings: { contact_require_email: false } });
  await fixture.deliverUser(user(1, { email: null, external_id: null }), account(1));
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/missing_identity": 1 });
  expect(fixture.calls).toEqual([]);
});

test("a linked record that was archived in Planhat is skipped and stays as it is", async () => {
  const fixture = await openPlace();
  const there = fixture.planhat
    .tenant()
    .seedEnduser({ companyId: fixture.acme1, externalId: "person-1", archived: true });
  await fixture.deliverUser(user(1, { "planhat/id": there._id }), account(1));
  expect(await fixture.outcomes()).toEqual({ "endusers/skipped/archived": 1 });
  expect(fixture.endusers()).toHaveLength(1);
});

test("two users with the same keys in one shipment make one person", async () => {
  const fixture = await openPlace();
  await fixture.deliver("user:update", [
    buildUserMessage(user(1), { account: account(1) }),
    buildUserMessage(user(2, { external_id: "person-1", email }), { account: account(1) }),
  ]);
  expect(fixture.endusers()).toHaveLength(1);
  expect(await fixture.outcomes()).toEqual({
    "endusers/sent/created": 1,
    "endusers/skipped/same_remote_record": 1,
  });
});

test("two linked users who swap their e-mails keep their records", async () => {
  const fixture = await openPlace({ emailMatching: "always" });
  for (const each of [user(1), user(2)]) await fixture.tellUser(each, account(1));
  await fixture.settled();
  const before = fixture.endusers().map((each) => [each["_id"], each["externalId"]]);
  await fixture.send("user:update", [
    buildUserMessage(user(1, { email: user(2)["email"], indexed_at: minute(1) }), { account: account(1) }),
    buildUserMessage(user(2, { email, indexed_at: minute(1) }), { account: account(1) }),
  ]);
  await fixture.settledWithHelp();
  expect(fixture.endusers().map((each) => [each["_id"], each["externalId"]])).toEqual(before);
  const emails = new Map(fixture.endusers().map((each) => [each["externalId"], each["email"]]));
  expect(emails.get("person-1")).toBe(user(2)["email"]);
  expect(emails.get("person-2")).toBe(email);
});

test("a linked user gives up an e-mail and a new one of another company takes it, in one shipment", async () => {
  const fixture = await openPlace({ emailMatching: "always" });
  await fixture.deliverUser(user(1), account(1));
  await fixture.send("user:update", [
    buildUserMessage(user(1, { email: "new@example.com", indexed_at: minute(1) }), { account: account(1) }),
    buildUserMessage(user(2, { email, indexed_at: minute(1) }), { account: account(2) }),
  ]);
  await fixture.settledWithHelp();
  const people = fixture.endusers().map((each) => [each["externalId"], each["email"], each["companyId"]]);
  expect(people).toEqual(
    expect.arrayContaining([
      ["person-1", "new@example.com", fixture.acme1],
      ["person-2", email, fixture.acme2],
    ]),
  );
  expect(people).toHaveLength(2);
});

test("a linked user moves to a company that must be made first", async () => {
  const fixture = await openPlace();
  await fixture.deliverUser(user(1), account(1));
  await fixture.deliverUser(user(1, { indexed_at: minute(1) }), account(7));
  const company = fixture.companies().find((each) => each["externalId"] === "acme-7");
  expect(fixture.endusers()).toMatchObject([{ companyId: company?.["_id"] }]);
  expect(fixture.hull.profiles.users.get(user(1).id)?.account_id).toBe(account(7).id);
});

test("hundreds of people of forty companies are told apart with a handful of calls", async () => {
  const fixture = await open();
  const companies = Array.from({ length: 40 }, (_, index) => account(index + 1));
  const everybody = Array.from({ length: 240 }, (_, index) => user(index + 1));
  fixture.seed(companies, everybody);
  const tenant = fixture.planhat.tenant();
  for (const each of companies) tenant.seedCompany({ externalId: each["external_id"], name: each["name"] });
  everybody.forEach((each, index) => {
    // A third is there by external id, a third by e-mail only, a third not at all.
    const companyId = `extid-acme-${(index % 40) + 1}`;
    if (index % 3 === 0) tenant.seedEnduser({ companyId, externalId: each["external_id"] });
    if (index % 3 === 1) tenant.seedEnduser({ companyId, email: each["email"] });
  });
  await fixture.deliver(
    "user:update",
    everybody.map((each, index) => buildUserMessage(each, { account: companies[index % 40] ?? account(1) })),
  );
  expect(fixture.endusers()).toHaveLength(240);
  const complete = fixture.endusers().filter((each) => each["externalId"] !== undefined && each["email"] !== undefined);
  expect(complete).toHaveLength(240);
  expect(fixture.planhat.books.snapshot().created).toMatchObject({ companies: 0, endusers: 80 });
  expect(fixture.calls.length).toBeLessThan(40);
});
