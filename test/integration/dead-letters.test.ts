/** The command-line tools beside a running server: read, replay and drop dead letters; list and erase tenants. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { deadLetters } from "../../server/cli/dead-letters";
import { tenants } from "../../server/cli/tenants";
import type { DeadLetter, DeadLetterDetail } from "../../server/admin/commands";
import type { ExitCode, Terminal } from "../../server/cli/tool";
import { CONNECTOR, TOKEN } from "../harness";
import { account, minute, user, useStages, type Stage } from "../rules/stage";

const open = useStages();

interface Said {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a tool as a person would in the server's folder. */
async function run(
  stage: Pick<Stage, "dataDir">,
  tool: (args: readonly string[], terminal: Terminal) => Promise<ExitCode>,
  ...args: readonly string[]
): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await tool(args, {
    environment: { DATA_DIR: stage.dataDir },
    width: 200,
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function letters(stage: Stage, ...more: readonly string[]): Promise<readonly DeadLetter[]> {
  const { out } = await run(stage, deadLetters, "list", "--json", ...more);
  return JSON.parse(out) as readonly DeadLetter[];
}

async function idOf(stage: Stage, hullId: string): Promise<string> {
  const letter = (await letters(stage)).find((each) => each.hullId === hullId);
  if (letter === undefined) throw new Error(`${hullId} has no dead letter.`);
  return letter.id;
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Planhat refuses the first user for his position; the second arrives. */
async function refuseOne(): Promise<{ readonly stage: Stage; readonly heal: () => void; readonly id: string }> {
  const stage = await open();
  stage.seed([account(1)], [user(1), user(2)]);
  const heal = stage.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Position is odd");
  for (const number of [1, 2]) await stage.tellUser(user(number), account(1));
  await stage.settled();
  return { stage, heal, id: await idOf(stage, user(1).id) };
}

describe("a record that Planhat refuses", () => {
  test("is listed in one line, and shown with reason, payload and what to do", async () => {
    const { stage, id } = await refuseOne();
    const list = await run(stage, deadLetters, "list");
    expect(list).toMatchObject({ code: 0, err: "" });
    const lines = list.out.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^[0-9a-f]{12} {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}endusers {2}person-1@example\.com {2}refused/,
    );
    expect(lines[1]).toContain("Position is odd");

    const show = await run(stage, deadLetters, "show", id);
    expect(show.code).toBe(0);
    for (const part of [user(1).id, "rejected / refused", "Position is odd", '"position": "Engineer"', "What to do"]) {
      expect(show.out).toContain(part);
    }
    for (const secret of [TOKEN, CONNECTOR.secret]) expect(show.out).not.toContain(secret);
  });

  test("can be read by programs", async () => {
    const { stage } = await refuseOne();
    const [letter] = await letters(stage);
    expect(letter).toMatchObject({
      type: "endusers",
      hullId: user(1).id,
      name: "person-1@example.com",
      code: "refused",
    });
    const { out } = await run(stage, deadLetters, "show", letter?.id ?? "", "--json");
    const detail = JSON.parse(out) as DeadLetterDetail;
    expect(detail).toMatchObject({ attempts: 0, replayed: false, desired: { fields: { position: "Engineer" } } });
    expect(await letters(stage, "--code", "identity_alarm")).toEqual([]);
    expect(await letters(stage, "--type", "endusers", "--tenant", stage.tenantKey)).toHaveLength(1);
  });

  test("arrives when it is replayed after the cause was mended, and the letter closes", async () => {
    const { stage, heal, id } = await refuseOne();
    heal();
    const replay = await run(stage, deadLetters, "replay", id);
    expect(replay).toMatchObject({ code: 0, out: expect.stringContaining("Sent again: 1.") as string });
    await stage.settled();
    expect(stage.endusers().map((each) => each["externalId"])).toEqual(["person-2", "person-1"]);
    expect(stage.profile("user", user(1).id)["planhat/id"]).toBeDefined();
    expect(await letters(stage)).toEqual([]);
    expect(await stage.outcomes()).toEqual({ "endusers/sent/created": 2, "endusers/rejected/refused": 1 });
    expect((await stage.connector.store.tally(stage.tenantKey)).messages).toBe(3);
  });

  test("that is still refused keeps its letter, with the newest words", async () => {
    const { stage, heal, id } = await refuseOne();
    heal();
    stage.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Still odd");
    await run(stage, deadLetters, "replay", id);
    await stage.settled();
    const show = await run(stage, deadLetters, "show", id);
    expect(show.out).toContain("Still odd");
    expect(show.out).toMatch(/Replayed +yes/);
  });

  test("is closed by a later success of its own message", async () => {
    const { stage, heal } = await refuseOne();
    heal();
    await stage.tellUser({ ...user(1), indexed_at: minute(1) }, account(1));
    await stage.settled();
    expect(await letters(stage)).toEqual([]);
  });

  test("does not come back over a newer message when it is replayed", async () => {
    const { stage, heal, id } = await refuseOne();
    await stage.saveSettings({ contact_synchronized_segments: [] });
    await stage.tellUser({ ...user(1), indexed_at: minute(1) }, account(1));
    heal();
    expect((await run(stage, deadLetters, "replay", id)).out).toContain(
      "Closed, because Hull sent something newer: 1.",
    );
    await stage.settled();
    expect(stage.endusers()).toHaveLength(1);
    expect(await letters(stage)).toEqual([]);
  });

  test("can be dropped, and is not sent then", async () => {
    const { stage, heal, id } = await refuseOne();
    heal();
    const drop = await run(stage, deadLetters, "drop", id);
    expect(drop).toMatchObject({ code: 0, out: "Dropped: endusers person-1@example.com, refused." });
    await stage.settled();
    expect(stage.endusers()).toHaveLength(1);
    for (const name of ["show", "replay", "drop"]) {
      expect(await run(stage, deadLetters, name, id)).toMatchObject({ code: 1, out: "" });
    }
  });

  test("sends what differs and nothing that is equal", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    await stage.tellUser(user(1), account(1));
    await stage.settled();
    const heal = stage.planhat.poison({ type: "endusers", field: "name", value: "Refused" }, "no");
    await stage.tellUser({ ...user(1), name: "Refused", indexed_at: minute(1) }, account(1));
    await stage.settled();
    heal();
    const before = stage.written("endusers").length;
    await run(stage, deadLetters, "replay", await idOf(stage, user(1).id));
    await stage.settled();
    expect(stage.endusers()).toMatchObject([{ name: "Refused" }]);
    const [write] = stage.written("endusers").slice(before);
    expect(write).toMatchObject({ name: "Refused" });
    expect(write).not.toHaveProperty("position");
  });
});

describe("a company that Planhat refuses", () => {
  const orphans = async (): Promise<{ readonly stage: Stage; readonly heal: () => void }> => {
    const stage = await open();
    stage.seed([account(1)], [user(1), user(2)]);
    const heal = stage.planhat.poison({ type: "companies", field: "externalId", value: "acme-1" }, "Name is reserved");
    await stage.tellAccount(account(1));
    await stage.settled();
    await stage.send(
      "user:update",
      [1, 2].map((number) => buildUserMessage(user(number), { account: account(1) })),
    );
    await stage.settled();
    return { stage, heal };
  };

  test("brings its users along when it is replayed", async () => {
    const { stage, heal } = await orphans();
    expect((await letters(stage)).map(({ code }) => code)).toEqual(["refused", "parent_rejected", "parent_rejected"]);
    heal();
    const replay = await run(stage, deadLetters, "replay", await idOf(stage, account(1).id));
    expect(replay.out).toContain("Sent again: 3.");
    await stage.settled();
    expect(stage.companies()).toHaveLength(1);
    expect(stage.endusers()).toHaveLength(2);
    expect(await letters(stage)).toEqual([]);
  });

  test("and everything else is replayed once with --all, whatever brought it along", async () => {
    const { stage, heal } = await orphans();
    heal();
    const before = (await stage.connector.store.tally(stage.tenantKey)).messages;
    const replay = await run(stage, deadLetters, "replay", "--all", "--json");
    expect(JSON.parse(replay.out)).toEqual({ queued: 3, underway: 0, superseded: 0 });
    await stage.settled();
    expect(stage.endusers()).toHaveLength(2);
    const { messages, outcomes } = await stage.connector.store.tally(stage.tenantKey);
    // The company's letter may be that of its own message or of the one that its users made.
    expect(messages - before).toBeGreaterThanOrEqual(2);
    expect(total(outcomes)).toBe(messages);
    expect((await run(stage, deadLetters, "replay", "--all")).out).toBe("There was nothing to replay.");
  });

  test("is left out when --all is narrowed to another code", async () => {
    const { stage } = await orphans();
    const replay = await run(stage, deadLetters, "replay", "--all", "--code", "identity_alarm");
    expect(replay).toMatchObject({ code: 0, out: "There was nothing to replay." });
  });
});

describe("without a running server", () => {
  test("letters are read and replayed all the same, and delivered when it starts", async () => {
    const { stage, heal } = await refuseOne();
    heal();
    await stage.stopped(async () => {
      expect(await letters(stage)).toHaveLength(1);
      const replay = await run(stage, deadLetters, "replay", "--all");
      expect(replay.out).toContain("Delivered when the server starts.");
    });
    await stage.settled();
    expect(stage.endusers()).toHaveLength(2);
    expect(await letters(stage)).toEqual([]);
  });

  test("a folder without a store is named, and not made", async () => {
    const stage = await open();
    const wrong = { dataDir: join(stage.dataDir, "elsewhere") };
    const list = await run(wrong, deadLetters, "list");
    expect(list).toMatchObject({ code: 1, out: "" });
    expect(list.err).toContain("There is no store in");
    expect(statSync(wrong.dataDir, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("tenants", () => {
  test("are listed with what waits, and without secrets", async () => {
    const { stage } = await refuseOne();
    const list = await run(stage, tenants, "list");
    expect(list.code).toBe(0);
    expect(list.out).toContain(stage.tenantKey);
    for (const secret of [TOKEN, CONNECTOR.secret]) expect(list.out).not.toContain(secret);
  });

  test("are erased completely, and come back new with their next notification", async () => {
    const { stage } = await refuseOne();
    const forget = await run(stage, tenants, "forget", stage.tenantKey, "--yes");
    expect(forget).toMatchObject({ code: 0, out: expect.stringContaining(`Erased ${stage.tenantKey}`) as string });
    const { store } = stage.connector;
    expect(await store.tenants()).toEqual([]);
    expect((await store.tally(stage.tenantKey)).messages).toBe(0);
    expect(await letters(stage)).toEqual([]);
    expect(await run(stage, tenants, "forget", stage.tenantKey, "--yes")).toMatchObject({ code: 1 });

    await stage.tellUser({ ...user(2), indexed_at: minute(1) }, account(1));
    await stage.settled();
    // Found in Planhat again, not made twice.
    expect(stage.endusers()).toHaveLength(1);
    expect((await store.tally(stage.tenantKey)).messages).toBe(1);
  });

  test("are erased while they are being delivered, and nothing of them is written afterwards", async () => {
    const stage = await open();
    stage.seed([account(1)], [user(1)]);
    stage.planhat.faults.add({ kind: "latency", min: 300, max: 300, route: "PUT /endusers" });
    await stage.tellUser(user(1), account(1));
    await stage.until(() => stage.written("endusers").length > 0);
    await run(stage, tenants, "forget", stage.tenantKey, "--yes");
    expect(await stage.connector.store.lanes()).toEqual([]);
    expect(await stage.connector.store.view(stage.lane, "endusers", [user(1).id])).toEqual([{}]);
  });

  test("are not erased unless somebody agrees", async () => {
    const { stage } = await refuseOne();
    expect(await run(stage, tenants, "forget", stage.tenantKey)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--yes") as string,
    });
    const ask = (answer: string) => (args: readonly string[], terminal: Terminal) =>
      tenants(args, { ...terminal, askBack: () => Promise.resolve(answer) });
    expect(await run(stage, ask("yes"), "forget", stage.tenantKey)).toMatchObject({
      code: 1,
      err: "Nothing was erased.",
    });
    expect(await stage.connector.store.tenants()).toHaveLength(1);
    expect(await run(stage, ask(stage.tenantKey), "forget", stage.tenantKey)).toMatchObject({ code: 0 });
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
