/** Accounts that PlanningPME refused, why, and what a person can do: explained, listed, sent again, dropped. */
import { buildAccountMessage } from "../../../simulators/hull";
import { account, minute, type Bag } from "../../fixture/fixture";
import { usePlanningPme, type PlanningPmeFixture } from "../../fixture/planningpme";
import { bag, list } from "../../fixture/states";
import { ask, operate } from "./asking";

const open = usePlanningPme();
const REFUSED = "The site is closed";
const about = (more: Bag = {}) => [buildAccountMessage(account(1, more))];
const CHANNEL = { channel: "account:update" } as const;

async function openWithRefused() {
  const opened = await open();
  const mend = opened.planningpme.brand().poison({ property: "ID", value: "acme-1" }, REFUSED);
  await opened.deliver(about(), CHANNEL);
  const [letter] = await listed(opened);
  return { opened, mend, id: String(bag(letter)["id"]) };
}
const listed = async (opened: PlanningPmeFixture) =>
  list((await operate(opened, "GET /dead-letters")).body["dead_letters"]);

test("one is listed and shown with PlanningPME's words and what to do", async () => {
  const { opened, id } = await openWithRefused();
  expect(await listed(opened)).toMatchObject([{ id, type: "customers", hull_id: account(1).id, code: "refused" }]);
  const { body } = await operate(opened, `GET /dead-letters/${id}`);
  expect(body).toMatchObject({
    outcome: "rejected",
    text: expect.stringContaining(REFUSED) as string,
    remedy: expect.stringMatching(/have the template changed, and replay the dead letter\.$/) as string,
    desired: { fields: { ID: "acme-1", Name: "Acme 1" } },
  });
});

test("one that is replayed after the cause was mended arrives and closes; too early, it comes back", async () => {
  const { opened, mend, id } = await openWithRefused();
  await operate(opened, `POST /dead-letters/${id}/replay`);
  await opened.fixture.settled();
  expect(await listed(opened)).toMatchObject([{ code: "refused" }]);
  mend();
  expect((await operate(opened, "POST /dead-letters/replay")).body).toMatchObject({ queued: 1 });
  await opened.fixture.settled();
  expect(await listed(opened)).toEqual([]);
  expect(opened.planningpme.snapshot()).toMatchObject([{ fields: { _ID: "acme-1", LastName: "Acme 1" } }]);
});

test("one that is dropped is no more, and the next message about the account closes one as well", async () => {
  const { opened, mend, id } = await openWithRefused();
  expect((await operate(opened, `DELETE /dead-letters/${id}`)).body).toMatchObject({ id });
  expect(await listed(opened)).toEqual([]);
  await opened.deliver(about({ city: "Lyon", indexed_at: minute(1) }), CHANNEL);
  expect(await listed(opened)).toHaveLength(1);
  mend();
  await opened.deliver(about({ city: "Paris", indexed_at: minute(2) }), CHANNEL);
  expect(await listed(opened)).toEqual([]);
});

describe("an explanation", () => {
  const explain = async (opened: PlanningPmeFixture, body: Bag) => {
    const before = JSON.stringify(opened.planningpme.snapshot());
    const answer = await ask(opened, "POST /explain", { body });
    expect([answer.status, JSON.stringify(opened.planningpme.snapshot())]).toEqual([200, before]);
    const record = bag(list(answer.body["records"])[0]);
    return { record, said: [answer.body["text"], record["text"]].flatMap(list).join(" ") };
  };
  const notification = (more: Bag = {}): Bag => ({ channel: "account:update", messages: about(more) });

  test("shows the row that would be imported, and imports nothing", async () => {
    const opened = await open({ settings: { customer_defaults: [{ property: "Zip", value: "69000" }] } });
    const { record } = await explain(opened, notification({ city: "Lyon" }));
    expect(record).toMatchObject({
      type: "customers",
      checks: [
        { name: "Accounts Filter", verdict: "passed" },
        { name: "ID", verdict: "passed" },
      ],
      would: { outcome: "sent", code: "created" },
      requests: [{ kind: "create", fields: { ID: "acme-1", Name: "Acme 1", City: "Lyon", Zip: "69000" } }],
    });
    expect(opened.planningpme.books.snapshot().imports).toBe(0);
  });

  test("names the filter, the key or the template that keeps a record out", async () => {
    const opened = await open({ settings: { account_synchronized_segments: [] } });
    expect((await explain(opened, notification())).record).toMatchObject({
      checks: [{ name: "Accounts Filter", verdict: "failed", code: "outside_segments" }, { verdict: "passed" }],
      would: { outcome: "skipped", code: "outside_segments" },
    });
    const keyless = await explain(await open(), notification({ external_id: null }));
    expect(keyless.record).toMatchObject({ would: { outcome: "skipped", code: "missing_key" } });
    const unfed = await explain(await open({ settings: { customer_entity: "user" } }), notification());
    expect(unfed.record).toMatchObject({ would: { outcome: "skipped", code: "no_template" } });
  });

  test("names PlanningPME's words about a refused account, and says what to do", async () => {
    const { opened } = await openWithRefused();
    const { record, said } = await explain(opened, { external_id: "acme-1" });
    expect(record).toMatchObject({ known: { dead_letter: { outcome: "rejected", code: "refused" } } });
    expect(said).toContain(REFUSED);
    expect(said).toMatch(/replay the dead letter/);
  });
});
