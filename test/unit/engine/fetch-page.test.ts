/** A page whose rows have to do with each other, when Hull takes only a part of it at a time. */
import { openPage } from "../../../src/engine/fetch/page";
import type { StepContext } from "../../../src/engine/fetch/step";
import { numberOf } from "../../../src/engine/hull-updates/what-hull-knows";
import { typeContext } from "../../../src/engine/delivery/work";
import type { FirehoseItem } from "../../../src/hull/firehose/items";
import { ENDUSERS } from "../../../src/services/planhat/object-types";
import type { ListedRecord } from "../../../src/services/connection";
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import { createFakeService } from "./fake-service";
import { openStore } from "../storage/fixture";

const NOW_MS = Date.UTC(2026, 0, 1);

const row = (id: string, email: string): ListedRecord => ({
  id,
  record: { id, keys: { email }, fields: {}, complete: true },
  claims: { email },
  attributes: [{ field: "_id", attribute: "planhat/id", value: id }],
});

/** One record more than a step has, so that the last one is in a step of its own. */
const page = (first: ListedRecord, last: ListedRecord): readonly ListedRecord[] => [
  first,
  ...Array.from({ length: 49 }, (_, index) => row(`f${index}`, `f${index}@example.com`)),
  last,
];

async function open(hullTakes: (item: FirehoseItem) => boolean): Promise<StepContext> {
  const store = await openStore({ database: createMemoryDatabase(), now: () => NOW_MS });
  return {
    ...typeContext(createFakeService(), ENDUSERS, { host: "one" }, NOW_MS),
    store: {
      ...store,
      // The first record was written a moment ago, so that the mirror keeps the e-mail address that it has, and knows of no namesake.
      sharedKeys: (_, __, wanted) => Promise.resolve(wanted.map(() => [])),
      fetchView: (_, __, ids) =>
        Promise.resolve(
          ids.map((id) => ({
            busy: false,
            ...(id === "first" && {
              mirror: {
                id,
                generation: 1,
                keys: { email: "x@example.com" },
                facts: {},
                complete: true,
                writtenAtMs: NOW_MS,
              },
            }),
          })),
        ),
    },
    firehose: {
      send: (items) =>
        Promise.resolve(
          items.map((item) => (hullTakes(item) ? { state: "accepted" } : { state: "later", reason: "503" })),
        ),
      close: () => undefined,
    },
    remote: "r",
    tenant: "t",
    run: "run",
    serviceName: "planhat",
    link: false,
    claimed: new Set(),
    shown: new Set(),
    settleMs: 5_000,
    verbose: false,
    signal: new AbortController().signal,
    onRows: () => undefined,
    nameOf: numberOf,
    ownFacts: new Set(),
    mapping: 1,
    idField: "_id",
    deletedAttribute: "planhat/deleted_at",
  };
}

test("a key that two rows of a page share names neither, also when one of them is done and the other is tried again", async () => {
  let down = true;
  const told: unknown[] = [];
  const context = await open((item) => {
    const isLast = item.type === "traits" && item.subject === "user" && item.user.anonymous_id === "planhat:last";
    if (isLast && !down) told.push(item.user);
    return !isLast || !down;
  });
  const work = await openPage(context, page(row("first", "same@example.com"), row("last", "same@example.com")), NOW_MS);
  expect(await work.attempt()).toMatchObject({ kind: "later", progressed: true });
  down = false;
  expect(await work.attempt()).toMatchObject({ kind: "done" });
  expect(told).toEqual([{ anonymous_id: "planhat:last" }]);
});
