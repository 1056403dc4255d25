import { MIRRORS } from "../../../src/storage/tables/tables";
import { read as readFrom } from "../../../src/storage/tables/view";
import type { Keys } from "../../../src/record";
import { LANE, deliverQuietly, seen, update } from "./builders";
import { describeStore } from "./fixture";

describeStore("records by key", ({ database, accept, attempt, clock, settle, store }) => {
  const read = (type: string, rows: Readonly<Record<string, Keys>>): Promise<void> => {
    const found = Object.entries(rows).map(([id, keys]) => seen(id, { keys }));
    return store.observe(LANE.remote, type, clock.nowMs, 0, found);
  };
  const find = async (name: string, ...values: readonly string[]): Promise<string[]> => {
    const keys = values.map((value) => ({ name, value }));
    const rows = await store.candidates(LANE, "endusers", keys);
    return rows.map(({ id }) => id).toSorted();
  };

  it("are found without case, and each only once", async () => {
    await read("endusers", { p1: { email: "Ann@X.example" }, p2: { email: "ann@x.EXAMPLE" }, p3: { email: "bob@x" } });
    expect(await find("email", "ANN@x.example", "ann@x.example")).toEqual(["p1", "p2"]);
  });

  it("are found without blanks around the value, and by what else of them changes", async () => {
    await read("endusers", { p1: { email: " ann@x.example\u00a0" }, p2: { email: "ann@x.example" } });
    expect(await find("email", "\tANN@x.example")).toEqual(["p1", "p2"]);
    await read("endusers", { p1: { email: "ann@x.example" }, p2: { email: "bob@x.example " } });
    expect(await find("email", "ann@x.example ")).toEqual(["p1"]);
    expect(await find("email", "a nn@x.example")).toEqual([]);
    expect(await readFrom(database(), (view) => view.size(MIRRORS, [], "keys"))).toBe(2);
  });

  it("are found by the whole value only, of the right key, type and remote", async () => {
    await read("endusers", { p1: { email: "ann", externalId: "7" }, p2: { email: "anna" } });
    await read("companies", { p3: { email: "ann" } });
    expect(await find("email", "ann")).toEqual(["p1"]);
    expect(await find("email", "an")).toEqual([]);
    expect(await find("externalId", "ann")).toEqual([]);
    const elsewhere = { ...LANE, remote: "other" };
    expect(await store.candidates(elsewhere, "endusers", [{ name: "email", value: "ann" }])).toEqual([]);
  });

  it("are found by values of any length and alphabet", async () => {
    const long = "Ä".repeat(5_000);
    const ids = [long, `${long}.`, "日本 😀\n"].map((externalId, index) => [`p${index + 1}`, { externalId }] as const);
    await read("endusers", Object.fromEntries(ids));
    expect(await find("externalId", long.toLowerCase())).toEqual(["p1"]);
    expect(await find("externalId", "日本 😀\n")).toEqual(["p3"]);
  });

  it("are found by their new key alone after it changed", async () => {
    await read("endusers", { p1: { email: "old@x", externalId: "7" } });
    await read("endusers", { p1: { email: "new@x" } });
    expect(await find("email", "old@x")).toEqual([]);
    expect(await find("externalId", "7")).toEqual([]);
    expect(await find("email", "new@x")).toEqual(["p1"]);
    expect(await readFrom(database(), (view) => view.size(MIRRORS, [], "keys"))).toBe(1);
  });

  it("are still found when only the case of the key changed", async () => {
    await read("endusers", { p1: { email: "Ann@x" } });
    await read("endusers", { p1: { email: "ann@x" } });
    expect(await find("email", "ANN@x")).toEqual(["p1"]);
  });

  it("are found by the keys that a delivery set", async () => {
    await read("endusers", { p1: { email: "old@x", externalId: "7" } });
    await accept(update({ id: "u1", type: "endusers", hullId: "e1" }));
    const mirror = { keys: { email: "new@x" }, facts: {} };
    await settle(deliverQuietly(await attempt("endusers", "e1", "update"), "p1", mirror));
    expect(await find("email", "old@x")).toEqual([]);
    expect(await find("email", "new@x")).toEqual(["p1"]);
    expect(await find("externalId", "7")).toEqual(["p1"]);
  });

  it("are not found by a key that only an earlier generation knew", async () => {
    await read("endusers", { p1: { email: "old@x" } });
    await store.newGeneration(LANE.remote);
    expect(await find("email", "old@x")).toEqual([]);
    await read("endusers", { p1: { email: "new@x" } });
    expect(await find("email", "old@x")).toEqual([]);
    expect(await find("email", "new@x")).toEqual(["p1"]);
  });
});

describeStore("samples of linked records", ({ write, clock, store }) => {
  it("are ids that are linked today, up to the limit", async () => {
    await store.observe(LANE.remote, "companies", clock.nowMs, 0, [seen("p0")]);
    for (const index of [1, 2, 3]) {
      await write(update({ id: `c${index}`, hullId: `a${index}` }), `p${index}`);
    }
    expect(await store.sampleLinked(LANE.remote, "companies", 9)).toEqual(["p1", "p2", "p3"]);
    expect(await store.sampleLinked(LANE.remote, "companies", 2)).toHaveLength(2);
    expect(await store.sampleLinked(LANE.remote, "endusers", 9)).toEqual([]);
    expect(await store.sampleLinked("other", "companies", 9)).toEqual([]);
  });
});
