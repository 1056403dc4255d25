/** A batch sends every record of its file, whatever filters and comparison say, and accounts for every row. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildUserMessage } from "../../simulators/hull";
import { deadLetterId } from "../../src/storage/port/dead-letters";
import {
  account,
  license,
  LICENSE_SETTINGS,
  OPEN_SETTINGS,
  people,
  useFixtures,
  user,
  type Bag,
  type Fixture,
} from "../fixture/fixture";
import {
  announce,
  begin,
  carryOut,
  csv,
  dam,
  expectExact,
  GROUP,
  logged,
  ndjson,
  publish,
  rowsOf,
  taken,
  userRow,
} from "../fixture/batches";

const open = useFixtures();

const OLD = "2020-01-01T00:00:00Z";
/** Newer than any request of these tests, and not too far ahead to be believed. */
const inFourMinutes = (): string => new Date(Date.now() + 4 * 60_000).toISOString();

const recorded = (name: string): Bag =>
  JSON.parse(readFileSync(join(__dirname, "../fixtures/extracts", name), "utf8")) as Bag;

async function seeded(
  fixture: Fixture,
  users: readonly Bag[],
  companies: readonly Bag[] = [account(1)],
): Promise<Fixture> {
  fixture.seed(companies, users);
  return Promise.resolve(fixture);
}

interface FileForm {
  readonly format: "json" | "csv";
  readonly gzip?: "file";
  readonly write: (rows: readonly Bag[]) => string;
}

describe("files of every kind", () => {
  const kinds = (["json", "csv"] as const).flatMap((format) =>
    ([undefined, "file", "transfer"] as const).map((gzip) => ({ format, gzip })),
  );

  test.each(kinds)("users as $format, gzip $gzip", async ({ format, gzip }) => {
    const fixture = await seeded(await open(), people(3));
    const rows = rowsOf(people(3)).map((row) => ({ ...row, segment_ids: ["s-1", "s-2"] }));
    const { url } = publish(fixture, rows, { format }, gzip === undefined ? {} : { gzip });
    const run = await fixture.ended(await begin(fixture, url, { format }));
    await fixture.settled();
    expect(run).toMatchObject({ state: "success", kind: "batch", type: "endusers" });
    expect(run.counts).toEqual({ "endusers/sent/created": 3 });
    expectExact(run, 3);
    const [company] = fixture.companies();
    expect(company).toMatchObject({ externalId: "acme-1" });
    expect(fixture.endusers().map(({ email, position, companyId }) => [email, position, companyId])).toEqual(
      people(3).map(({ email }) => [email, "Engineer", company?.["_id"]]),
    );
    expect(fixture.profile("user", user(1).id)["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
  });

  test.each(kinds)("accounts as $format, gzip $gzip", async ({ format, gzip }) => {
    const companies = [1, 2, 3].map((number) => account(number));
    const fixture = await seeded(await open(), [], companies);
    const { url } = publish(fixture, companies, { format }, gzip === undefined ? {} : { gzip });
    const run = await fixture.ended(await begin(fixture, url, { format, entity: "account" }));
    await fixture.settled();
    expect(run).toMatchObject({ state: "success", type: "companies", counts: { "companies/sent/created": 3 } });
    expectExact(run, 3);
    expect(fixture.companies().map(({ name }) => name)).toEqual(["Acme 1", "Acme 2", "Acme 3"]);
    expect(fixture.profile("account", account(1).id)["planhat/id"]).toBe(fixture.companies()[0]?.["_id"]);
  });

  const LIST = { format: "json", write: (rows: readonly Bag[]) => JSON.stringify(rows, undefined, 1) } as const;
  // More than a group where it matters how rows are cut out of the file; then also packed or with other separators.
  test.each([
    [
      "CSV with lines that end with CR",
      { format: "csv", write: (rows: readonly Bag[]) => csv(rows, ",", "\r") },
      GROUP + 3,
    ],
    ["CSV with semicolons", { format: "csv", write: (rows: readonly Bag[]) => `\ufeff${csv(rows, ";")}` }, 8],
    ["CSV with semicolons and CR", { format: "csv", write: (rows: readonly Bag[]) => csv(rows, ";", "\r") }, 8],
    ["CSV with tabs", { format: "csv", write: (rows: readonly Bag[]) => csv(rows, "\t", "\n") }, 8],
    ["JSON with lines that end with CR", { format: "json", write: (rows) => ndjson(rows).replaceAll("\n", "\r") }, 8],
    ["JSON in a list", LIST, GROUP + 3],
    ["JSON in a list, packed", { ...LIST, gzip: "file" }, 8],
  ] satisfies [string, FileForm, number][])("%s: what goes in is what Planhat holds", async (_name, form, count) => {
    const { write, ...file }: FileForm = form;
    const odd = (number: number): string => `"R&D", EMEA; north\tand\r\nsouth ${number}`;
    const users = people(count).map((each, at): Bag => ({ ...each, position: odd(at) }));
    const fixture = await seeded(await open(), users);
    const { url } = fixture.hull.publishExtract({ ...file, content: write(rowsOf(users)) });
    const run = await fixture.ended(await begin(fixture, url, file));
    await fixture.settled();
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": users.length } });
    expectExact(run, users.length);
    const held = fixture.endusers().map(({ externalId, email, position }) => [externalId, email, position]);
    expect(held).toEqual(users.map((each) => [each["external_id"], each["email"], each["position"]]));
  });

  test("an empty cell of a CSV file is no value: nothing is cleared", async () => {
    const fixture = await seeded(await open({ settings: { clear_on_null: true } }), people(2));
    await carryOut(fixture, rowsOf(people(2)));
    const [first = {}, second = {}] = rowsOf(people(2));
    await carryOut(fixture, [{ ...first, traits_position: null }, second], { format: "csv" });
    expect(fixture.endusers().map(({ position }) => position)).toEqual(["Engineer", "Engineer"]);
  });

  test.each([
    ["json", ""],
    ["json", "[]"],
    ["csv", ""],
    ["csv", "id;email\r"],
  ] as const)("an empty file is a batch of nobody (%s: %j)", async (format, content) => {
    const fixture = await open();
    const run = await fixture.ended(
      await begin(fixture, fixture.hull.publishExtract({ format, content }).url, { format }),
    );
    expect(run).toMatchObject({ state: "success", done: 0, counts: {} });
  });

  test("a user's row as Hull really wrote it", async () => {
    const row = recorded("row-user.segment-2018.json");
    const company = row["account"] as Bag;
    const fixture = await open();
    fixture.seed([company], [row]);
    const mapping = [{ hull_field_name: "email", service_field_name: "email" }];
    await fixture.saveSettings({ contact_attributes_outbound: mapping, account_attributes_outbound: [] });
    for (const format of ["json", "csv"] as const) {
      const run = await carryOut(fixture, [row], { format });
      expect(run.state).toBe("success");
      expectExact(run, 1);
    }
    expect(fixture.companies()).toMatchObject([{ externalId: company["external_id"] }]);
    expect(fixture.endusers()).toMatchObject([{ email: row["email"] }]);
    expect(fixture.profile("user", String(row["id"]))["planhat/id"]).toBe(fixture.endusers()[0]?.["_id"]);
  });

  test.each([
    ["request-user.segment-2018.json", "user", "/batch-accounts"],
    ["request-account.outreach-2018.json", "account", "/batch"],
  ])("the request of %s decides by its object type, whatever the path", async (name, entity, path) => {
    const fixture = await seeded(await open(), people(1));
    const { url } = publish(fixture, entity === "user" ? rowsOf(people(1)) : [account(1)]);
    const query = `organization=${fixture.hull.host}&ship=5f0000000000000000000001&secret=connector-secret-0001`;
    const answer = await fetch(`${fixture.baseUrl}${path}?${query}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...recorded(name), url }),
    });
    expect(answer.status).toBe(200);
    const { run } = (await answer.json()) as { readonly run: string };
    expect(await fixture.ended(run)).toMatchObject({ type: entity === "user" ? "endusers" : "companies", done: 1 });
    await fixture.settled();
  });
});

describe("what a batch passes by, and what it does not", () => {
  test("filters keep nobody out", async () => {
    const settings = { contact_synchronized_segments: [], account_synchronized_segments: ["customers"] };
    const fixture = await seeded(await open({ settings }), people(2), [account(1), account(2)]);
    expect((await carryOut(fixture, rowsOf(people(2)))).counts).toEqual({ "endusers/sent/created": 2 });
    const run = await carryOut(fixture, [account(1), account(2)], { entity: "account" });
    expect(run.counts).toEqual({ "companies/sent/created": 1, "companies/sent/updated": 1 });
  });

  test("what is equal is sent again, with every value", async () => {
    const fixture = await seeded(await open(), people(2));
    await fixture.tellAccount(account(1));
    for (const each of [user(1), user(2)]) await fixture.tellUser(each, account(1));
    await fixture.settled();
    fixture.planhat.tenant().edit("endusers", String(fixture.endusers()[0]?.["_id"]), { position: "By a person" });
    const before = { users: fixture.written("endusers").length, companies: fixture.written("companies").length };
    expect((await carryOut(fixture, rowsOf(people(2)))).counts).toEqual({ "endusers/sent/updated": 2 });
    expect((await carryOut(fixture, [account(1)], { entity: "account" })).counts).toEqual({
      "companies/sent/updated": 1,
    });
    const again = fixture.written("endusers").slice(before.users);
    expect(again).toHaveLength(2);
    expect(again[0]).toMatchObject({ name: "Person 1", email: "person-1@example.com", position: "Engineer" });
    expect(fixture.endusers()[0]).toMatchObject({ position: "Engineer" });
    expect(fixture.written("companies").slice(before.companies)).toMatchObject([{ name: "Acme 1" }]);
  });

  test("what Planhat's model demands is demanded of rows as well", async () => {
    const fixture = await seeded(await open(), people(4));
    const run = await carryOut(fixture, [
      userRow(user(1), account(1)),
      userRow(user(2, { email: null }), account(1)),
      userRow(user(3), account(1, { external_id: null })),
      userRow(user(4), {}),
    ]);
    expect(run.counts).toEqual({
      "endusers/sent/created": 1,
      "endusers/skipped/missing_email": 1,
      "endusers/skipped/missing_account_external_id": 1,
      "endusers/skipped/missing_account": 1,
    });
    expectExact(run, 4);
    const accounts = await carryOut(
      fixture,
      [account(1), account(2, { external_id: null }), account(3, { name: null })],
      { entity: "account" },
    );
    expect(accounts.counts).toEqual({
      "companies/sent/updated": 1,
      "companies/skipped/missing_account_external_id": 1,
      "companies/skipped/missing_name": 1,
    });
    expectExact(accounts, 3);
    expect(fixture.companies()).toHaveLength(1);
  });

  test("without a token its rows are skipped and counted", async () => {
    const fixture = await seeded(await open({ settings: { personal_acccess_token: "" } }), people(2));
    const run = await carryOut(fixture, rowsOf(people(2)));
    expect(run).toMatchObject({ state: "success", counts: { "endusers/skipped/missing_token": 2 } });
    expect(fixture.calls).toEqual([]);
  });

  test("one whom Planhat refuses leaves a dead letter and hurts nobody else", async () => {
    const fixture = await seeded(await open(), people(5));
    fixture.planhat.poison({ field: "externalId", value: "person-3" }, "Not welcome");
    const run = await carryOut(fixture, rowsOf(people(5)));
    expect(run).toMatchObject({
      state: "success",
      counts: { "endusers/sent/created": 4, "endusers/rejected/refused": 1 },
    });
    expect(await fixture.connector.store.deadLettersOf(fixture.lane)).toHaveLength(1);
  });
});

describe("versions: a row is as old as the request", () => {
  test("an older message that still waits is superseded, a newer one supersedes the row", async () => {
    const fixture = await seeded(await open(), people(2));
    const release = await dam(fixture);
    await fixture.tellUser(user(1, { position: "Older", indexed_at: OLD }), account(1));
    const { url } = publish(fixture, rowsOf([user(1, { position: "Row" }), user(2, { position: "Row" })]));
    const id = await begin(fixture, url);
    await taken(fixture, id, 2);
    await fixture.tellUser(user(2, { position: "Newer", indexed_at: inFourMinutes() }), account(1));
    await release();
    const run = await fixture.ended(id);
    expect(fixture.endusers().map(({ position }) => position)).toEqual(["Row", "Newer"]);
    expect(run.counts).toEqual({ "endusers/sent/created": 1, "endusers/superseded/newer_message": 1 });
    expectExact(run, 2);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 2, "endusers/superseded/newer_message": 2 });
  });

  test("a message older than the request that arrives after the batch changes nothing, however new its row claims to be", async () => {
    const fixture = await seeded(await open(), people(1));
    await carryOut(fixture, rowsOf([user(1, { position: "Row", indexed_at: "2099-01-01T00:00:00Z" })]));
    await fixture.deliverUser(user(1, { position: "Older", indexed_at: OLD }), account(1));
    expect(fixture.endusers()).toMatchObject([{ position: "Row" }]);
    await fixture.deliverUser(user(1, { position: "Newer", indexed_at: inFourMinutes() }), account(1));
    expect(fixture.endusers()).toMatchObject([{ position: "Newer" }]);
  });

  test("a record newer than the request is left alone", async () => {
    const fixture = await seeded(await open(), people(1));
    await fixture.deliverUser(user(1, { position: "Newer", indexed_at: inFourMinutes() }), account(1));
    const run = await carryOut(fixture, rowsOf([user(1, { position: "Row" })]));
    expect(run.counts).toEqual({ "endusers/superseded/newer_message": 1 });
    expect(fixture.endusers()).toMatchObject([{ position: "Newer" }]);
  });

  test("of two batches the later one wins", async () => {
    const fixture = await seeded(await open(), people(1));
    const release = await dam(fixture);
    const ids = [];
    for (const position of ["First", "Second"]) {
      const { url } = publish(fixture, rowsOf([user(1, { position })]));
      ids.push(await begin(fixture, url));
    }
    for (const id of ids) await taken(fixture, id, 1);
    await release();
    const runs = await Promise.all(ids.map((id) => fixture.ended(id)));
    expect(runs.map(({ counts }) => counts)).toEqual([
      { "endusers/superseded/newer_message": 1 },
      { "endusers/sent/created": 1 },
    ]);
    expect(fixture.endusers()).toMatchObject([{ position: "Second" }]);
  });
});

describe("every row has one outcome", () => {
  test("of a mixed file of several groups", async () => {
    const users = people(GROUP + 57);
    const fixture = await seeded(await open(), users);
    for (const each of users.slice(0, 5)) await fixture.tellUser(each, account(1));
    await fixture.settled();
    const lines = rowsOf(users).map((row, at) => {
      if (at % 50 === 7) return `{"id": "broken-${at}", `;
      if (at % 50 === 11) return JSON.stringify({ ...row, email: "" });
      if (at % 50 === 13) return JSON.stringify({ ...row, account: {} });
      return JSON.stringify(row);
    });
    const counts: Record<string, number> = {
      "endusers/rejected/invalid_message": lines.filter((line) => line.includes("broken-")).length,
      "endusers/skipped/missing_email": lines.filter((line) => line.includes('"email":""')).length,
      "endusers/skipped/missing_account": lines.filter((line) => line.includes('"account":{}')).length,
      "endusers/sent/updated": 5,
    };
    const others = Object.values(counts).reduce((total, count) => total + count, 0);
    const made = lines.length - others;
    counts["endusers/sent/created"] = made;
    const { url } = fixture.hull.publishExtract({ content: lines.join("\n") });
    const run = await fixture.ended(await begin(fixture, url));
    await fixture.settled();
    expect(run.counts).toEqual(counts);
    expectExact(run, lines.length);
    expect(fixture.planhat.books.snapshot().created).toMatchObject({
      companies: 1,
      endusers: made + 5,
    });
  });

  test.each([
    ["in one group", 5],
    ["in two groups", GROUP + 3],
  ])("the same user twice, %s: the later row counts", async (_name, between) => {
    const fixture = await seeded(await open(), people(between + 1));
    const release = await dam(fixture);
    const rows = rowsOf([user(1, { position: "First row" }), ...people(between, 2), user(1, { position: "Last row" })]);
    const id = await begin(fixture, publish(fixture, rows).url);
    await taken(fixture, id, rows.length);
    await release();
    const run = await fixture.ended(id);
    expectExact(run, rows.length);
    const why = between < GROUP ? "merged" : "newer_message";
    expect(run.counts).toEqual({ "endusers/sent/created": between + 1, [`endusers/superseded/${why}`]: 1 });
    expect(fixture.endusers().find(({ externalId }) => externalId === "person-1")).toMatchObject({
      position: "Last row",
    });
  });

  test("licenses of an account are counted beside its row", async () => {
    const companies = [
      account(1, { licenses: [license(1), license(2)] }),
      account(2, { licenses: [license(3), { product: "nameless" }] }),
      account(3, { external_id: null, licenses: [license(4)] }),
    ];
    const fixture = await seeded(await open({ settings: LICENSE_SETTINGS }), [], companies);
    const run = await carryOut(fixture, companies, { entity: "account" });
    expect(run.counts).toEqual({
      "companies/sent/created": 2,
      "companies/skipped/missing_account_external_id": 1,
      "licenses/sent/created": 3,
      "licenses/rejected/invalid_license": 1,
    });
    expectExact(run, 3 + 4);
  });

  test("a company that is made for its users is counted apart", async () => {
    const fixture = await seeded(await open(), people(2), [account(1), account(2)]);
    const run = await carryOut(fixture, [userRow(user(1), account(1)), userRow(user(2), account(2))]);
    expect(run.counts).toEqual({ "endusers/sent/created": 2 });
    expect(fixture.companies()).toHaveLength(2);
  });
});

describe("what happens to a row after the file was read counts in its run", () => {
  test("a newer message that a filter keeps out withdraws the row", async () => {
    const settings = { contact_synchronized_segments: ["customers"] };
    const fixture = await seeded(await open({ settings }), people(2));
    const release = await dam(fixture);
    const id = await begin(fixture, publish(fixture, rowsOf(people(2))).url);
    await taken(fixture, id, 2);
    await fixture.tellUser(user(1, { indexed_at: inFourMinutes() }), account(1));
    await release();
    const run = await fixture.ended(id);
    expect(run.counts).toEqual({ "endusers/sent/created": 1, "endusers/superseded/newer_message": 1 });
    expectExact(run, 2);
  });

  test("a user whom Hull deletes meanwhile ends forgotten", async () => {
    const fixture = await seeded(await open(), people(2));
    const release = await dam(fixture);
    const id = await begin(fixture, publish(fixture, rowsOf(people(2))).url);
    await taken(fixture, id, 2);
    await fixture.send("user:delete", [buildUserMessage(user(1), { account: account(1) })]);
    await release();
    const run = await fixture.ended(id);
    expect(run.counts).toEqual({ "endusers/sent/created": 1, "endusers/skipped/forgotten": 1 });
    expectExact(run, 2);
  });

  test("users whose company is refused end with it", async () => {
    const fixture = await seeded(await open(), people(3), [account(1), account(2)]);
    fixture.planhat.poison({ field: "externalId", value: "acme-2" }, "Not welcome");
    const run = await carryOut(fixture, [userRow(user(1), account(1)), ...rowsOf(people(2, 2), account(2))]);
    expect(run.counts).toEqual({ "endusers/sent/created": 1, "endusers/dead/parent_rejected": 2 });
    expectExact(run, 3);
  });

  test("the run ends when Hull knows, not before", async () => {
    const fixture = await seeded(await open(), people(2));
    const down = fixture.hull.faults.add({ kind: "status", status: 503, route: "POST /firehose" });
    const id = await begin(fixture, publish(fixture, rowsOf(people(2))).url);
    await fixture.until(() => fixture.endusers().length === 2);
    // Planhat has them; the run ends when Hull knows.
    expect((await fixture.run(id)).state).toBe("running");
    down.remove();
    expectExact(await fixture.ended(id), 2);
  });

  test("a dead letter that is sent again later is a new message, and not counted in the run a second time", async () => {
    const fixture = await seeded(await open(), people(3));
    const { store, deliveryWorker: lanes } = fixture.connector;
    const heal = fixture.planhat.poison({ field: "externalId", value: "person-2" }, "Not welcome");
    const run = await carryOut(fixture, rowsOf(people(3)), { verbose: true });
    heal();
    const deadLetters = await store.deadLettersOf(fixture.lane);
    expect(deadLetters).toHaveLength(1);
    for (const deadLetter of deadLetters) {
      expect(await store.replayDeadLetter(deadLetterId(deadLetter))).toMatchObject([{ state: "queued" }]);
    }
    lanes.wake(fixture.lane);
    await fixture.settled();
    expect(fixture.endusers()).toHaveLength(3);
    const after = await fixture.run(run.id);
    expectExact(after, 3);
    expect(after.counts).toEqual({ "endusers/sent/created": 2, "endusers/rejected/refused": 1 });
    expect(await store.reportLines(run.id, 0, 10)).toHaveLength(3);
  });
});

describe("bad rows", () => {
  const secretive = "very.private@example.com";

  test("are rejected with their number, without what stands in them", async () => {
    const fixture = await seeded(await open(), people(2));
    const [first, second] = rowsOf(people(2)).map((row) => JSON.stringify(row));
    const content = [first, `{"email": "${secretive}", `, `["${secretive}"]`, second].join("\n");
    const id = await begin(fixture, fixture.hull.publishExtract({ content }).url, { verbose: true });
    const run = await fixture.ended(id);
    await fixture.settled();
    expect(run.counts).toEqual({ "endusers/sent/created": 2, "endusers/rejected/invalid_message": 2 });
    expectExact(run, 4);
    const texts = (await fixture.connector.store.reportLines(id, 0, 10))
      .filter(({ outcome }) => outcome === "rejected")
      .map(({ text }) => text);
    expect(texts).toEqual([expect.stringContaining("Row 2 "), expect.stringContaining("Row 3 ")]);
    expect(JSON.stringify(texts)).not.toContain(secretive);
    expect(logged(fixture)).not.toContain(secretive);
    expect(logged(fixture)).toContain("Row 2 ");
  });

  test("of a CSV file too", async () => {
    const fixture = await seeded(await open(), people(3));
    const [header = "", ...lines] = csv(rowsOf(people(3))).split("\r\n");
    const content = [header, lines[0], `${secretive},too,few`, lines[1], lines[2]].join("\r\n");
    const { url } = fixture.hull.publishExtract({ content, format: "csv" });
    const run = await fixture.ended(await begin(fixture, url, { format: "csv" }));
    await fixture.settled();
    expect(run.counts).toEqual({ "endusers/sent/created": 3, "endusers/rejected/invalid_message": 1 });
    expect(logged(fixture)).toContain("Row 2 ");
    expect(logged(fixture)).not.toContain(secretive);
  });

  test("take no other account along, and none is lost in silence", async () => {
    const fixture = await open();
    fixture.planhat.poison({ field: "externalId", value: "acme-2" }, "Acme 2 is not welcome");
    const rows = [1, 2, 3, 4, 5].map((number) => JSON.stringify(account(number, number === 4 ? { name: "" } : {})));
    rows[2] = '{"id": "broken';
    const { url } = fixture.hull.publishExtract({ content: rows.join("\n") });
    const run = await fixture.ended(await begin(fixture, url, { entity: "account" }));
    await fixture.settled();
    expect(run.counts).toEqual({
      "companies/sent/created": 2,
      "companies/rejected/refused": 1,
      "companies/rejected/invalid_message": 1,
      "companies/skipped/missing_name": 1,
    });
    await fixture.restart();
    const reasons = fixture.logs
      .filter(({ level, message }) => level === "error" && message === "outgoing.account.error")
      .map(({ data }) => String(data?.["reason"]));
    for (const words of ["Acme 2 is not welcome", "Row 3 "]) {
      expect(reasons).toContainEqual(expect.stringContaining(words));
    }
  });

  test("rows without an id are rejected, each with its number in the file", async () => {
    const fixture = await seeded(await open(), people(2));
    const [first = {}, second = {}] = rowsOf(people(2));
    const { id: _, ...nameless } = second;
    const content = `not json\n${ndjson([first, nameless, { ...second, id: { a: 1 } }, second])}`;
    const id = await begin(fixture, fixture.hull.publishExtract({ content }).url, { verbose: true });
    const run = await fixture.ended(id);
    await fixture.settled();
    expect(run.counts).toEqual({ "endusers/sent/created": 2, "endusers/rejected/invalid_message": 3 });
    expectExact(run, 5);
    const texts = (await fixture.connector.store.reportLines(id, 0, 10))
      .filter(({ outcome }) => outcome === "rejected")
      .map(({ text }) => text);
    for (const number of [1, 3, 4]) expect(texts).toContainEqual(expect.stringContaining(`Row ${number}`));
  });

  test("a verbose run has one line for each record", async () => {
    const fixture = await seeded(await open(), people(GROUP + 5));
    const rows = [...rowsOf(people(GROUP + 5)), userRow(user(1), {}), { id: "x" }];
    const run = await carryOut(fixture, rows, { verbose: true });
    const lines = await fixture.connector.store.reportLines(run.id, 0, 1_000);
    expect(lines).toHaveLength(rows.length);
    const counted: Record<string, number> = {};
    for (const { type, outcome, code } of lines) {
      const name = `${type}/${outcome}/${code}`;
      counted[name] = (counted[name] ?? 0) + 1;
    }
    expect(counted).toEqual(run.counts);
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted((a, b) => a - b));
    expect((await carryOut(fixture, rows)).counts).not.toEqual({});
  });

  test("a run that was not asked for it has no report", async () => {
    const fixture = await seeded(await open(), people(2));
    const run = await carryOut(fixture, rowsOf(people(2)));
    expect(await fixture.connector.store.reportLines(run.id, 0, 10)).toEqual([]);
  });
});

describe("nothing that was answered is lost", () => {
  test("killed right after the answer, the batch is carried out", async () => {
    const fixture = await seeded(await open(), people(30));
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    const extract = publish(fixture, rowsOf(people(30)));
    const id = await begin(fixture, extract.url);
    await fixture.crash();
    down.remove();
    await fixture.settledWithHelp();
    const run = await fixture.ended(id);
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": 30 } });
    expectExact(run, 30);
    expect(fixture.endusers()).toHaveLength(30);
  });

  test("killed in the middle, it downloads again, skips what it has, and delivers every row", async () => {
    const users = people(2 * GROUP + 20);
    const fixture = await seeded(await open(), users);
    const down = fixture.planhat.faults.add({ kind: "status", status: 503 });
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: Math.floor(content.length * 0.97) });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, 2 * GROUP);
    extract.fail(undefined);
    await fixture.crash();
    expect((await fixture.run(id)).total).toBeGreaterThanOrEqual(2 * GROUP);
    down.remove();
    const run = await (async () => {
      await taken(fixture, id, users.length);
      await fixture.settledWithHelp();
      return fixture.ended(id);
    })();
    expect(run).toMatchObject({ state: "success", counts: { "endusers/sent/created": users.length } });
    expectExact(run, users.length);
    expect(extract.downloads).toBe(2);
    expect(fixture.endusers()).toHaveLength(users.length);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": users.length });
  });

  test("stopped in order in the middle, it goes on as well", async () => {
    const users = people(GROUP + 20);
    const fixture = await seeded(await open(), users);
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: Math.floor(content.length * 0.95) });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, GROUP);
    extract.fail(undefined);
    await fixture.restart();
    const run = await fixture.ended(id);
    await fixture.settled();
    expectExact(run, users.length);
    expect(run.counts).toEqual({ "endusers/sent/created": users.length });
  });

  test("a link that is dead after the restart ends the run at the first missing row; what came before is delivered", async () => {
    const users = people(GROUP + 20);
    const fixture = await seeded(await open(), users);
    const content = ndjson(rowsOf(users));
    const extract = fixture.hull.publishExtract({ content });
    extract.fail({ kind: "stall", afterBytes: Math.floor(content.length * 0.95) });
    const id = await begin(fixture, extract.url);
    await taken(fixture, id, GROUP);
    extract.fail({ kind: "status", status: 403 });
    await fixture.restart();
    const run = await fixture.ended(id);
    expect(run.state).toBe("error");
    expect(run.error).toContain("403");
    await fixture.settled();
    const { total = 0 } = await fixture.run(id);
    expect(total).toBeGreaterThanOrEqual(GROUP);
    expect(run.error).toContain(`The first missing row is row ${total + 1}.`);
    expectExact(await fixture.run(id), total);
    expect(fixture.endusers()).toHaveLength(total);
  });

  test("settings of a tenant that lost its token meanwhile do not stop the reading", async () => {
    const fixture = await seeded(await open(), people(2));
    const release = await dam(fixture);
    const id = await begin(fixture, publish(fixture, rowsOf(people(2))).url);
    await taken(fixture, id, 2);
    await fixture.saveSettings({ personal_acccess_token: "" });
    await fixture.saveSettings({ personal_acccess_token: OPEN_SETTINGS.personal_acccess_token });
    await release();
    expectExact(await fixture.ended(id), 2);
  });
});

describe("the link is a secret", () => {
  test("its signature stands in no log, no answer, and not in the store's files", async () => {
    const fixture = await seeded(await open(), people(2));
    const extract = publish(fixture, rowsOf(people(2)), {}, { name: "users.json" });
    const id = await begin(fixture, extract.url, { verbose: true });
    await fixture.ended(id);
    const broken = publish(fixture, rowsOf(people(2)), {}, { name: "gone.json" });
    broken.fail({ kind: "status", status: 404 });
    const failed = await begin(fixture, broken.url);
    expect((await fixture.ended(failed)).error).toContain("gone.json");
    const moved = publish(fixture, rowsOf(people(2)));
    moved.fail({ kind: "redirect", to: `https://elsewhere.example.com/x?X-Amz-Signature=${broken.signature}` });
    await fixture.ended(await begin(fixture, moved.url));
    await fixture.settled();

    const credentials = Buffer.from("5f0000000000000000000001:connector-secret-0001").toString("base64");
    const headers = { authorization: `Basic ${credentials}` };
    const api = async (path: string): Promise<string> => {
      const answer = await fetch(`${fixture.baseUrl}/api/internal/runs${path}?org=${fixture.hull.host}`, { headers });
      expect(answer.status).toBe(200);
      return answer.text();
    };
    const shown = [await api(""), await api(`/${id}`), await api(`/${failed}`), logged(fixture)].join("\n");
    expect(shown).toContain(failed);
    const stored = readFileSync(join(fixture.dataDir, "store", "data.mdb")).toString("latin1");
    for (const { signature } of [extract, broken, moved]) {
      expect(shown).not.toContain(signature);
      expect(stored).not.toContain(signature);
    }
    expect(stored).not.toContain("X-Amz-Signature");
    const order = (await fixture.run(id)).order ?? "";
    expect(order).not.toBe("");
    expect(order).not.toContain("users.json");
  });
});

test("an announcement with a wrong secret begins nothing", async () => {
  const fixture = await open();
  const extract = publish(fixture, rowsOf(people(1)));
  const connector = { id: "5f0000000000000000000001", secret: "another-secret" };
  expect((await announce(fixture, extract.url, { connector })).status).toBe(401);
  expect(extract.downloads).toBe(0);
});
