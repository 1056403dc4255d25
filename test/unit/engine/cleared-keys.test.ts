/** Engine and store together: what a cleared key means for finding records. */
import { reason } from "../../../src/outcome/outcome";
import { delivered, typeContext } from "../../../src/engine/delivery/work";
import type { Json, Keys } from "../../../src/record";
import { ENDUSERS } from "../../../src/services/planhat/object-types";
import { createEmbeddedStore } from "../../../src/storage/embedded";
import { createMemoryKeyValue } from "../../../src/storage/database/memory";
import type { Store } from "../../../src/storage/port/store";
import { LANE, update } from "../storage/builders";
import { createFakeService } from "./fake-service";

const NOW = 1_750_000_000_000;
const context = typeContext(createFakeService(), ENDUSERS, { host: "one" }, NOW);

/** Accepts a message about user e1 and delivers the fields named in `sent` to enduser p1. */
async function deliverTo(
  store: Store,
  version: number,
  given: { readonly fields: Record<string, Json>; readonly keys: Keys; readonly sent: readonly string[] },
): Promise<void> {
  const { fields, keys, sent } = given;
  await store.accept([update({ id: `u${version}`, type: "endusers", hullId: "e1", version, fields, keys })]);
  const [view] = await store.view(LANE, "endusers", ["e1"]);
  const { entry, mirror } = view ?? {};
  if (entry?.content === undefined) throw new Error("The message waits.");
  const work = {
    entry,
    content: entry.content,
    namesake: false,
    wire: {},
    ...(mirror === undefined ? {} : { mirror }),
  };
  const why = reason("updated");
  const delivery = { remoteId: "p1", sent, equal: [], outcome: "sent", why, created: mirror === undefined } as const;
  await store.settle(LANE, [delivered(work, context, delivery)]);
}

test("an e-mail that was cleared at the service does not find the record any more", async () => {
  const store = await createEmbeddedStore({ kv: createMemoryKeyValue(), now: () => NOW });
  const keys = { externalId: "7", email: "ann@x.example" };
  await deliverTo(store, 1, { fields: { ...keys }, keys, sent: ["externalId", "email"] });
  const byMail = [{ name: "email", value: "ann@x.example" }];
  expect(await store.candidates(LANE, "endusers", byMail)).toHaveLength(1);

  const fields = { externalId: "7", email: null };
  await deliverTo(store, 2, { fields, keys: { externalId: "7" }, sent: ["email"] });
  expect(await store.candidates(LANE, "endusers", byMail)).toEqual([]);
  expect(await store.candidates(LANE, "endusers", [{ name: "externalId", value: "7" }])).toHaveLength(1);
});
