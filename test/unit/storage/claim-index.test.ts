/** By which names a record is found, and when it is found by them no more. */
import { RECORDS } from "../../../src/storage/tables/tables";
import { read } from "../../../src/storage/tables/view";
import type { Claims } from "../../../src/record";
import type { Acceptance } from "../../../src/storage/port/store";
import { DAY_MS, describeStore } from "./fixture";
import { endingOf, LANE, NEIGHBOUR, skip, update } from "./builders";

const MAIL = "Ann@Example.com";

describeStore("a name", ({ database, accept, block, clock, install, store, write }) => {
  const named = (claims: Claims, acceptance: Acceptance): Acceptance => ({ ...acceptance, claims });
  const ann = (claims: Claims, more: object = {}): Acceptance =>
    named(claims, skip({ type: "endusers", hullId: "e1", id: "u1", ...more }));
  const find = (name: "email" | "external_id" | "domain", value: string, more: { key?: string; limit?: number } = {}) =>
    store.findBy(LANE, "endusers", { name, value, key: more.key }, more.limit ?? 9);
  const rows = () => read(database(), (view) => [...view.places(RECORDS, "claims", [])]);

  it.each([
    ["email", MAIL],
    ["external_id", "Person 1/ä"],
    ["domain", "acme.example"],
  ] as const)("of the kind %s finds its record, upper and lower case aside", async (name, value) => {
    await accept(ann({ [name]: value }));
    for (const spelling of [value, value.toLowerCase(), value.toUpperCase()]) {
      expect(await find(name, spelling)).toEqual(["e1"]);
    }
    expect(await find(name, `${value}x`)).toEqual([]);
    expect(await store.findBy(LANE, "companies", { name, value }, 9)).toEqual([]);
  });

  it("that changes finds its record by the new one alone", async () => {
    await accept(ann({ email: MAIL, external_id: "p1" }));
    await accept(ann({ email: "new@example.com" }, { id: "u2", version: 2 }));
    expect(await find("email", MAIL)).toEqual([]);
    expect(await find("external_id", "p1")).toEqual([]);
    expect(await find("email", "new@example.com")).toEqual(["e1"]);
  });

  it("whose case alone changes still finds its record", async () => {
    await accept(ann({ email: MAIL }));
    await accept(ann({ email: MAIL.toUpperCase() }, { id: "u2", version: 2 }));
    expect(await find("email", MAIL)).toEqual(["e1"]);
    expect(await rows()).toHaveLength(1);
  });

  it("of an older message changes nothing", async () => {
    await accept(ann({ email: MAIL }, { version: 5 }));
    await accept(ann({ email: "old@example.com" }, { id: "u2", version: 2 }));
    expect([await find("email", MAIL), await find("email", "old@example.com")]).toEqual([["e1"], []]);
  });

  it("may be long, and is not kept when nobody would type it", async () => {
    const [long, longest] = [`${"x".repeat(300)}@example.com`, "x".repeat(321)];
    await accept(ann({ email: long, external_id: longest }));
    expect(await find("email", long.toUpperCase())).toEqual(["e1"]);
    expect(await find("external_id", longest)).toEqual([]);
    expect(JSON.stringify(await rows())).not.toContain("xxx");
  });

  it("of several finds all of them, up to the limit", async () => {
    for (const hullId of ["e1", "e2", "e3"]) await accept(ann({ email: MAIL }, { hullId, id: `u-${hullId}` }));
    expect(await find("email", MAIL)).toEqual(["e1", "e2", "e3"]);
    expect(await find("email", MAIL, { limit: 2 })).toEqual(["e1", "e2"]);
  });

  it("that only the service's record carries finds whom that is linked to, behind the others", async () => {
    await write(update({ type: "endusers", hullId: "e1", id: "u1" }), "p1", { keys: { email: MAIL } });
    await accept(ann({ email: MAIL }, { hullId: "e2", id: "u2" }));
    expect(await find("email", MAIL, { key: "email" })).toEqual(["e2", "e1"]);
    expect(await find("email", MAIL)).toEqual(["e2"]);
  });

  it("of a company that only its users brought along finds it, until it has others of its own", async () => {
    const company = (value: string) => store.findBy(LANE, "companies", { name: "external_id", value }, 9);
    await block();
    expect(await company("a1")).toEqual(["a1"]);
    await accept(named({ external_id: "acme" }, update({ hullId: "a1", id: "c9" })));
    expect([await company("a1"), await company("acme")]).toEqual([[], ["a1"]]);
  });

  it("goes with a forgotten user", async () => {
    await install();
    await accept(ann({ email: MAIL }));
    await store.forgetEntity(LANE.tenant, { types: ["endusers"], children: ["activities"] }, "e1");
    expect([await find("email", MAIL), await rows()]).toEqual([[], []]);
  });

  it("goes with a record that is old and empty", async () => {
    const gone = skip({ type: "endusers", hullId: "e1", id: "u1", version: 0 });
    const ending = { ...endingOf("u1", "skipped", "archived"), atMs: clock.nowMs };
    await accept(named({ email: MAIL }, { ...gone, content: { kind: "end", outcome: ending } }));
    clock.nowMs += 31 * DAY_MS;
    await store.housekeep(30 * DAY_MS);
    expect([await find("email", MAIL), await rows()]).toEqual([[], []]);
  });

  it("goes with a forgotten tenant, unless another one uses the same remote", async () => {
    for (const lane of [LANE, NEIGHBOUR]) await install(lane);
    await accept(ann({ email: MAIL }));
    await store.forgetTenant(LANE.tenant);
    expect(await store.findBy(NEIGHBOUR, "endusers", { name: "email", value: MAIL }, 9)).toEqual(["e1"]);
    await store.forgetTenant(NEIGHBOUR.tenant);
    expect(await rows()).toEqual([]);
  });

  it("moves with what waits when the tenant points elsewhere", async () => {
    const remote = "org|planhat|t2";
    const { tenant: key } = LANE;
    await store.saveTenant({ key, organization: "org", connectorId: "c1", sealed: "…", settingsAtMs: 1 });
    await store.assign(key, LANE.remote, "f");
    await accept(named({ email: MAIL }, update({ type: "endusers", hullId: "e1", id: "u1" })));
    await store.assign(key, remote, "g");
    await store.move(LANE, remote);
    const there = { remote, tenant: key };
    expect(await store.findBy(there, "endusers", { name: "email", value: MAIL }, 9)).toEqual(["e1"]);
  });
});
