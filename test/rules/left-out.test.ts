/** What Hull cannot hold is left out, reported, and told as soon as it fits: on both ways back. */
import { ask } from "../integration/asking";
import { company, COUNT, putCompany, useFullPlanhat } from "../fixture/lists";
import { account, minute, user, type Fixture } from "../fixture/fixture";

const { open, openFull, openKnown } = useFullPlanhat();

const LONG = "private words ".repeat(200);
const MANY = Array.from({ length: 60 }, (_, index) => `tag ${index}`);
const COUNTER = /^connector_values_left_out_total\{([^}]*)\} (\d+)$/gm;

/** What the counter says, by its labels. */
async function counted(fixture: Fixture): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${fixture.baseUrl}/metrics`)).text();
  return Object.fromEntries([...text.matchAll(COUNTER)].map(([, labels = "", value]) => [labels, Number(value)]));
}

async function warnings(fixture: Fixture): Promise<readonly string[]> {
  const { messages } = (await ask(fixture, "/status")).body as { readonly messages: readonly string[] };
  return messages.filter((text) => text.startsWith("Hull cannot hold"));
}

const attributes = (fixture: Fixture, number: number) =>
  [...fixture.hull.profiles.accounts.values()].find(({ external_id }) => external_id === `acme-${number}`)?.attributes;

describe("a fetched value that is too long or has too many entries", () => {
  /** Hull knows of a short description, which became a long one since; another company has too many tags. */
  async function openTooLong(): Promise<Fixture> {
    const fixture = await openFull();
    putCompany(fixture, 3, { description: "short" });
    await fixture.fetchBoth();
    fixture.advance(60);
    putCompany(fixture, 3, { description: LONG, updatedAt: fixture.ago(30) });
    putCompany(fixture, 4, { tags: MANY, custom: { "Secret plan": LONG }, updatedAt: fixture.ago(30) });
    return fixture;
  }

  test("is told by field and form in run, log, metrics and status, and never by its words", async () => {
    const fixture = await openTooLong();
    const run = await fixture.fetch("accounts");
    expect(run.counts).toMatchObject({ "companies/unchanged/left_out": 2 });
    expect(run.leftOut).toEqual({ "too_long/description": 1, "too_many/tags": 1, "too_long/custom.Secret plan": 1 });
    expect(attributes(fixture, 3)).toMatchObject({ "planhat/description": "short" });
    const said = fixture.logs.filter(({ message }) => message === "incoming.job.warning");
    expect(said).toMatchObject([{ level: "warn", data: { run: run.id } }]);
    expect(said[0]?.data?.["left_out"]).toContainEqual({ field: "tags", misfit: "too_many", records: 1 });
    expect(said[0]?.data?.["reason"]).toContain("description (longer than 2000 bytes)");
    expect(JSON.stringify(fixture.logs)).not.toContain("private words");
    expect(await counted(fixture)).toEqual({
      'service="planhat",type="companies",field="description",misfit="too_long"': 1,
      'service="planhat",type="companies",field="tags",misfit="too_many"': 1,
      // A customer's own words stay out of the metrics.
      'service="planhat",type="companies",field="custom",misfit="too_long"': 1,
    });
    const [text, ...more] = await warnings(fixture);
    expect(more).toEqual([]);
    expect(text).toMatch(
      /custom\.Secret plan \(longer than 2000 bytes\) of 1 record.*tags \(more than 49 entries\) of 1/,
    );
    expect(text).toMatch(/Shorten.*exclude/);
  });

  test("is left out in every fetch, whatever its age, so that the status goes on saying it", async () => {
    const fixture = await openTooLong();
    await fixture.fetch("accounts");
    fixture.advance(600);
    const run = await fixture.fetch("accounts");
    expect(run.counts).toEqual({ "companies/unchanged/left_out": 2, "companies/unchanged/not_touched": COUNT - 2 });
    expect(await warnings(fixture)).toHaveLength(1);
  });

  test("is told once it fits, though Planhat says that it was not touched, and then nothing is said any more", async () => {
    const fixture = await openTooLong();
    await fixture.fetch("accounts");
    fixture.advance(600);
    for (const number of [3, 4]) {
      const touched = fixture.planhat.tenant().companies.get(company(number))?.["updatedAt"];
      putCompany(fixture, number, { description: "fits", tags: ["one"], updatedAt: touched });
    }
    await fixture.fetch("accounts");
    expect(attributes(fixture, 3)).toMatchObject({ "planhat/description": "fits", "planhat/tags": ["one"] });
    expect(attributes(fixture, 4)).toMatchObject({ "planhat/description": "fits", "planhat/tags": ["one"] });
    expect(await warnings(fixture)).toEqual([]);
    expect(fixture.hull.books.snapshot().noOpItems).toBe(0);
    expect(await fixture.fetchBoth()).toEqual([]);
  });

  test("hurts no other field of its record", async () => {
    const fixture = await openKnown();
    fixture.advance(60);
    putCompany(fixture, 3, { description: LONG, phase: "Live", updatedAt: fixture.ago(1) });
    const run = await fixture.fetch("accounts");
    expect(run.counts).toMatchObject({ "companies/sent/told": 1 });
    expect(run.leftOut).toEqual({ "too_long/description": 1 });
    expect(attributes(fixture, 3)).toMatchObject({ "planhat/phase": "Live" });
  });

  test("counts once in a run that is simulated, and in no metric", async () => {
    const fixture = await openTooLong();
    const run = await fixture.fetch("accounts", "simulate=1&verbose=1");
    expect(run.leftOut).toMatchObject({ "too_long/description": 1 });
    expect(await counted(fixture)).toEqual({});
    const lines = await fixture.connector.store.reportLines(run.id, 0, 100);
    expect(lines.find(({ remoteId }) => remoteId === company(3))?.text).toContain(
      "description (longer than 2000 bytes)",
    );
  });
});

describe("a delivered value that is too long", () => {
  test("is in Planhat and not told to Hull, which is said, and told once it fits", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1, { position: LONG }), account(1));
    expect(fixture.endusers()).toMatchObject([{ position: LONG }]);
    expect(await fixture.outcomes()).toEqual({ "endusers/sent/created": 1 });
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/name": "Person 1" });
    expect(fixture.told().flatMap(({ body }) => Object.keys(body))).not.toContain("planhat/position");
    expect(fixture.logs.filter(({ message }) => message === "connector.hull_api.warning")).toMatchObject([
      { level: "warn", data: { type: "endusers", left_out: [{ field: "position", misfit: "too_long", records: 1 }] } },
    ]);
    expect(JSON.stringify(fixture.logs)).not.toContain("private words");
    expect(await counted(fixture)).toEqual({
      'service="planhat",type="endusers",field="position",misfit="too_long"': 1,
    });
    // The same once more is no news, and nothing to repeat.
    await fixture.deliverUser(user(1, { position: LONG, indexed_at: minute(1) }), account(1));
    expect(await counted(fixture)).toEqual({
      'service="planhat",type="endusers",field="position",misfit="too_long"': 1,
    });
    await fixture.deliverUser(user(1, { position: "Captain", indexed_at: minute(2) }), account(1));
    expect(fixture.profile("user", user(1).id)).toMatchObject({ "planhat/position": "Captain" });
  });

  test("stands in the status after the next fetch, which leaves it out as well", async () => {
    const fixture = await open();
    await fixture.deliverUser(user(1, { position: LONG }), account(1));
    fixture.advance(1);
    await fixture.fetchBoth();
    const [text] = await warnings(fixture);
    expect(text).toContain("position (longer than 2000 bytes) of 1 record");
    expect(fixture.told().flatMap(({ body }) => Object.keys(body))).not.toContain("planhat/position");
  });
});
