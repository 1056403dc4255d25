import type { HttpClient, HttpRequest } from "../../../src/http/client";
import { createReader } from "../../../src/services/planhat/incoming/incoming";
import { listPage } from "../../../src/services/planhat/incoming/listing";
import { createRest } from "../../../src/services/planhat/api/rest";
import type { ListPage } from "../../../src/services/connection";
import { settingsOf } from "./messages";

const settings = settingsOf();

/** A Planhat that gives these answers, one after the other, the last one for ever. */
function listing(...answers: readonly unknown[]) {
  const requests: HttpRequest[] = [];
  const client: HttpClient = {
    request: (request) => {
      const body = answers[Math.min(requests.length, answers.length - 1)];
      requests.push(request);
      return Promise.resolve({ status: 200, headers: {}, body });
    },
    close: () => undefined,
  };
  const rest = createRest(client, 1_000, "fetch");
  const list = (type: string, fields: readonly string[] = [], from?: string): Promise<ListPage> =>
    listPage(rest, type, fields, from, () => Promise.resolve(createReader(type, fields, settings)));
  return { requests, list };
}

const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ _id: (from + index).toString(16).padStart(24, "0") }));

describe("a page of a full fetch", () => {
  it("is as large as Planhat gives it, in a stable order, in the class of the fetch", async () => {
    const { requests, list } = listing([]);
    for (const type of ["companies", "endusers", "licenses"]) await list(type, ["custom.NPS"]);
    expect(requests).toMatchObject([
      { route: "/companies", query: { limit: 5_000, offset: 0, sort: "_id" }, priority: "fetch" },
      { route: "/endusers", query: { limit: 2_000, offset: 0, sort: "_id" }, priority: "fetch" },
      { route: "/licenses", query: { limit: 2_000, offset: 0, sort: "_id" }, priority: "fetch" },
    ]);
  });

  it("names every property of a company, all of an enduser by naming none, and of a license what is mapped", async () => {
    const { requests, list } = listing([]);
    for (const type of ["companies", "endusers", "licenses"]) await list(type, ["custom.a,b", "mrr", "newField"]);
    const selects = requests.map(({ query }) => {
      const { select } = query ?? {};
      return typeof select === "string" ? select.split(",") : undefined;
    });
    expect(selects[0]).toEqual(
      expect.arrayContaining(["_id", "externalId", "custom", "phase", "updatedAt", "lastUpdated", "newField"]),
    );
    for (const absent of ["shareable", "sales", "licenses"]) expect(selects[0]).not.toContain(absent);
    expect(new Set(selects[0]).size).toBe(selects[0]?.length);
    expect(selects[1]).toBeUndefined();
    expect(selects[2]).toEqual(
      expect.arrayContaining(["_id", "externalId", "companyId", "custom", "mrr", "newField", "updatedAt"]),
    );
  });

  it("leads on by a text that survives a restart", async () => {
    const first = listing(rows(2_000));
    const { next } = await first.list("endusers");
    expect(next).toEqual(expect.any(String));
    const second = listing(rows(5, 1_999));
    const page = await second.list("endusers", [], next);
    expect(second.requests).toMatchObject([{ query: { offset: 1_999 } }]);
    expect(page.rows).toHaveLength(5);
    expect(page).not.toHaveProperty("next");
  });

  it("begins at the start when it cannot read that text", async () => {
    for (const from of ["", "no JSON", "{}", '{"offset":-1}', '{"offset":"7"}', "[1]", "null"]) {
      const { requests, list } = listing([]);
      await list("endusers", [], from);
      expect(requests).toMatchObject([{ query: { offset: 0 } }]);
    }
  });

  it("does not go on for ever where the server repeats its first page", async () => {
    for (const size of [100, 2_000]) {
      const { requests, list } = listing(rows(size));
      let page = await list("endusers");
      while (page.next !== undefined) page = await list("endusers", [], page.next);
      expect(page).toMatchObject({ rows: [], problem: { scope: "type", kind: "configuration" } });
      expect(page.problem?.message).toMatch(/endusers.*offset/);
      expect(requests.length).toBeLessThan(10);
    }
  });

  it("passes over what is no record, and ends at an empty list", async () => {
    const { list } = listing([null, 7, { name: "x" }, ...rows(2)]);
    expect((await list("companies")).rows).toHaveLength(2);
    expect(await listing({ data: [] }).list("companies")).toEqual({ rows: [] });
  });

  it("is a problem when the answer is no list", async () => {
    for (const body of [undefined, "<html>", { rows: [] }]) {
      expect(await listing(body).list("companies")).toMatchObject({ rows: [], problem: { kind: "transient" } });
    }
  });

  it("does not exist of what has no list", async () => {
    await expect(listing([]).list("activities")).rejects.toThrow(/activities/);
  });
});
