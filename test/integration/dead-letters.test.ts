/** The command-line tools beside a running server: read, replay and drop dead letters; list and erase tenants. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { openAdmin } from "../../server/cli/connect";
import { deadLetters } from "../../server/cli/dead-letters";
import { tenants } from "../../server/cli/tenants";
import type { DeadLetter, DeadLetterDetail } from "../../server/admin/dead-letters";
import type { ExitCode, Terminal } from "../../server/cli/tool";
import { account, CONNECTOR, minute, TOKEN, useFixtures, user, type Fixture } from "../fixture/fixture";

const open = useFixtures();

interface Said {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a tool as a person would in the server's folder. */
async function run(
  fixture: Pick<Fixture, "dataDir">,
  tool: (args: readonly string[], terminal: Terminal) => Promise<ExitCode>,
  ...args: readonly string[]
): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await tool(args, {
    environment: { DATA_DIR: fixture.dataDir },
    width: 200,
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function letters(fixture: Fixture, ...more: readonly string[]): Promise<readonly DeadLetter[]> {
  const { out } = await run(fixture, deadLetters, "list", "--json", ...more);
  return JSON.parse(out) as readonly DeadLetter[];
}

async function idOf(fixture: Fixture, hullId: string): Promise<string> {
  const letter = (await letters(fixture)).find((each) => each.hullId === hullId);
  if (letter === undefined) throw new Error(`${hullId} has no dead letter.`);
  return letter.id;
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Planhat refuses the first user for his position; the second arrives. */
async function refuseOne(): Promise<{ readonly fixture: Fixture; readonly heal: () => void; readonly id: string }> {
  const fixture = await open();
  fixture.seed([account(1)], [user(1), user(2)]);
  const heal = fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Position is odd");
  for (const number of [1, 2]) await fixture.tellUser(user(number), account(1));
  await fixture.settled();
  return { fixture, heal, id: await idOf(fixture, user(1).id) };
}

describe("a record that Planhat refuses", () => {
  test("is listed in one line, and shown with reason, payload and what to do", async () => {
    const { fixture, id } = await refuseOne();
    const list = await run(fixture, deadLetters, "list");
    expect(list).toMatchObject({ code: 0, err: "" });
    const lines = list.out.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^[0-9a-f]{12} {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}planhat {2}endusers {2}person-1@example\.com {2}refused/,
    );
    expect(lines[1]).toContain("Position is odd");

    const show = await run(fixture, deadLetters, "show", id);
    expect(show.code).toBe(0);
    for (const part of [user(1).id, "rejected / refused", "Position is odd", '"position": "Engineer"', "What to do"]) {
      expect(show.out).toContain(part);
    }
    for (const secret of [TOKEN, CONNECTOR.secret]) expect(show.out).not.toContain(secret);
  });

  test("can be read by programs", async () => {
    const { fixture } = await refuseOne();
    const [letter] = await letters(fixture);
    expect(letter).toMatchObject({
      type: "endusers",
      hullId: user(1).id,
      name: "person-1@example.com",
      code: "refused",
    });
    const { out } = await run(fixture, deadLetters, "show", letter?.id ?? "", "--json");
    const detail = JSON.parse(out) as DeadLetterDetail;
    expect(detail).toMatchObject({ attempts: 0, replayed: false, desired: { fields: { position: "Engineer" } } });
    expect(await letters(fixture, "--code", "identity_alarm")).toEqual([]);
    expect(await letters(fixture, "--type", "endusers", "--tenant", fixture.tenantKey)).toHaveLength(1);
  });

  test("arrives when it is replayed after the cause was mended, and the letter closes", async () => {
    const { fixture, heal, id } = await refuseOne();
    heal();
    const replay = await run(fixture, deadLetters, "replay", id);
    expect(replay).toMatchObject({ code: 0, out: expect.stringContaining("Sent again: 1.") as string });
    await fixture.settled();
    expect(fixture.endusers().map((each) => each["externalId"])).toEqual(["person-2", "person-1"]);
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBeDefined();
    expect(await letters(fixture)).toEqual([]);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2, "endusers/rejected/refused": 1 });
    expect((await fixture.connector.store.tally(fixture.tenantKey)).messages).toBe(3);
  });

  test("that is still refused keeps its letter, with the newest words", async () => {
    const { fixture, heal, id } = await refuseOne();
    heal();
    fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Still odd");
    await run(fixture, deadLetters, "replay", id);
    await fixture.settled();
    const show = await run(fixture, deadLetters, "show", id);
    expect(show.out).toContain("Still odd");
    expect(show.out).toMatch(/Replayed +yes/);
  });

  test("is closed by a later success of its own message", async () => {
    const { fixture, heal } = await refuseOne();
    heal();
    await fixture.tellUser({ ...user(1), indexed_at: minute(1) }, account(1));
    await fixture.settled();
    expect(await letters(fixture)).toEqual([]);
  });

  test("does not come back over a newer message when it is replayed", async () => {
    const { fixture, heal, id } = await refuseOne();
    await fixture.saveSettings({ contact_synchronized_segments: [] });
    await fixture.tellUser({ ...user(1), indexed_at: minute(1) }, account(1));
    heal();
    expect((await run(fixture, deadLetters, "replay", id)).out).toContain(
      "Closed, because Hull sent something newer: 1.",
    );
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(1);
    expect(await letters(fixture)).toEqual([]);
  });

  test("can be dropped, and is not sent then", async () => {
    const { fixture, heal, id } = await refuseOne();
    heal();
    const drop = await run(fixture, deadLetters, "drop", id);
    expect(drop).toMatchObject({ code: 0, out: "Dropped: endusers person-1@example.com, refused." });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(1);
    for (const name of ["show", "replay", "drop"]) {
      expect(await run(fixture, deadLetters, name, id)).toMatchObject({ code: 1, out: "" });
    }
  });

  test("sends what differs and nothing that is equal", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    const heal = fixture.planhat.poison({ type: "endusers", field: "name", value: "Refused" }, "no");
    await fixture.tellUser({ ...user(1), name: "Refused", indexed_at: minute(1) }, account(1));
    await fixture.settled();
    heal();
    const before = fixture.written("endusers").length;
    await run(fixture, deadLetters, "replay", await idOf(fixture, user(1).id));
    await fixture.settled();
    expect(fixture.endusers()).toMatchObject([{ name: "Refused" }]);
    const [write] = fixture.written("endusers").slice(before);
    expect(write).toMatchObject({ name: "Refused" });
    expect(write).not.toHaveProperty("position");
  });
});

describe("a company that Planhat refuses", () => {
  const orphans = async (): Promise<{ readonly fixture: Fixture; readonly heal: () => void }> => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1), user(2)]);
    const heal = fixture.planhat.poison(
      { type: "companies", field: "externalId", value: "acme-1" },
      "Name is reserved",
    );
    await fixture.tellAccount(account(1));
    await fixture.settled();
    await fixture.send(
      "user:update",
      [1, 2].map((number) => buildUserMessage(user(number), { account: account(1) })),
    );
    await fixture.settled();
    return { fixture, heal };
  };

  test("brings its users along when it is replayed", async () => {
    const { fixture, heal } = await orphans();
    expect((await letters(fixture)).map(({ code }) => code)).toEqual(["refused", "parent_rejected", "parent_rejected"]);
    heal();
    const replay = await run(fixture, deadLetters, "replay", await idOf(fixture, account(1).id));
    expect(replay.out).toContain("Sent again: 3.");
    await fixture.settled();
    expect(fixture.companies()).toHaveLength(1);
    expect(fixture.endusers()).toHaveLength(2);
    expect(await letters(fixture)).toEqual([]);
  });

  test("and everything else is replayed once with --all, whatever brought it along", async () => {
    const { fixture, heal } = await orphans();
    heal();
    const before = (await fixture.connector.store.tally(fixture.tenantKey)).messages;
    const replay = await run(fixture, deadLetters, "replay", "--all", "--json");
    expect(JSON.parse(replay.out)).toEqual({ queued: 3, underway: 0, superseded: 0 });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(2);
    const { messages, outcomes } = await fixture.connector.store.tally(fixture.tenantKey);
    // The company's letter may be that of its own message or of the one that its users made.
    expect(messages - before).toBeGreaterThanOrEqual(2);
    expect(total(outcomes)).toBe(messages);
    expect((await run(fixture, deadLetters, "replay", "--all")).out).toBe("There was nothing to replay.");
  });

  test("is left out when --all is narrowed to another code", async () => {
    const { fixture } = await orphans();
    const replay = await run(fixture, deadLetters, "replay", "--all", "--code", "identity_alarm");
    expect(replay).toMatchObject({ code: 0, out: "There was nothing to replay." });
  });
});

describe("without a running server", () => {
  test("letters are read and replayed all the same, and delivered when it starts", async () => {
    const { fixture, heal } = await refuseOne();
    heal();
    await fixture.stopped(async () => {
      expect(await letters(fixture)).toHaveLength(1);
      const replay = await run(fixture, deadLetters, "replay", "--all");
      expect(replay.out).toContain("Delivered when the server starts.");
    });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(2);
    expect(await letters(fixture)).toEqual([]);
  });

  test("a second tool at once is told that another one is at work", async () => {
    const { fixture } = await refuseOne();
    await fixture.stopped(async () => {
      const first = await openAdmin({ dataDir: fixture.dataDir });
      expect(first.running).toBe(false);
      const second = await run(fixture, deadLetters, "list");
      expect(second).toMatchObject({
        code: 1,
        out: "",
        err: expect.stringContaining("another tool is at work") as string,
      });
      await first.close();
      expect((await run(fixture, deadLetters, "list")).code).toBe(0);
    });
    await fixture.settled();
  });

  test("a folder without a store is named, and not made", async () => {
    const fixture = await open();
    const wrong = { dataDir: join(fixture.dataDir, "elsewhere") };
    const list = await run(wrong, deadLetters, "list");
    expect(list).toMatchObject({ code: 1, out: "" });
    expect(list.err).toContain("There is no store in");
    expect(statSync(wrong.dataDir, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("tenants", () => {
  test("are listed with what waits, and without secrets", async () => {
    const { fixture } = await refuseOne();
    const list = await run(fixture, tenants, "list");
    expect(list.code).toBe(0);
    expect(list.out).toContain(fixture.tenantKey);
    for (const secret of [TOKEN, CONNECTOR.secret]) expect(list.out).not.toContain(secret);
  });

  test("are erased completely, and come back new with their next notification", async () => {
    const { fixture } = await refuseOne();
    const forget = await run(fixture, tenants, "forget", fixture.tenantKey, "--yes");
    expect(forget).toMatchObject({ code: 0, out: expect.stringContaining(`Erased ${fixture.tenantKey}`) as string });
    const { store } = fixture.connector;
    expect(await store.tenants()).toEqual([]);
    expect((await store.tally(fixture.tenantKey)).messages).toBe(0);
    expect(await letters(fixture)).toEqual([]);
    expect(await run(fixture, tenants, "forget", fixture.tenantKey, "--yes")).toMatchObject({ code: 1 });

    await fixture.tellUser({ ...user(2), indexed_at: minute(1) }, account(1));
    await fixture.settled();
    // Found in Planhat again, not made twice.
    expect(fixture.endusers()).toHaveLength(1);
    expect((await store.tally(fixture.tenantKey)).messages).toBe(1);
  });

  test("are erased while they are being delivered, and nothing of them is written afterwards", async () => {
    const fixture = await open();
    fixture.seed([account(1)], [user(1)]);
    fixture.planhat.faults.add({ kind: "latency", min: 300, max: 300, route: "PUT /endusers" });
    await fixture.tellUser(user(1), account(1));
    await fixture.until(() => fixture.written("endusers").length > 0);
    await run(fixture, tenants, "forget", fixture.tenantKey, "--yes");
    expect(await fixture.connector.store.lanes()).toEqual([]);
    expect(await fixture.connector.store.view(fixture.lane, "endusers", [user(1).id])).toEqual([{}]);
  });

  test("are not erased unless somebody agrees", async () => {
    const { fixture } = await refuseOne();
    expect(await run(fixture, tenants, "forget", fixture.tenantKey)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--yes") as string,
    });
    const ask = (answer: string) => (args: readonly string[], terminal: Terminal) =>
      tenants(args, { ...terminal, askBack: () => Promise.resolve(answer) });
    expect(await run(fixture, ask("yes"), "forget", fixture.tenantKey)).toMatchObject({
      code: 1,
      err: "Nothing was erased.",
    });
    expect(await fixture.connector.store.tenants()).toHaveLength(1);
    expect(await run(fixture, ask(fixture.tenantKey), "forget", fixture.tenantKey)).toMatchObject({ code: 0 });
  });
});

describe("a tool called in a wrong way", () => {
  test.each([
    [deadLetters, [], "No command"],
    [deadLetters, ["frobnicate", "x"], "no command frobnicate"],
    [deadLetters, ["show"], "cannot be used like this"],
    [deadLetters, ["replay"], "cannot be used like this"],
    [deadLetters, ["replay", "--all", "x"], "cannot be used like this"],
    [deadLetters, ["drop", "--all"], "--all belongs to replay"],
    [deadLetters, ["show", "x", "y"], "more than one id"],
    [deadLetters, ["show", "x", "--code", "refused"], "--code"],
    [deadLetters, ["list", "--limit", "many"], "--limit"],
    [deadLetters, ["list", "--frobnicate"], "--frobnicate"],
    [tenants, [], "No command"],
    [tenants, ["forget"], "<organization>/<connector id>"],
    [tenants, ["forget", "a/b", "c/d"], "more than one"],
  ] as const)("says how it is used: %#", async (tool, args, words) => {
    const said = await run({ dataDir: "/nowhere" }, tool, ...args);
    expect(said).toMatchObject({ code: 2, out: "" });
    expect(said.err).toContain(words);
    expect(said.err).toContain("Usage: npm run");
  });

  test.each([deadLetters, tenants])("explains itself when it is asked to: %#", async (tool) => {
    const { code, out } = await run({ dataDir: "/nowhere" }, tool, "--help");
    expect([code, out]).toEqual([0, expect.stringContaining("Usage")]);
  });
});
