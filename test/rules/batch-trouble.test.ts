/** Everything that goes wrong with the file of a batch: the process survives, and what was read is accounted for. */
import type { PublishedExtract } from "../../simulators/hull";
import { account, CONNECTOR, OPEN_SETTINGS, people, useFixtures, user, type Fixture } from "../fixture/fixture";
import {
  announce,
  begin,
  expectExact,
  GROUP,
  isAlive,
  logged,
  ndjson,
  publish,
  rowsOf,
  taken,
  userRow,
} from "../fixture/batches";

const open = useFixtures();

const EXTRACTS = "GET /extracts/:name";

/** Calls back at the n-th request for a file, before it is answered. */
function atDownload(fixture: Fixture, number: number, work: () => void): void {
  let downloads = 0;
  fixture.hull.on("request", ({ route }) => {
    if (route === EXTRACTS && (downloads += 1) === number) work();
  });
}

/** Many requests for the health page, so that a reader that does not wait gets its turns. */
async function manyTurns(fixture: Fixture): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await isAlive(fixture);
}

describe("links that lead nowhere", () => {
  test.each([
    ["404", { kind: "status", status: 404 }, "404"],
    ["403", { kind: "status", status: 403 }, "403"],
    ["a page", { kind: "page", type: "text/html" }, "web page"],
    ["a page that calls itself JSON", { kind: "page" }, "page"],
    [
      "a redirect to a private address",
      { kind: "redirect", to: "http://10.0.0.1:8080/x?token=t0ken" },
      "10.0.0.1:8080",
    ],
    ["a redirect to the host's metadata", { kind: "redirect", to: "http://169.254.169.254/latest" }, "169.254.169.254"],
    ["a redirect to a file", { kind: "redirect", to: "file:///etc/passwd" }, "file:"],
  ] as const)("%s ends the run at once, with what to do", async (_name, fault, words) => {
    const fixture = await open();
    const extract = publish(fixture, rowsOf(people(3)));
    extract.fail(fault);
    const id = await begin(fixture, extract.url);
    const run = await fixture.ended(id);
    expect(run).toMatchObject({ state: "error", done: 0, counts: {} });
    expect(run.error).toContain(words);
    expect(run.error).toContain("The first missing row is row 1.");
    expect(extract.downloads).toBe(1);
    expect(logged(fixture)).not.toContain(extract.signature);
    expect(logged(fixture)).not.toContain("t0ken");
    await fixture.until(() =>
      fixture.logs.some(({ message, data }) => message === "incoming.job.error" && data?.["run"] === id),
    );
    await isAlive(fixture);
  });

  test.each([
    "http://10.0.0.1/x?s=t0ken",
    "https://169.254.169.254/latest?s=t0ken",
    "http://localhost/x?s=t0ken",
    "https://[::1]/x?s=t0ken",
    "file:///etc/passwd?s=t0ken",
    "t0ken",
  ])("%s is refused before anything begins", async (url) => {
    const fixture = await open();
    const answer = await announce(fixture, url);
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain("t0ken");
    expect(logged(fixture)).not.toContain("t0ken");
    expect(await fixture.connector.store.runs({ tenant: fixture.tenantKey, limit: 10 })).toEqual([]);
  });

  test("a storage that is down for a while is tried again", async () => {
    const fixture = await open();
    const extract = publish(fixture, rowsOf(people(3)));
    extract.fail({ kind: "status", status: 503 });
    atDownload(fixture, 4, () => extract.fail(undefined));
    const run = await fixture.ended(await begin(fixture, extract.url));
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": 3 } });
    expect(extract.downloads).toBe(4);
    expect(fixture.logs.some(({ message }) => message === "incoming.job.warning")).toBe(true);
    await fixture.settled();
  });

  test("a storage that stays down ends the run, and it can be sent again", async () => {
    const fixture = await open();
    const extract = publish(fixture, rowsOf(people(3)));
    extract.fail({ kind: "status", status: 503 });
    expect(await fixture.ended(await begin(fixture, extract.url))).toMatchObject({ state: "error", done: 0 });
    extract.fail(undefined);
    expectExact(await fixture.ended(await begin(fixture, extract.url)), 3);
    await fixture.settled();
  });
});

describe("downloads that break off", () => {
  const users = people(GROUP + 50);

  function broken(fixture: Fixture, fail: (extract: PublishedExtract, bytes: number) => void): PublishedExtract {
    fixture.seed([account(1)], users);
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    fail(extract, content.length);
    return extract;
  }

  test("are resumed where they broke", async () => {
    const fixture = await open();
    const extract = broken(fixture, (each, bytes) => each.fail({ kind: "cut", afterBytes: Math.floor(bytes * 0.9) }));
    atDownload(fixture, 2, () => extract.fail(undefined));
    const run = await fixture.ended(await begin(fixture, extract.url));
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": users.length } });
    expectExact(run, users.length);
    expect(extract.downloads).toBe(2);
    await fixture.settled();
  });

  test("are resumed even if every one gets only a little further", async () => {
    const fixture = await open();
    let cutAt = 0;
    const extract = broken(fixture, (each, bytes) => {
      fixture.hull.on("request", ({ route }) => {
        if (route !== EXTRACTS) return;
        cutAt += Math.ceil(bytes / 12);
        each.fail(cutAt < bytes ? { kind: "cut", afterBytes: cutAt } : undefined);
      });
    });
    const run = await fixture.ended(await begin(fixture, extract.url));
    expectExact(run, users.length);
    expect(run.state).toBe("success");
    await fixture.settled();
  });

  test("again and again at the same place end the run there; what came before is delivered", async () => {
    const fixture = await open();
    const extract = broken(fixture, (each, bytes) => each.fail({ kind: "cut", afterBytes: Math.floor(bytes * 0.9) }));
    const id = await begin(fixture, extract.url);
    const run = await fixture.ended(id);
    await fixture.settled();
    const { total = 0 } = run;
    expect(run.state).toBe("error");
    expect(total).toBeGreaterThanOrEqual(GROUP);
    expect(run.error).toContain(`The first missing row is row ${total + 1}.`);
    expectExact(await fixture.run(id), total);
    expect(fixture.endusers()).toHaveLength(total);
    await isAlive(fixture);
  });
});

test("a line of 20 MB, four times what a row may have, is a bad row among good ones", async () => {
  const fixture = await open();
  const megabyte = Buffer.alloc(1_000_000, "x");
  const [first = {}, second = {}] = rowsOf(people(2));
  const extract = fixture.hull.publishExtract({
    content: function* () {
      yield ndjson([first]);
      for (let count = 0; count < 20; count += 1) yield megabyte;
      yield `\n${ndjson([second])}`;
    },
  });
  const run = await fixture.ended(await begin(fixture, extract.url));
  expect(run).toMatchObject({
    state: "success",
    counts: { "endusers/sent/created": 2, "endusers/rejected/invalid_message": 1 },
  });
  expectExact(run, 3);
  expect(logged(fixture)).toContain("Row 2 is longer than");
  expect(logged(fixture).length).toBeLessThan(1_000_000);
  await fixture.settled();
});

test("a row that nests 200,000 levels deep is a bad row among good ones", async () => {
  const fixture = await open();
  const [first = {}, second = {}] = rowsOf(people(2));
  const deep = `{"id":"deep","traits_x":${"[".repeat(200_000)}${"]".repeat(200_000)}}\n`;
  const extract = fixture.hull.publishExtract({ content: ndjson([first]) + deep + ndjson([second]) });
  const run = await fixture.ended(await begin(fixture, extract.url));
  expect(run).toMatchObject({
    state: "success",
    counts: { "endusers/sent/created": 2, "endusers/rejected/invalid_message": 1 },
  });
  expectExact(run, 3);
  expect(logged(fixture)).toContain("Row 2 nests deeper than 64 levels.");
  await fixture.settled();
});

describe("rows that cannot be read", () => {
  const QUIET = { environment: { LOG_LEVEL: "info" } };
  const linesAbout = (fixture: Fixture, code: string): number =>
    fixture.logs.filter(({ data }) => data?.["code"] === code).length;
  const warnings = (fixture: Fixture): readonly unknown[] =>
    fixture.logs.filter(({ message }) => message === "incoming.job.warning").map(({ data }) => data?.["reason"]);

  test.each(["x", "{}"])("10,000 of them in a row (%s) end the run after 1,000, and fill no log", async (bad) => {
    const fixture = await open(QUIET);
    const users = people(GROUP + 50);
    fixture.seed([account(1)], users);
    const extract = fixture.hull.publishExtract({ content: ndjson(rowsOf(users)) + `${bad}\n`.repeat(10_000) });
    const id = await begin(fixture, extract.url);
    const run = await fixture.ended(id);
    const read = 2 * GROUP + 1_000;
    expect(run.state).toBe("error");
    expect(run.error).toContain(`None of the last 1000 rows (of ${read}) could be read`);
    expect(run.error).toContain("Check that it is a file of users in JSON");
    expect(extract.downloads).toBe(1);
    await fixture.settled();
    const after = await fixture.run(id);
    expect(after.counts).toEqual({
      "endusers/sent/created": users.length,
      "endusers/rejected/invalid_message": read - users.length,
    });
    expectExact(after, read);
    expect(linesAbout(fixture, "invalid_message")).toBe(10);
    expect(warnings(fixture)).toEqual([`${read - users.length - 10} more rows cannot be read.`]);
    await isAlive(fixture);
  });

  test("may stand among good ones as often as they like", async () => {
    const fixture = await open(QUIET);
    const pair = `x\n${ndjson(rowsOf(people(1)))}`;
    const { url } = fixture.hull.publishExtract({ content: pair.repeat(1_100) });
    const run = await fixture.ended(await begin(fixture, url));
    expect(run).toMatchObject({ state: "success", counts: { "endusers/rejected/invalid_message": 1_100 } });
    expectExact(run, 2_200);
    expect(linesAbout(fixture, "invalid_message")).toBe(10);
    await fixture.settled();
  });
});

describe("files that nobody can read", () => {
  const EMAIL = "ada@example.com";
  const NO_ROWS = "None of its rows could be read.";

  test.each<[string, "json" | "csv", string | Buffer, rows: number, words: string]>([
    [
      "another separator",
      "csv",
      `id|email\n1|${EMAIL}\n`,
      0,
      'no comma, semicolon or tab, but a "|", and names no "id"',
    ],
    [
      "no header",
      "csv",
      `1;Ada;${EMAIL}\r2;Grace;g@example.com\r`,
      0,
      '3 cells separated by semicolons, names no "id"',
    ],
    ["UTF-16", "csv", Buffer.from(`\ufeffid,email\n1,${EMAIL}`, "utf16le"), 0, "it is UTF-16"],
    ["a page", "csv", "<html><p>Sign in.</p></html>", 0, "a page or a document with tags"],
    ["lines that end otherwise than the header", "csv", `id,email\n1,${EMAIL}\r2,x\r`, 1, "differ from the header's"],
    ["an error as JSON", "json", `{"error":"Expired: ${EMAIL}"}`, 1, 'an object without "id", but with "error".'],
    ["rows within an object", "json", `{"data":[{"id":"1","email":"${EMAIL}"}]}`, 1, 'but with "data".'],
    ["UTF-16 as JSON", "json", Buffer.from(`\ufeff{"id":"1","email":"${EMAIL}"}`, "utf16le"), 0, "it is UTF-16"],
    ["CSV as JSON", "json", `id,email\n1,${EMAIL}\n`, 2, "Row 1 is not valid JSON."],
    ["an object on several lines", "json", `{\n"id":1,\n"email":"${EMAIL}"\n}\n`, 4, "Row 1 breaks off in the middle"],
    ["rows without id", "json", `[{"email":"${EMAIL}"},{"email":"x"}]`, 2, 'Row 1 is an object without "id".'],
  ])("%s (%s): the run ends with an error that says so", async (_name, format, content, rows, words) => {
    const fixture = await open();
    const { url } = fixture.hull.publishExtract({ format, content });
    const id = await begin(fixture, url, { format });
    const run = await fixture.ended(id);
    expect(run.state).toBe("error");
    expect(run.error).toContain(words);
    if (rows > 0) {
      expect(run.error).toContain(rows === 1 ? NO_ROWS : `None of its ${rows} rows could be read.`);
      expect(run.error).toContain(`Check that it is a file of users in ${format.toUpperCase()}`);
    }
    expect(run.error).toContain("end the batch from Hull again.");
    expect(run.counts).toEqual(rows === 0 ? {} : { "endusers/rejected/invalid_message": rows });
    await fixture.until(() => fixture.logs.some(({ message }) => message === "incoming.job.error"));
    expect(fixture.logs.find(({ message }) => message === "incoming.job.error")?.data?.["error"]).toBe(run.error);
    const credentials = Buffer.from(`${CONNECTOR.id}:${CONNECTOR.secret}`).toString("base64");
    const answer = await fetch(`${fixture.baseUrl}/api/internal/runs/${id}?org=${fixture.hull.host}`, {
      headers: { authorization: `Basic ${credentials}` },
    });
    expect(await answer.json()).toMatchObject({ state: "error", error: run.error });
    expect(run.error).not.toContain(EMAIL);
    expect(logged(fixture)).not.toContain(EMAIL);
  });

  test("a list that breaks off gives the rows that it has, and ends with an error", async () => {
    const fixture = await open();
    const { url } = fixture.hull.publishExtract({ content: JSON.stringify(rowsOf(people(3))).slice(0, -1) });
    const run = await fixture.ended(await begin(fixture, url));
    await fixture.settled();
    expect(run.state).toBe("error");
    expect(run.error).toContain("its list of rows is never closed");
    expect(run.error).toContain("The first missing row is row 4.");
    expect(fixture.endusers()).toHaveLength(3);
  });

  test("one that cannot be read goes on after a restart to the same end", async () => {
    const fixture = await open();
    const content = `${"x\n".repeat(GROUP)}${"y\n".repeat(50)}`;
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: content.length - 10 });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, GROUP);
    extract.fail(undefined);
    await fixture.restart();
    const run = await fixture.ended(id);
    expect(run).toMatchObject({ state: "error", counts: { "endusers/rejected/invalid_message": GROUP + 50 } });
    expect(run.error).toContain(`None of its ${GROUP + 50} rows could be read.`);
  });
});

test("a batch of large rows lets others have their answers before it is done", async () => {
  const fixture = await open();
  const users = people(20);
  fixture.seed([account(1)], users);
  const notes = "x".repeat(4_400_000);
  const extract = fixture.hull.publishExtract({
    content: function* () {
      for (const row of rowsOf(users)) yield ndjson([{ ...row, traits_notes: notes }]);
    },
  });
  const id = await begin(fixture, extract.url);
  await taken(fixture, id, 1);
  await isAlive(fixture);
  expect((await fixture.run(id)).total).toBeLessThan(users.length);
  expectExact(await fixture.ended(id), users.length);
  await fixture.settled();
});

describe("back-pressure", () => {
  test("a batch reads no further while Planhat takes nothing", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
    const users = people(GROUP + 20);
    fixture.seed([account(1)], users);
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    const extract = publish(fixture, rowsOf(users));
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, 1);
    await manyTurns(fixture);
    expect((await fixture.run(id)).total).toBe(GROUP);
    expect((await fixture.connector.store.depth(fixture.lane)).outbox).toBeLessThanOrEqual(GROUP + 1);
    down.remove();
    const release = fixture.until(async () => {
      await fixture.settledWithHelp();
      return (await fixture.run(id)).state === "success";
    });
    await release;
    expectExact(await fixture.run(id), users.length);
  });

  test("an endless file is read no further than the outbox allows, and ends with the connector", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    const extract = publish(fixture, rowsOf(people(GROUP)));
    extract.fail({ kind: "endless" });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, GROUP);
    // The system takes some megabytes of it at its own pace; without a bound this would never end.
    for (let sent = -1; sent !== extract.sentBytes;) {
      sent = extract.sentBytes;
      await manyTurns(fixture);
    }
    expect((await fixture.run(id)).total).toBe(GROUP);
    // Closes in the middle of it, or this would never resolve.
    await fixture.stopped(() => {
      extract.fail(undefined);
      down.remove();
      return Promise.resolve();
    });
    const run = await fixture.ended(id);
    await fixture.settledWithHelp();
    expect(run.state).toBe("success");
    expectExact(await fixture.run(id), GROUP);
  });

  test("an endless file that is read as fast as it comes ends with the connector, too", async () => {
    const fixture = await open();
    const extract = publish(fixture, rowsOf(people(5)));
    extract.fail({ kind: "endless" });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, 2 * GROUP);
    await isAlive(fixture);
    await fixture.stopped(() => {
      extract.fail(undefined);
      return Promise.resolve();
    });
    const run = await fixture.ended(id);
    await fixture.settled();
    const after = await fixture.run(id);
    expectExact(after, after.total ?? -1);
    expect(run.state).toBe("success");
  });
});

describe("several batches", () => {
  test("of one tenant are read one after the other, in their order", async () => {
    const size = GROUP + 20;
    const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    const extracts = [0, 1, 2].map((part) => publish(fixture, rowsOf(people(size, part * 100 + 1))));
    const order: number[] = [];
    const names = extracts.map(({ url }) => new URL(url).pathname);
    fixture.hull.on("request", ({ route, path }) => {
      if (route === EXTRACTS) order.push(names.indexOf(path));
    });
    const ids: string[] = [];
    for (const { url } of extracts) ids.push(await begin(fixture, url));
    await taken(fixture, ids[0] ?? "", GROUP);
    await manyTurns(fixture);
    const states = await Promise.all(ids.map(async (id) => (await fixture.run(id)).state));
    expect(states).toEqual(["running", "waiting", "waiting"]);
    expect(extracts.map(({ downloads }) => downloads)).toEqual([1, 0, 0]);
    down.remove();
    await fixture.until(async () => {
      await fixture.settledWithHelp();
      return (await Promise.all(ids.map((id) => fixture.run(id)))).every(({ state }) => state === "success");
    });
    expect(order).toEqual([0, 1, 2]);
    for (const id of ids) expectExact(await fixture.run(id), size);
    expect(fixture.endusers()).toHaveLength(2 * 100 + size);
  });

  test("the order outlives a restart", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
    const stalled = publish(fixture, rowsOf(people(3)));
    stalled.fail({ kind: "stall", afterBytes: 10 });
    const second = publish(fixture, rowsOf([user(1, { position: "Second" })]));
    const ids = [await begin(fixture, stalled.url), await begin(fixture, second.url)];
    await fixture.until(() => stalled.downloads === 1);
    expect(second.downloads).toBe(0);
    stalled.fail(undefined);
    await fixture.restart();
    const runs = [];
    for (const id of ids) runs.push(await fixture.ended(id));
    await fixture.settled();
    expect(runs.map(({ done }) => done)).toEqual([3, 1]);
    expect(fixture.endusers().find(({ externalId }) => externalId === "person-1")).toMatchObject({
      position: "Second",
    });
  });

  test("of two tenants go side by side", async () => {
    const fixture = await open();
    const other = { id: "5f0000000000000000000002", secret: "connector-secret-0002" };
    fixture.hull.addConnector({ ...other, privateSettings: { ...OPEN_SETTINGS } });
    const stalled = publish(fixture, rowsOf(people(3)));
    stalled.fail({ kind: "stall", afterBytes: 10 });
    const first = await begin(fixture, stalled.url, { connector: CONNECTOR });
    await fixture.until(() => stalled.downloads === 1);
    const second = await begin(fixture, publish(fixture, rowsOf(people(3, 4))).url, { connector: other });
    expect(await fixture.ended(second)).toMatchObject({ state: "success", done: 3 });
    expect((await fixture.run(first)).state).toBe("running");
    stalled.fail(undefined);
    await fixture.restart();
    expect(await fixture.ended(first)).toMatchObject({ state: "success", done: 3 });
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(6);
  });
});

describe("stop_on_error", () => {
  const bad = "not a row";

  test("ends at the first rejected row and says from where on nothing was read", async () => {
    const fixture = await open();
    const users = people(GROUP + 20);
    fixture.seed([account(1)], users);
    const lines = rowsOf(users).map((row) => JSON.stringify(row));
    lines[10] = bad;
    const extract = fixture.hull.publishExtract({ content: lines.join("\n") });
    const id = await begin(fixture, extract.url, { stopOnError: true });
    const run = await fixture.ended(id);
    expect(run.state).toBe("stopped");
    expect(run.error).toContain("endusers/rejected/invalid_message");
    expect(run.error).toContain(`${GROUP} rows had been read`);
    await fixture.settled();
    expectExact(await fixture.run(id), GROUP);
    expect(fixture.endusers()).toHaveLength(GROUP - 1);
    expect(extract.downloads).toBe(1);
    await fixture.restart();
    expect((await fixture.run(id)).state).toBe("stopped");
    expect(extract.downloads).toBe(1);
  });

  test("without it the run goes on", async () => {
    const fixture = await open();
    const lines = rowsOf(people(3)).map((row) => JSON.stringify(row));
    const { url } = fixture.hull.publishExtract({ content: [bad, ...lines].join("\n") });
    expect(await fixture.ended(await begin(fixture, url))).toMatchObject({ state: "success", done: 4 });
    await fixture.settled();
  });

  test("skipped, unchanged and superseded records do not stop it", async () => {
    const fixture = await open();
    const rows = [userRow(user(1), {}), ...rowsOf(people(3)), ...rowsOf(people(3))];
    const run = await fixture.ended(await begin(fixture, publish(fixture, rows).url, { stopOnError: true }));
    expect(run).toMatchObject({ state: "success", done: rows.length });
    await fixture.settled();
  });

  test("a record that Planhat refuses while the file is read stops it before another group is taken", async () => {
    const fixture = await open({ environment: { MAX_OUTBOX: "50" } });
    const users = people(2 * GROUP);
    fixture.seed([account(1)], users);
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "Not welcome");
    const id = await begin(fixture, publish(fixture, rowsOf(users)).url, { stopOnError: true });
    const run = await fixture.ended(id);
    expect(run.state).toBe("stopped");
    expect(run.error).toContain("endusers/rejected/refused");
    await fixture.settled();
    expect(run.error).toContain(`${GROUP} rows had been read`);
    expectExact(await fixture.run(id), GROUP);
  });

  test("a record that Planhat refuses after the last row was read leaves no run that calls itself a success", async () => {
    const fixture = await open();
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "Not welcome");
    const run = await fixture.ended(
      await begin(fixture, publish(fixture, rowsOf(people(5))).url, { stopOnError: true }),
    );
    await fixture.settled();
    expect(run.counts).toEqual({ "endusers/sent/created": 4, "endusers/rejected/refused": 1 });
    expect(run.state).toBe("stopped");
  });

  test("an error in the last rows speaks of no rows that there are not", async () => {
    const fixture = await open();
    const lines = [...rowsOf(people(3)).map((row) => JSON.stringify(row)), bad];
    const { url } = fixture.hull.publishExtract({ content: lines.join("\n") });
    const run = await fixture.ended(await begin(fixture, url, { stopOnError: true }));
    await fixture.settled();
    expect(run.state).toBe("stopped");
    expect(run.error).toContain("4 rows had been read");
  });
});

describe("a tenant that is erased in the middle", () => {
  async function expectNothingLeft(fixture: Fixture): Promise<void> {
    await fixture.restart();
    expect(await fixture.connector.store.openRuns()).toEqual([]);
    expect(logged(fixture)).not.toContain("connector.job.error");
    await isAlive(fixture);
  }

  test("takes its batch along, and the process lives on", async () => {
    const fixture = await open();
    const extract = publish(fixture, rowsOf(people(3)));
    extract.fail({ kind: "stall", afterBytes: 10 });
    const id = await begin(fixture, extract.url);
    await fixture.until(() => extract.downloads === 1);
    await fixture.connector.store.forgetTenant(fixture.tenantKey);
    await fixture.until(async () => (await fixture.connector.store.run(id)) === undefined);
    extract.fail(undefined);
    await expectNothingLeft(fixture);
  });

  test.each([false, true])("between the download and the taking in, too (simulated: %p)", async (simulate) => {
    const fixture = await open();
    const { store } = fixture.connector;
    const asked = jest.spyOn(store, "run");
    let isForgotten = false;
    fixture.hull.on("request", async ({ route }) => {
      if (route !== EXTRACTS) return;
      await store.forgetTenant(fixture.tenantKey);
      asked.mockClear();
      isForgotten = true;
    });
    const id = await begin(fixture, publish(fixture, rowsOf(people(3))).url, { simulate, verbose: true });
    await fixture.until(() => isForgotten && asked.mock.calls.some(([run]) => run === id));
    await expectNothingLeft(fixture);
    expect(await fixture.connector.store.reportLines(id, 0, 5)).toEqual([]);
  });
});
