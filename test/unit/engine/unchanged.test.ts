/** A message that says the same as the last unchanged one ends without being compared: exactly as if it had been. */
import { openPairedRun, rows, type HullId, type MessageParts, type PairedRun } from "./paired-run";

const ENDED = { queued: 0, ended: 1 };
const QUEUED = { queued: 1, ended: 0 };
const HOUR_MS = 3_600_000;

describe.each([
  ["recognised by what they say", true],
  ["planned and compared every time", false],
])("messages that are %s", (_title, recognises) => {
  let run: PairedRun;
  beforeEach(async () => {
    run = await openPairedRun(recognises);
  });
  afterEach(() => run.close());

  /** The record is linked, Hull knows it, and its last message ended unchanged. */
  async function inStep(hullId: HullId = "u1", parts: MessageParts = {}): Promise<void> {
    await run.send(hullId, parts);
    await run.flow();
    expect(await run.send(hullId, parts)).toEqual(ENDED);
  }

  /** How many of the messages that are sent meanwhile are recognised. */
  async function recognisedWhile(work: () => Promise<unknown>): Promise<number> {
    const before = run.recognised();
    await work();
    return run.recognised() - before;
  }

  const nameThatWaits = async (hullId: HullId = "u1"): Promise<unknown> =>
    (await run.entry(hullId))?.content?.desired.fields["name"];

  it("end unchanged, whatever else they carry that is not mapped", async () => {
    await inStep();
    const quick = await recognisedWhile(async () => {
      expect(await run.send("u1", { more: { clicks: 1 } })).toEqual(ENDED);
      expect(await run.send("u1", { more: { clicks: 2 }, company: { plan: "pro" } })).toEqual(ENDED);
    });
    expect(quick).toBe(recognises ? 2 : 0);
    const line = run.logs.at(-1);
    expect(line).toMatchObject({ level: "debug", event: "outgoing.user.skip", data: { code: "in_sync" } });
    expect(line?.context).toMatchObject({ user_id: "u1", user_email: "u1@acme.example", user_external_id: "u1" });
    expect((await run.store.tally("planhat/org/c1")).outcomes["endusers/unchanged/in_sync"]).toBe(3);
  });

  it("end unchanged when they name an account in other letters", async () => {
    await inStep("a1");
    expect(await run.send("a1", { more: { name: "ACME" } })).toEqual(ENDED);
    const skip = { level: "debug", event: "outgoing.account.skip", data: { code: "in_sync" } };
    expect(run.logs.at(-1)).toMatchObject(skip);
  });

  it("are counted in the line of their shipment, by the reason", async () => {
    await inStep("a1");
    const [queued, ended] = [
      { queued: 1, counts: {} },
      { queued: 0, counts: { "companies/unchanged/in_sync": 1 } },
    ];
    expect(run.shipments.map(({ level, data }) => [level, data])).toEqual([
      ["info", { entity: "account", messages: 1, ...queued }],
      ["info", { entity: "account", messages: 1, ...ended }],
    ]);
  });

  it("dated far ahead count as arriving now, and silence no later one", async () => {
    run.clock.nowMs = Date.UTC(2026, 10, 29);
    await run.send("a1", { more: { name: "From 2099", indexed_at: "2099-01-01T00:00:00Z" } });
    await run.send("a1", { more: { name: "First", indexed_at: "2026-11-29T00:00:01Z" } });
    await run.send("a1", { more: { name: "Second", indexed_at: "2026-11-29T00:00:02Z" } });
    expect(await nameThatWaits("a1")).toBe("Second");
  });

  it("that name no record are rejected by themselves, counted, and said aloud with field and remedy", async () => {
    expect(await run.send("a1", { more: { id: "x".repeat(201) } })).toEqual(ENDED);
    expect((await run.store.tally("planhat/org/c1")).outcomes).toEqual({ "companies/rejected/invalid_message": 1 });
    expect(run.logs).toMatchObject([{ level: "error", event: "outgoing.account.error" }]);
    expect(JSON.stringify(run.logs)).toMatch(/messages\[0\]\.account\.id has 201 bytes.*Send the id/);
  });

  it("wait when a mapped value changed, and again when it goes back before it was delivered", async () => {
    await inStep();
    expect(await run.send("u1", { more: { name: "Eve" } })).toEqual(QUEUED);
    expect(await run.send("u1")).toEqual(QUEUED);
    expect(await nameThatWaits()).toBe("u1");
  });

  it("wait while a change is in flight", async () => {
    await inStep();
    await run.send("u1", { more: { name: "Eve" } });
    await run.attempt("u1");
    expect(await run.send("u1")).toEqual(QUEUED);
    expect(await nameThatWaits()).toBe("u1");
  });

  it("wait when the state before the last delivery comes back", async () => {
    await inStep();
    await run.send("u1", { more: { name: "Eve" } });
    await run.flow();
    expect(await run.send("u1")).toEqual(QUEUED);
    await run.flow();
    expect(await run.send("u1")).toEqual(ENDED);
  });

  it("wait when a change was settled after they were looked at", async () => {
    await inStep();
    run.meanwhile(async () => {
      await run.send("u1", { more: { name: "Eve" }, ageMs: 1 });
      await run.flow();
    });
    expect(await run.send("u1", { more: { clicks: 1 } })).toEqual(QUEUED);
    expect(await nameThatWaits()).toBe("u1");
  });

  it("wait when a change came after they were looked at", async () => {
    await inStep();
    run.meanwhile(() => run.send("u1", { more: { name: "Eve" }, ageMs: 1 }));
    expect(await run.send("u1", { more: { clicks: 1 } })).toEqual(QUEUED);
    expect(await nameThatWaits()).toBe("u1");
  });

  it("wait when the change was refused, and its dead letter stays until something is delivered", async () => {
    await inStep();
    await run.send("u1", { more: { name: "Eve" } });
    await run.settle("reject", "u1");
    expect(await run.store.deadLettersOf(await run.lane())).toHaveLength(1);
    expect(await run.send("u1")).toEqual(ENDED);
    expect(await run.store.deadLettersOf(await run.lane())).toHaveLength(0);
  });

  it("wait when a filter let the record out in between and something was on its way", async () => {
    await inStep();
    await run.send("u1", { more: { name: "Eve" } });
    await run.attempt("u1");
    expect(await run.send("u1", { more: { name: "Eve" }, segments: [] })).toEqual(ENDED);
    expect(await run.send("u1")).toEqual(QUEUED);
  });

  it("wait when the link was lost, to somebody else's delivery as well", async () => {
    await inStep("a1");
    await run.send("a1", { more: { name: "Acme Inc" } });
    await run.settle("unlink", "a1");
    await run.send("a1");
    await run.settle("reject", "a1");
    expect(await run.send("a1")).toEqual(QUEUED);

    await run.flow();
    expect(await run.send("a1")).toEqual(ENDED);
    await run.loseLink("a1");
    expect(await run.send("a1")).toEqual(QUEUED);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["the remote was made anew", async () => run.store.newGeneration((await run.lane()).remote)],
    [
      "the record was erased",
      () => run.store.forgetEntity("planhat/org/c1", { types: ["endusers"], children: [] }, "u1"),
    ],
  ])("wait when %s", async (_what, happen) => {
    await inStep();
    await happen();
    expect(await run.send("u1")).toEqual(QUEUED);
  });

  it("wait when the settings map another value, and end unchanged when they do not", async () => {
    await inStep();
    await run.save("c1", { fetch_interval_users: 7 });
    expect(await recognisedWhile(() => run.send("u1"))).toBe(0);
    expect(await run.send("u1")).toEqual(ENDED);
    await run.save("c1", { contact_attributes_outbound: rows({ email: "email", external_id: "name" }) });
    expect(await run.send("u1", { more: { external_id: "Someone" } })).toEqual(QUEUED);
  });

  it("are kept out when the filter does not let them through any more", async () => {
    await inStep();
    await run.save("c1", { contact_synchronized_segments: ["nobody"] });
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "outside_user_segments" });
    await run.save("c1", {});
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "in_sync" });
    expect(await run.send("u1", { segments: [] })).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "outside_user_segments" });
  });

  it("wait for new credentials to be tried, and end unchanged once they were", async () => {
    await inStep();
    await run.save("c1", { personal_acccess_token: "token-2" });
    expect(await run.send("u1")).toEqual(QUEUED);
    await run.settle("quiet", "u1");
    expect(await run.send("u1")).toEqual(QUEUED);
    await run.confirm("c1", "same");
    await run.flow();
    expect(await run.send("u1")).toEqual(ENDED);
  });

  it("wait for credentials to be tried, though they were in use before", async () => {
    await inStep();
    await run.save("c1", { personal_acccess_token: "token-2" });
    await run.confirm("c1", "same");
    await run.save("c1", {});
    expect(await run.send("u1")).toEqual(QUEUED);
  });

  it("wait when a change comes back from a place that the settings named by mistake", async () => {
    await inStep();
    await run.save("c1", { tenant_id: "mistyped" });
    await run.confirm("c1", "other");
    expect(await run.send("u1", { more: { name: "Eve" } })).toEqual(QUEUED);
    await run.save("c1", {});
    await run.confirm("c1", "other");
    expect(await nameThatWaits()).toBe("Eve");
    expect(await run.send("u1")).toEqual(QUEUED);
    expect(await nameThatWaits()).toBe("u1");
  });

  it("are skipped without a token", async () => {
    await inStep();
    await run.save("c1", { personal_acccess_token: null });
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "missing_token" });
    await run.save("c1", { clear_on_null: "maybe" });
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "invalid_settings" });
  });

  it("of another connector of the same Planhat tenant are compared by its own settings", async () => {
    await run.save("c2", { contact_attributes_outbound: rows({ email: "email", external_id: "name" }) });
    await inStep("u1", { more: { external_id: "Someone" } });
    expect(await run.send("u1", { connector: "c2", more: { external_id: "Someone" } })).toEqual(QUEUED);
    // What is on its way for one connector does not keep the other from saying that it changed nothing.
    expect(await run.send("u1", { more: { external_id: "Someone" } })).toEqual(ENDED);
    await run.flow();
    // What the other one wrote stays, like a person's edit.
    expect(await run.send("u1", { more: { external_id: "Someone" } })).toEqual(ENDED);
  });

  it("of two connectors with the same settings count for each of them, once each found the values there", async () => {
    await inStep();
    expect(await run.send("u1", { connector: "c2" })).toEqual(QUEUED);
    await run.flow();
    expect(await run.send("u1", { connector: "c2" })).toEqual(ENDED);
    expect(await run.send("u1")).toEqual(ENDED);
    expect((await run.store.tally("planhat/org/c2")).outcomes["endusers/unchanged/in_sync"]).toBe(1);
    expect((await run.store.tally("planhat/org/c1")).outcomes["endusers/unchanged/in_sync"]).toBe(2);
  });

  it("wait while their own connector has something on its way, whatever the other one found unchanged", async () => {
    await inStep();
    await inStep("u1", { connector: "c2" });
    expect(await run.send("u1", { connector: "c2", more: { name: "Eve" } })).toEqual(QUEUED);
    expect(await run.send("u1")).toEqual(ENDED);
    expect(await run.send("u1", { connector: "c2" })).toEqual(QUEUED);
  });

  it("are said aloud every time when one of their values cannot be stored", async () => {
    const broken = { more: { traits_position: { no: "text" } } };
    await inStep("u1", broken);
    for (let times = 0; times < 2; times += 1) {
      expect(await run.send("u1", broken)).toEqual(ENDED);
      expect(run.logs.at(-1)).toMatchObject({ level: "warn", data: { code: "in_sync" } });
    }
  });

  it("are superseded when they are older than the newest one", async () => {
    await inStep();
    await run.send("u1");
    expect(await run.send("u1", { ageMs: HOUR_MS })).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ outcome: "superseded", code: "newer_message" });
    expect(await run.send("u1", { ageMs: HOUR_MS, more: { name: "Eve" } })).toEqual(ENDED);
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.at(-1)?.data).toMatchObject({ code: "in_sync" });
  });

  it.each([
    [1, "newer_message"],
    [0, "in_sync"],
  ])("that are overtaken by the next one, %i ms newer, end %s, each with its own outcome", async (newerMs, code) => {
    await inStep();
    const { messages } = await run.store.tally("planhat/org/c1");
    // Two notifications are worked on at once, and the later one is taken in first.
    run.meanwhile(() => run.send("u1", { ageMs: 1 - newerMs }));
    expect(await run.send("u1")).toEqual(ENDED);
    expect(run.logs.slice(-2).map(({ data }) => data["code"])).toEqual(["in_sync", code]);
    expect((await run.store.tally("planhat/org/c1")).messages).toBe(messages + 2);
  });

  it("are counted once when they are delivered again, be it the newest or an older one", async () => {
    await inStep();
    const older = run.last("u1");
    await run.send("u1");
    const newest = run.last("u1");
    if (older === undefined || newest === undefined) throw new Error("Two messages were sent.");
    const before = await run.store.tally("planhat/org/c1");
    for (const each of [newest, older, newest]) expect(await run.sendAgain(each)).toEqual(ENDED);
    expect(await run.store.tally("planhat/org/c1")).toEqual(before);
  });

  it.each([
    ["do not say when they are from", undefined],
    ["are dated far in the future", "2999-01-01T00:00:00Z"],
  ])("are counted once when they %s and are delivered again", async (_undated, indexed_at) => {
    await inStep("u1", { more: { indexed_at } });
    const before = await run.store.tally("planhat/org/c1");
    const sent = run.last("u1");
    if (sent === undefined) throw new Error("A message was sent.");
    for (let times = 0; times < 2; times += 1) {
      run.clock.nowMs += 1_000;
      expect(await run.sendAgain(sent)).toEqual(ENDED);
    }
    expect(await run.store.tally("planhat/org/c1")).toEqual(before);
  });

  it("wait when they are part of an export", async () => {
    await inStep();
    expect(await run.send("u1", { isExport: true })).toEqual(QUEUED);
    expect((await run.entry("u1"))?.content?.force).toBe(true);
  });

  it("wait when Hull lost the id that it had confirmed long ago", async () => {
    const hidden = { more: { "planhat/id": null } };
    await inStep("u1", hidden);
    expect(await run.send("u1", hidden)).toEqual(ENDED);
    run.clock.nowMs += HOUR_MS;
    expect(await run.send("u1", hidden)).toEqual(QUEUED);
    await run.flow();
    expect(await run.send("u1", hidden)).toEqual(ENDED);
    expect(await run.send("u1")).toEqual(ENDED);
    run.clock.nowMs += HOUR_MS;
    expect(await run.send("u1")).toEqual(ENDED);
    expect(await run.send("u1", hidden)).toEqual(QUEUED);
  });

  it("end unchanged while a person's edit stays, and wait when Hull's own value moves", async () => {
    await inStep();
    run.clock.nowMs += HOUR_MS;
    await run.personSets("u1", "Eve");
    expect(await run.send("u1")).toEqual(ENDED);
    expect(await run.send("u1", { more: { name: "Eve" } })).toEqual(QUEUED);
    // That both agree counts as delivered, so that going back is a change again.
    await run.flow();
    expect(await run.send("u1", { more: { name: "Eve" } })).toEqual(ENDED);
    expect(await run.send("u1")).toEqual(QUEUED);
  });

  it("are all said to have happened when several of one shipment end in one", async () => {
    await inStep();
    const tallyBefore = await run.store.tally("planhat/org/c1");
    const sent = run.last("u1");
    if (sent === undefined) throw new Error("A message was sent.");
    const messages = ["n1", "n2", "n3"].map((message_id) => ({ ...sent.raw, message_id }));
    for (const each of messages) await run.sendAgain({ ...sent, raw: each });
    const { messages: after, outcomes } = await run.store.tally("planhat/org/c1");
    expect(after).toBe(tallyBefore.messages + 3);
    expect(outcomes["endusers/unchanged/in_sync"]).toBe(4);
  });

  it("wait when a value is gone that the settings want cleared, and only if it had been there", async () => {
    await run.save("c1", { clear_on_null: true });
    const empty = { more: { traits_position: null } };
    await inStep("u1", empty);
    expect(await run.send("u1", empty)).toEqual(ENDED);
    const cleared = { ...empty, changes: { user: { traits_position: ["Engineer", null] }, account: {} } };
    expect(await run.send("u1", cleared)).toEqual(QUEUED);
  });
});
