/** The command-line tools in processes of their own, beside the server in a process of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePopulation, seedProfiles, userMessages } from "../../simulators/hull";
import type { DeadLetter } from "../../server/admin/dead-letters";
import { CONNECTOR, sum, TOKEN } from "../fixture/fixture";
import { useProcessFixtures } from "../fixture/process";
import { runTool } from "./tool-process";

const fixtures = useProcessFixtures();

const run = (folder: string, tool: "dead-letters" | "tenants", ...args: readonly string[]) =>
  runTool(tool, folder, args);

test("what was refused is read beside the running server, replayed without it, and arrives", async () => {
  const fixture = await fixtures.open({ seed: 11 });
  const { hull, planhat, server, dataDir: folder } = fixture;
  const population = generatePopulation({ seed: 11, users: 40, companies: 4 });
  seedProfiles(population, hull.profiles);
  const victims = population.users.slice(0, 3).map((user) => user.external_id);
  const heal = planhat.poison((fields) => victims.includes(String(fields["externalId"])), "Out of the question");
  await hull.send(fixture.url, {
    connectorId: CONNECTOR.id,
    channel: "user:update",
    messages: userMessages(population),
  });

  const deadLetters = async (): Promise<readonly DeadLetter[]> =>
    JSON.parse((await run(folder, "dead-letters", "list", "--json")).out) as readonly DeadLetter[];
  // The others are there: now it is worth starting a process for every look.
  await fixture.reached(() => planhat.snapshot().endusers.length === 37);
  let refused = await deadLetters();
  while (refused.length < 3) refused = await deadLetters();
  const shown = await run(folder, "dead-letters", "show", refused[0]?.id ?? "");
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toContain("Out of the question");
  const list = await run(folder, "tenants", "list");
  expect(list).toMatchObject({ code: 0, err: "" });
  for (const secret of [TOKEN, CONNECTOR.secret]) expect(list.out + shown.out).not.toContain(secret);

  await server.stop();
  heal();
  expect(await run(folder, "dead-letters", "replay", "--all")).toMatchObject({
    code: 0,
    out: "Sent again: 3. Delivered when the server starts.\n",
  });
  await server.start();
  const arrived = (): boolean => planhat.snapshot().endusers.length === 40;
  const remains = await fixture.drained(arrived);
  expect(remains).toMatchObject({ lanes: [], deadLetters: 0, tally: { messages: 43 } });
  expect(sum(remains.tally.outcomes)).toBe(43);
});

test("a tool without a store, or called in a wrong way, ends with a sentence and its code", async () => {
  const folder = mkdtempSync(join(tmpdir(), "connector-tools-"));
  try {
    expect(await run(folder, "dead-letters", "list")).toMatchObject({
      code: 1,
      out: "",
      err: `There is no store in ${folder}. Set DATA_DIR to the data folder of the server.\n`,
    });
    expect(await run(folder, "tenants", "forget", "acme.hullapp.io/1")).toMatchObject({ code: 2, out: "" });
    expect(await run(folder, "dead-letters", "--help")).toMatchObject({ code: 0, err: "" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
