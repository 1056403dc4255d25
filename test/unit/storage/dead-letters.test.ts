import { LANE, NEIGHBOUR, blockOn, deliver, deliverQuietly, finish, update, userUpdate } from "./builders";
import { describeStore } from "./fixture";

describeStore("a dead letter", ({ accept, attempt, entry, settle, store }) => {
  const refuse = async (outcome: "rejected" | "dead"): Promise<void> => {
    await accept(update({ id: "c1", version: 1, fields: { name: "Bad" } }));
    await settle(finish(await attempt("companies", "a1"), outcome, "refused"));
  };

  it.each(["rejected", "dead"] as const)(
    "keeps what was refused for good (%s), with payload and reason",
    async (how) => {
      await refuse(how);
      expect(await store.deadLettersOf(LANE)).toMatchObject([
        {
          ...LANE,
          type: "companies",
          hullId: "a1",
          content: { desired: { fields: { name: "Bad" } } },
          ending: { outcome: how, code: "refused", messageId: "c1" },
          attempts: 0,
        },
      ]);
      expect(await store.deadLettersOf(NEIGHBOUR)).toEqual([]);
    },
  );

  it.each(["skipped", "superseded"] as const)("is not kept for what ends %s", async (outcome) => {
    await accept(update());
    await settle(finish(await attempt("companies", "a1"), outcome, "x"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it.each([
    ["delivered and told", deliver],
    ["delivered quietly", deliverQuietly],
  ] as const)("is closed when the record is %s later", async (_, how) => {
    await refuse("rejected");
    await accept(update({ id: "c2", version: 2 }));
    await settle(how(await attempt("companies", "a1"), "p1"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it("stays open while later tries are only skipped, and shows the newest refusal", async () => {
    await refuse("rejected");
    await accept(update({ id: "c2", version: 2 }));
    await settle(finish(await attempt("companies", "a1"), "skipped", "archived"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c1" } }]);
    await accept(update({ id: "c3", version: 3 }));
    await settle(finish(await attempt("companies", "a1"), "dead", "identity_alarm"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c3", code: "identity_alarm" } }]);
  });

  it("is kept for the children of a refused company, too", async () => {
    await accept(userUpdate({ parent: "a1" }));
    await settle(blockOn(await entry("endusers", "e1")));
    await settle(finish(await attempt("companies", "a1"), "rejected", "refused"));
    const letters = await store.deadLettersOf(LANE);
    expect(letters.map(({ type, ending }) => `${type} ${ending.code}`)).toEqual([
      "companies refused",
      "endusers parent_rejected",
    ]);
  });
});
