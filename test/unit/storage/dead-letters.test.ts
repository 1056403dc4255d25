import { LANE, NEIGHBOUR, blockOn, deliver, deliverQuietly, finish, update, userUpdate } from "./builders";
import { describeStore } from "./bench";

describeStore("a dead letter", (bench) => {
  const refuse = async (outcome: "rejected" | "dead"): Promise<void> => {
    const { accept, attempt, settle } = bench();
    await accept(update({ id: "c1", version: 1, fields: { name: "Bad" } }));
    await settle(finish(await attempt("companies", "a1"), outcome, "refused"));
  };

  it.each(["rejected", "dead"] as const)(
    "keeps what was refused for good (%s), with payload and reason",
    async (how) => {
      const { store } = bench();
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
    const { accept, attempt, settle, store } = bench();
    await accept(update());
    await settle(finish(await attempt("companies", "a1"), outcome, "x"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it.each([
    ["delivered and told", deliver],
    ["delivered quietly", deliverQuietly],
  ] as const)("is closed when the record is %s later", async (_, how) => {
    const { accept, attempt, settle, store } = bench();
    await refuse("rejected");
    await accept(update({ id: "c2", version: 2 }));
    await settle(how(await attempt("companies", "a1"), "p1"));
    expect(await store.deadLettersOf(LANE)).toEqual([]);
  });

  it("stays open while later tries are only skipped, and shows the newest refusal", async () => {
    const { accept, attempt, settle, store } = bench();
    await refuse("rejected");
    await accept(update({ id: "c2", version: 2 }));
    await settle(finish(await attempt("companies", "a1"), "skipped", "archived"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c1" } }]);
    await accept(update({ id: "c3", version: 3 }));
    await settle(finish(await attempt("companies", "a1"), "dead", "identity_alarm"));
    expect(await store.deadLettersOf(LANE)).toMatchObject([{ ending: { messageId: "c3", code: "identity_alarm" } }]);
  });

  it("is kept for the children of a refused company, too", async () => {
    const { accept, attempt, entry, settle, store } = bench();
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
