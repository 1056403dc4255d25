/** Engine and store together: what a cleared key means for finding records. */
import { reason } from "../../../src/outcome/outcome";
import { delivered } from "../../../src/engine/delivery/settlements";
import { typeContext } from "../../../src/engine/delivery/work";
import type { Json, Keys } from "../../../src/record";
import { ENDUSERS } from "../../../src/services/planhat/object-types";
import { LANE, update, workedOn } from "../storage/builders";
import { setUpStore, START_MS } from "../storage/fixture";
import { createFakeService } from "./fake-service";

const { accept, entry, settle, store } = setUpStore("memory");
const context = typeContext(createFakeService(), ENDUSERS, { host: "one" }, START_MS);

/** Accepts a message about user e1 and delivers the fields named in `sent` to enduser p1. */
async function deliverTo(
  version: number,
  given: { readonly fields: Record<string, Json>; readonly keys: Keys; readonly sent: readonly string[] },
): Promise<void> {
  const { fields, keys, sent } = given;
  await accept(update({ id: `u${version}`, type: "endusers", hullId: "e1", version, fields, keys }));
  const waiting = await entry("endusers", "e1");
  const [mirror] = await store.mirrors(LANE, "endusers", ["p1"]);
  const work = { entry: waiting, content: workedOn(waiting), namesake: false, wire: {}, ...(mirror && { mirror }) };
  const why = reason("updated");
  const delivery = { remoteId: "p1", sent, equal: [], outcome: "sent", why, created: mirror === undefined } as const;
  await settle(delivered(work, context, delivery));
}

test("an e-mail that was cleared at the service does not find the record any more", async () => {
  const keys = { externalId: "7", email: "ann@x.example" };
  await deliverTo(1, { fields: { ...keys }, keys, sent: ["externalId", "email"] });
  const byMail = [{ name: "email", value: "ann@x.example" }];
  expect(await store.candidates(LANE, "endusers", byMail)).toHaveLength(1);

  const fields = { externalId: "7", email: null };
  await deliverTo(2, { fields, keys: { externalId: "7" }, sent: ["email"] });
  expect(await store.candidates(LANE, "endusers", byMail)).toEqual([]);
  expect(await store.candidates(LANE, "endusers", [{ name: "externalId", value: "7" }])).toHaveLength(1);
});
