/** What a row of a list does not show need not be empty: Hull is only emptied of what Planhat is known not to have. */
import { person, putPerson, useFullPlanhat } from "./full-planhat";
import type { FetchStage } from "./fetching";

const { openFull } = useFullPlanhat();

/** What Hull holds of the third person. */
const attribute = (stage: FetchStage, name: string): unknown =>
  [...stage.hull.profiles.users.values()].find(({ external_id }) => external_id === "person-3")?.attributes[name] ??
  null;

test("a field whose row writes it in another case keeps its value while the definitions cannot be read", async () => {
  const stage = await openFull({
    settings: {
      contact_custom_attributes_outbound: [{ hull_field_name: "traits_score", service_field_name: "score" }],
    },
    customFields: [{ name: "Score", type: "number", parent: "EndUser" }],
  });
  putPerson(stage, 3, { custom: { Score: 3 } });
  await stage.fetchBoth();
  stage.planhat.faults.add({ kind: "status", status: 403, route: "GET /customfields" });
  await stage.restart();
  stage.pass(60);
  await stage.fetch("users", "force=1");
  expect(attribute(stage, "planhat/custom_score")).toBe(3);
});

test("a row that has come down to ids and keys empties nothing, mapped or not", async () => {
  const stage = await openFull();
  putPerson(stage, 3, { position: "Captain", phone: "0049" });
  await stage.fetchBoth();
  stage.pass(60);
  stage.planhat.tenant().seedEnduser({ _id: person(3), externalId: "person-3", updatedAt: stage.ago(1) });
  await stage.fetch("users", "force=1");
  expect([attribute(stage, "planhat/position"), attribute(stage, "planhat/phone")]).toEqual(["Captain", "0049"]);
});

test("a field that was told in a fetch that failed is emptied when it is gone in the next one", async () => {
  const stage = await openFull();
  for (let number = 21; number <= 120; number += 1) putPerson(stage, number);
  await stage.fetchBoth();
  stage.pass(60);
  putPerson(stage, 3, { custom: { Rare: "A" }, updatedAt: stage.ago(1) });
  for (let number = 21; number <= 120; number += 1) stage.planhat.tenant().remove("endusers", person(number));
  expect((await stage.fetch("users")).state).toBe("error");
  expect(attribute(stage, "planhat/custom_rare")).toBe("A");
  stage.pass(60);
  for (let number = 21; number <= 120; number += 1) putPerson(stage, number);
  putPerson(stage, 3, { updatedAt: stage.ago(1) });
  await stage.fetch("users", "force=1");
  expect(attribute(stage, "planhat/custom_rare")).toBeNull();
});
