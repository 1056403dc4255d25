/** Lines of the log: whose they are, and that no record stands in them. */
import { account, license, LICENSE_SETTINGS, minute, row, useFixtures, user, type Fixture } from "../fixture/fixture";
import { COUNT, putPerson, useFullPlanhat } from "../fixture/lists";

const open = useFixtures();
const { openFull } = useFullPlanhat();

const linesOf = ({ logs }: Fixture, event: string) => logs.filter(({ message }) => message === event);
/** An event of user(1) that says something private. */
const event = { event_id: "e-1", event: "Signed In", created_at: minute(1), properties: { diary: "Dear diary" } };

test("what is sent is logged with the ids of its user or account", async () => {
  const fixture = await open({ settings: { contact_events: ["ALL"] } });
  fixture.planhat.poison({ type: "companies", field: "externalId", value: "acme-2" }, "Acme 2 is not welcome");
  await fixture.deliverUser(user(1), account(1), { events: [event] });
  await fixture.deliverAccount(account(1, { name: "Acme Inc.", indexed_at: minute(1) }));
  await fixture.deliverAccount(account(2));
  await fixture.restart();
  const contextOf = (name: string) => linesOf(fixture, name).find(({ data }) => data?.["for"] === undefined)?.context;
  const { id: user_id, email: user_email, external_id: user_external_id } = user(1);
  const person = { subject_type: "user", user_id, user_email, user_external_id };
  expect(contextOf("outgoing.user.success")).toMatchObject(person);
  expect(contextOf("outgoing.user_event.success")).toMatchObject({ subject_type: "user", user_email });
  const company = { subject_type: "account", account_id: account(1).id, account_external_id: "acme-1" };
  expect(contextOf("outgoing.account.success")).toMatchObject(company);
  expect(contextOf("outgoing.account.success")).not.toHaveProperty("user_id");
  expect(linesOf(fixture, "outgoing.account.error")).toMatchObject([
    {
      level: "error",
      context: { account_external_id: "acme-2" },
      data: { reason: expect.stringContaining("Acme 2 is not welcome") as string },
    },
  ]);
});

test("what is sent stands in no line", async () => {
  const fixture = await open({
    settings: {
      ...LICENSE_SETTINGS,
      contact_events: ["ALL"],
      contact_attributes_outbound: [row("name", "name"), row("email", "email"), row("traits_phone", "phone")],
    },
  });
  fixture.planhat.faults.add({ kind: "status", status: 503, count: 1, route: "PUT /endusers" });
  await fixture.deliverUser(user(1, { phone: "+46 70 123 45 67" }), account(1), { events: [event] });
  const licenses = [license(1, { product: "Under cover" })];
  await fixture.deliverAccount(account(1, { licenses, indexed_at: minute(1) }));
  await fixture.restart();
  const text = JSON.stringify(fixture.logs);
  for (const value of ["+46 70 123 45 67", "Dear diary", "Person 1", "Under cover"]) expect(text).not.toContain(value);
});

test("what is fetched is logged with the ids of its user or account and stands in no line; an address is no news", async () => {
  const fixture = await openFull();
  putPerson(fixture, 1, { position: "Very Secret Agent", phone: "0049 30 1", custom: { Salary: "A lot" } });
  await fixture.fetchBoth();
  const users = linesOf(fixture, "incoming.user.success");
  expect(users).toHaveLength(COUNT);
  expect(users[0]).toMatchObject({
    context: { subject_type: "user", user_email: "person-1@example.com" },
    data: { type: "endusers", remote_id: "e001" },
  });
  expect(linesOf(fixture, "incoming.account.success")[0]).toMatchObject({
    context: { subject_type: "account" },
    data: { remote_id: "c001" },
  });
  const log = JSON.stringify(fixture.logs);
  for (const text of ["Very Secret", "0049 30 1", "A lot", "Person 1", "Acme 1"]) expect(log).not.toContain(text);
  expect(JSON.stringify(fixture.logs.filter(({ level }) => level !== "debug"))).not.toContain("person-1@");
});

test("what is fetched of a user whom Hull knows is logged with Hull's id", async () => {
  const fixture = await open();
  await fixture.deliverUser(user(1), account(1));
  fixture.advance(1);
  fixture.planhat.tenant().edit("endusers", String(fixture.endusers()[0]?.["_id"]), { phone: "0049 30 1" });
  await fixture.fetchBoth();
  expect(JSON.stringify(fixture.logs)).not.toContain("0049 30 1");
  expect(linesOf(fixture, "incoming.user.success")).toMatchObject([{ context: { user_id: user(1).id } }]);
});
