/** What Hull shows is not told again: every item is billed. */
import {
  account,
  minute,
  OPEN_SETTINGS,
  people,
  row,
  useFixtures,
  user,
  type Bag,
  type Fixture,
  type ToldItem,
} from "../fixture/fixture";

const open = useFixtures();
const COMPANIES = 10;
const MANY = 300;
const FEW = 5;
const companyOf = (index: number) => account((index % COMPANIES) + 1);

/** People whom both sides know and who are the same on both, as another installation left them. */
async function openKnown(count: number, shown: (told: Bag) => Bag): Promise<Fixture> {
  const fixture = await open();
  const companies = Array.from({ length: COMPANIES }, (_, index) => account(index + 1));
  const tenant = fixture.planhat.tenant();
  for (const { id, name, external_id } of companies) {
    tenant.seedCompany({ _id: `p-${id}`, name, externalId: external_id });
  }
  for (const [index, { id, name, email, position, external_id }] of people(count).entries()) {
    const companyId = `p-${companyOf(index).id}`;
    tenant.seedEnduser({ _id: `p-${id}`, companyId, name, email, position, externalId: external_id });
  }
  fixture.seed(
    companies.map((each) => ({ ...each, "planhat/id": `p-${each.id}` })),
    people(count).map((each, index) => ({
      ...each,
      ...shown({
        "planhat/id": `p-${each.id}`,
        "planhat/name": each["name"],
        "planhat/email": each["email"],
        "planhat/position": each["position"],
        "planhat/external_id": each["external_id"],
        "planhat/company_id": `p-${companyOf(index).id}`,
      }),
    })),
  );
  people(count).forEach(({ id }, index) => {
    const profile = fixture.hull.profiles.users.get(id);
    if (profile !== undefined) profile.account_id = companyOf(index).id;
  });
  return fixture;
}

/** Hull tells of everybody whom it has. */
async function tellOfAll(fixture: Fixture, round: number, more: Bag = {}): Promise<void> {
  const messages = [...fixture.hull.profiles.users.values()].map((profile) => {
    const message = fixture.hull.userMessage(profile);
    return { ...message, user: { ...message.user, indexed_at: minute(round), ...more } };
  });
  const report = await fixture.send("user:update", messages);
  expect(report.messagesAccepted).toBe(messages.length);
  await fixture.settled();
}

const all = (told: Bag): Bag => told;
const bodies = (items: readonly ToldItem[]): readonly Bag[] => items.map(({ body }) => body);

test("hundreds of known people who are met for the first time and show everything cost Hull no item", async () => {
  const fixture = await openKnown(MANY, all);
  expect(await fixture.during(() => tellOfAll(fixture, 0))).toEqual([]);
  expect(await fixture.outcomes()).toEqual({ "endusers/unchanged/in_sync": MANY });
  expect(fixture.written("endusers")).toEqual([]);
  // It counts as confirmed: neither the next message nor the fetch tells it.
  expect(await fixture.during(() => tellOfAll(fixture, 1))).toEqual([]);
  expect((await fixture.fetchBoth()).filter((item) => item.user !== undefined)).toEqual([]);
}, 120_000);

test("of what is shown, only what differs is told, and only once", async () => {
  const fixture = await openKnown(FEW, (told) => ({ ...told, "planhat/position": "Intern" }));
  const items = await fixture.during(() => tellOfAll(fixture, 0));
  expect(bodies(items)).toEqual(Array(FEW).fill({ "planhat/position": "Engineer" }));
  expect(await fixture.during(() => tellOfAll(fixture, 1, { "traits_planhat/position": "Intern" }))).toEqual([]);
});

test("a profile that shows no id is told it", async () => {
  const fixture = await openKnown(FEW, ({ "planhat/id": _, ...told }) => told);
  const items = await fixture.during(() => tellOfAll(fixture, 0));
  expect(bodies(items)).toEqual(people(FEW).map(({ id }) => ({ "planhat/id": `p-${id}` })));
});

test("what was shown and is lost later is told again", async () => {
  const fixture = await openKnown(1, all);
  await tellOfAll(fixture, 0);
  fixture.advance(60);
  const profile = fixture.hull.profiles.users.get(user(1).id);
  if (profile !== undefined) profile.attributes = {};
  const now = { ...user(1), indexed_at: new Date(Date.now()).toISOString(), traits_position: "Engineer" };
  expect(bodies(await fixture.during(() => tellOfAll(fixture, 0, now)))).toEqual([{ "planhat/id": `p-${user(1).id}` }]);
});

test("a message that shows what Hull held before it was told otherwise is not believed", async () => {
  const fixture = await openKnown(1, all);
  await tellOfAll(fixture, 0);
  await tellOfAll(fixture, 1, { traits_position: "Director" });
  // Made before Hull took the director in, and it comes with a change back.
  const late = { traits_position: "Engineer", "traits_planhat/position": "Engineer" };
  expect(bodies(await fixture.during(() => tellOfAll(fixture, 2, late)))).toEqual([{ "planhat/position": "Engineer" }]);
});

test("a field that is mapped only now, is there already and is shown costs no item", async () => {
  const fixture = await openKnown(FEW, all);
  await tellOfAll(fixture, 0);
  for (const { _id } of fixture.endusers())
    fixture.planhat.tenant().edit("endusers", String(_id), { phone: "0049 30 1" });
  const phone = { hull_field_name: "traits_phone", service_field_name: "phone" };
  await fixture.saveSettings({
    contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, phone],
  });
  const more = { traits_phone: "0049 30 1", "traits_planhat/phone": "0049 30 1" };
  expect(await fixture.during(() => tellOfAll(fixture, 1, more))).toEqual([]);
  expect(fixture.written("endusers")).toEqual([]);
});

test("a new enduser whose message shows its account costs one item", async () => {
  const fixture = await open();
  await fixture.deliverAccount(account(1));
  const items = await fixture.during(async () => {
    await fixture.deliverUser(user(1), account(1));
  });
  expect(items).toMatchObject([{ type: "traits", body: { "planhat/name": "Person 1" } }]);
  expect(items).toHaveLength(1);
});

test("a message that is older than what a fetch told while the field was not mapped is not believed", async () => {
  const fixture = await openKnown(1, all);
  await tellOfAll(fixture, 0);
  const [{ _id: id } = {}] = fixture.endusers();
  for (const phone of ["0049 30 1", "0049 30 2"]) {
    fixture.planhat.tenant().edit("endusers", String(id), { phone });
    fixture.advance(10);
    await fixture.fetchBoth();
  }
  const phone = { hull_field_name: "traits_phone", service_field_name: "phone" };
  await fixture.saveSettings({ contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, phone] });
  await tellOfAll(fixture, 1, { traits_phone: "0049 30 1", "traits_planhat/phone": "0049 30 1" });
  expect(fixture.endusers()).toMatchObject([{ phone: "0049 30 1" }]);
  expect(fixture.profile("user", user(1).id)["planhat/phone"]).toBe("0049 30 1");
});

test("an object is told once, by the write-back or by the fetch, and not by each in turns", async () => {
  const custom = { hull_field_name: "traits_limits", service_field_name: "Limits" };
  const fixture = await open({
    settings: { contact_custom_attributes_outbound: [custom] },
    customFields: [{ name: "Limits", type: "something new", parent: "EndUser" }],
  });
  const tell = async (round: number): Promise<void> => {
    await fixture.deliverUser(user(1, { traits_limits: { b: 1, a: [1] }, indexed_at: minute(round) }), account(1));
  };
  await tell(0);
  fixture.advance(10);
  expect((await fixture.fetchBoth()).filter((item) => item.user !== undefined)).toEqual([]);
  expect(
    await fixture.during(() =>
      fixture
        .tellUser(user(1, { traits_limits: { a: [1], b: 1 }, indexed_at: minute(1) }), account(1), { isExport: true })
        .then(() => fixture.settled()),
    ),
  ).toEqual([]);
  expect((await fixture.fetchBoth()).filter((item) => item.user !== undefined)).toEqual([]);
});

test("a list and a number are shown by a file as text, and cost no item either", async () => {
  const fixture = await open({
    settings: {
      contact_attributes_outbound: [...OPEN_SETTINGS.contact_attributes_outbound, row("traits_tags", "tags")],
      contact_custom_attributes_outbound: [row("traits_score", "Score")],
    },
    customFields: [{ name: "Score", type: "number", parent: "EndUser" }],
  });
  const tenant = fixture.planhat.tenant();
  const company = tenant.seedCompany({ externalId: "acme-1", name: "Acme 1" });
  const { name, email, position, external_id: externalId } = user(1);
  const fields = { name, email, position, externalId, tags: ["a", "b"], custom: { Score: 5 } };
  const person = tenant.seedEnduser({ companyId: company._id, ...fields });
  const told = {
    "traits_planhat/id": person._id,
    "traits_planhat/name": name,
    "traits_planhat/email": email,
    "traits_planhat/position": position,
    "traits_planhat/external_id": externalId,
    "traits_planhat/company_id": company._id,
    "traits_planhat/tags": '["b","a"]',
    "traits_planhat/custom_score": "5",
  };
  const items = await fixture.during(async () => {
    await fixture.deliverUser(user(1, { traits_tags: '["a","b"]', traits_score: "5", ...told }), account(1));
  });
  expect(items.filter((item) => item.user !== undefined)).toEqual([]);
});
