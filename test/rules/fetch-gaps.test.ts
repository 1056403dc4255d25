/** What a row of a list does not show need not be empty: Hull is only emptied of what Planhat is known not to have. */
import { person, putPerson, useFullPlanhat } from "../fixture/lists";
import { row, type Fixture } from "../fixture/fixture";

const { openFull } = useFullPlanhat();

/** What Hull holds of the third person. */
const attribute = (fixture: Fixture, name: string): unknown =>
  [...fixture.hull.profiles.users.values()].find(({ external_id }) => external_id === "person-3")?.attributes[name] ??
  null;

test("a field whose row writes it in another case keeps its value while the definitions cannot be read", async () => {
  const fixture = await openFull({
    settings: {
      contact_custom_attributes_outbound: [row("traits_score", "score")],
    },
    customFields: [{ name: "Score", type: "number", parent: "EndUser" }],
  });
  putPerson(fixture, 3, { custom: { Score: 3 } });
  await fixture.fetchBoth();
  fixture.planhat.faults.add({ kind: "status", status: 403, route: "GET /customfields" });
  await fixture.restart();
  fixture.advance(60);
  await fixture.fetch("users", "force=1");
  expect(attribute(fixture, "planhat/custom_score")).toBe(3);
});

test("a row that has come down to ids and keys empties nothing, mapped or not", async () => {
  const fixture = await openFull();
  putPerson(fixture, 3, { position: "Captain", phone: "0049" });
  await fixture.fetchBoth();
  fixture.advance(60);
  fixture.planhat.tenant().seedEnduser({ _id: person(3), externalId: "person-3", updatedAt: fixture.ago(1) });
  await fixture.fetch("users", "force=1");
  expect([attribute(fixture, "planhat/position"), attribute(fixture, "planhat/phone")]).toEqual(["Captain", "0049"]);
});

test("a field that was told in a fetch that failed is emptied when it is gone in the next one", async () => {
  const fixture = await openFull();
  for (let number = 21; number <= 120; number += 1) putPerson(fixture, number);
  await fixture.fetchBoth();
  fixture.advance(60);
  putPerson(fixture, 3, { custom: { Rare: "A" }, updatedAt: fixture.ago(1) });
  for (let number = 21; number <= 120; number += 1) fixture.planhat.tenant().remove("endusers", person(number));
  expect((await fixture.fetch("users")).state).toBe("error");
  expect(attribute(fixture, "planhat/custom_rare")).toBe("A");
  fixture.advance(60);
  for (let number = 21; number <= 120; number += 1) putPerson(fixture, number);
  putPerson(fixture, 3, { updatedAt: fixture.ago(1) });
  await fixture.fetch("users", "force=1");
  expect(attribute(fixture, "planhat/custom_rare")).toBeNull();
});
