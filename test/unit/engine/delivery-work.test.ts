import { fingerprint, NOTHING } from "../../../src/services/compare";
import { reason } from "../../../src/outcome/outcome";
import {
  blockedBy,
  delivered,
  ended,
  postponed,
  relinked,
  unlinked,
} from "../../../src/engine/delivery/settle/settlements";
import { observationOf, typeContext, type Delivery, type Work } from "../../../src/engine/delivery/work";
import type { Json, Keys } from "../../../src/record";
import { COMPANIES, ENDUSERS } from "../../../src/services/planhat/object-types";
import type { Content, Fact, HullUpdate, MirrorRow } from "../../../src/storage/port/rows";
import type { MirrorPatch, Settlement } from "../../../src/storage/port/store";
import { createFakeService, remoteRecord } from "./fake-service";
import { row } from "./identity-rows";

const NOW = 1_750_000_000_000;
const service = createFakeService();
const companies = typeContext(service, COMPANIES, { host: "one" }, NOW);
const endusers = typeContext(service, ENDUSERS, { host: "one" }, NOW);
const mark = (value: Json): string => fingerprint(value, "text");

const parent = {
  type: "companies",
  hullId: "a1",
  desired: { fields: { name: "Acme" }, keys: { externalId: "acme" }, cleared: [] },
  claims: { external_id: "acme" },
};

function work(
  fields: Record<string, Json>,
  more: Partial<Work> = {},
  content: Partial<Content> = {},
  keys: Keys = {},
): Work {
  const whole: Content = {
    desired: { fields, keys, cleared: [] },
    claims: { external_id: "acme" },
    force: false,
    messageId: "c1",
    version: 1,
    seq: 7,
    derived: false,
    counted: true,
    ...content,
  };
  const ref = { tenant: "org/c1", type: "companies", hullId: "a1" };
  const entry = { ...ref, acceptedAtMs: 0, content: whole, notBeforeMs: 0, attempts: 0 };
  return { entry, content: whole, namesake: false, wire: {}, ...more };
}

function mirror(facts: Record<string, Fact>, more: Partial<MirrorRow> = {}): MirrorRow {
  return row("p1", {}, { facts, linkedTo: "a1", ...more });
}

const updated = (sent: readonly string[], equal: readonly string[] = []): Delivery => ({
  remoteId: "p1",
  sent,
  equal,
  outcome: sent.length > 0 ? "sent" : "unchanged",
  why: reason(sent.length > 0 ? "updated" : "in_sync"),
  created: false,
});
const created = (sent: readonly string[]): Delivery => ({ ...updated(sent), created: true, why: reason("created") });

function patchOf(settlement: Settlement): MirrorPatch {
  if (settlement.mirror === undefined) throw new Error("The mirror learns something.");
  return settlement.mirror;
}
function tellOf(settlement: Settlement): HullUpdate {
  if (settlement.then.kind !== "tell") throw new Error("Hull is to be told something.");
  return settlement.then.hullUpdate;
}

describe("what the mirror learns of a delivery", () => {
  it("is what is there and what was sent, each in its own form", () => {
    const given = work({ owner: "ann@x" }, { wire: { owner: "id-7" } });
    expect(patchOf(delivered(given, companies, updated(["owner"])))).toEqual({
      id: "p1",
      keys: {},
      facts: { owner: { remote: mark("id-7"), sent: mark("ann@x") } },
      fresh: false,
      writtenAtMs: NOW,
    });
  });

  it("includes what was found equal, which counts as delivered but was not written", () => {
    const patch = patchOf(delivered(work({ name: "Acme" }), companies, updated([], ["name"])));
    expect(patch.facts).toEqual({ name: { remote: fingerprint("Acme", "name"), sent: fingerprint("Acme", "name") } });
    expect(patch.writtenAtMs).toBeUndefined();
  });

  it("of a new record is everything: what was not sent is empty there", () => {
    const keyed = work({ name: "Acme", city: null }, {}, {}, { externalId: "x" });
    const patch = patchOf(delivered(keyed, companies, created(["name"])));
    expect(patch).toMatchObject({ fresh: true, keys: { externalId: "x" } });
    expect(patch.facts).toEqual({
      name: { remote: fingerprint("Acme", "name"), sent: fingerprint("Acme", "name") },
      externalId: { remote: NOTHING },
      city: { remote: NOTHING },
    });
  });

  it("names keys only as far as they were sent or found equal", () => {
    const keys = { externalId: "7", email: "ann@x" };
    const keyed = work(keys, {}, {}, keys);
    expect(patchOf(delivered(keyed, endusers, updated(["email"]))).keys).toEqual({ email: "ann@x" });
    expect(patchOf(delivered(keyed, endusers, updated([], ["email", "externalId"]))).keys).toEqual(keys);
  });

  it("names a key that was cleared as empty", () => {
    const settlement = delivered(work({ externalId: "7", email: null }), endusers, updated(["email"]));
    expect(patchOf(settlement).keys).toEqual({ email: "" });
  });

  it("names the parent only when the record is known to sit there", () => {
    const given = work({ companyId: "a1" }, { parentId: "P", wire: { companyId: "P" } }, {});
    expect(patchOf(delivered(given, endusers, updated(["name"]))).parentId).toBeUndefined();
    expect(patchOf(delivered(given, endusers, updated(["companyId"]))).parentId).toBe("P");
    expect(patchOf(delivered(given, endusers, updated([], ["companyId"]))).parentId).toBe("P");
    expect(patchOf(delivered(given, endusers, created([]))).parentId).toBe("P");
  });
});

describe("what Hull is told after a delivery", () => {
  const linked: Record<string, Fact> = { _id: [null, null, "p1"] };
  const remembered = { hintId: "p1" };

  it("is the id and every value that it has not confirmed yet", () => {
    const settlement = delivered(work({ name: "Acme", city: "Rome" }), companies, created(["name", "city"]));
    expect(tellOf(settlement)).toEqual({
      claims: { external_id: "acme" },
      attributes: { "planhat/id": "p1", "planhat/name": "Acme", "planhat/city": "Rome" },
      facts: { _id: "p1", name: fingerprint("Acme", "name"), city: mark("Rome") },
    });
    expect(settlement.then).toMatchObject({
      outcome: { outcome: "sent", code: "created", messageId: "c1", atMs: NOW },
    });
  });

  it("is the service's form of a value", () => {
    const given = work({ owner: "ann@x" }, { wire: { owner: "id-7" } });
    expect(tellOf(delivered(given, companies, updated(["owner"]))).attributes).toMatchObject({
      "planhat/owner": "id-7",
    });
  });

  it("is only what changed when it knows the rest", () => {
    const facts: Record<string, Fact> = { ...linked, name: [null, null, fingerprint("Acme", "name")] };
    const given = work({ name: "ACME", city: "Rome" }, { mirror: mirror(facts) }, remembered);
    expect(tellOf(delivered(given, companies, updated(["city"], ["name"])))).toMatchObject({
      attributes: { "planhat/city": "Rome" },
      facts: { city: mark("Rome") },
    });
    expect(Object.keys(tellOf(delivered(given, companies, updated(["city"], ["name"]))).facts)).toEqual(["city"]);
  });

  it("is nothing at all when it knows everything: the outcome is written at once", () => {
    const facts: Record<string, Fact> = { ...linked, city: [null, null, mark("Rome")] };
    const given = work({ city: "Rome" }, { mirror: mirror(facts) }, remembered);
    const settlement = delivered(given, companies, updated([], ["city"]));
    expect(settlement.then).toMatchObject({ kind: "end", outcome: { outcome: "unchanged", code: "in_sync" } });
    expect(settlement.mirror).toBeDefined();
  });

  it("is the id again when Hull's profile does not show it any more", () => {
    const given = work({ city: "Rome" }, { mirror: mirror({ ...linked, city: [null, null, mark("Rome")] }) });
    expect(tellOf(delivered(given, companies, updated([], ["city"]))).attributes).toEqual({ "planhat/id": "p1" });
  });

  it("is not the id again when the message may have been on its way before Hull was told", () => {
    const record = { version: 1, messageId: "c1", revision: 1, confirmedAtMs: NOW };
    const known = { record, mirror: mirror({ ...linked, city: [null, null, mark("Rome")] }) };
    const told = (version: number) =>
      delivered(work({ city: "Rome" }, known, { version }), companies, updated([], ["city"]));
    expect(told(NOW + 60_000).then).toMatchObject({ kind: "end" });
    expect(tellOf(told(NOW + 3_600_000)).attributes).toEqual({ "planhat/id": "p1" });
  });

  it("is the new id when the record was replaced, whatever Hull remembers", () => {
    const given = work({}, { mirror: mirror({ _id: [null, null, "p0"] }) }, { hintId: "p0" });
    expect(tellOf(delivered(given, companies, updated([]))).attributes).toEqual({ "planhat/id": "p1" });
  });

  it("of a new record is everything, whatever was told about an older one", () => {
    const facts: Record<string, Fact> = { ...linked, city: [null, null, mark("Rome")] };
    const given = work({ city: "Rome" }, { mirror: mirror(facts) }, remembered);
    const { attributes } = tellOf(delivered(given, companies, created(["city"])));
    expect(attributes).toEqual({ "planhat/id": "p1", "planhat/city": "Rome" });
  });

  it("of a cleared field is null", () => {
    const given = work({ city: null }, { mirror: mirror({ ...linked, city: [null, null, mark("Rome")] }) }, remembered);
    expect(tellOf(delivered(given, companies, updated(["city"])))).toMatchObject({
      attributes: { "planhat/city": null },
      facts: { city: NOTHING },
    });
  });

  it("is the account of a user, as long as Hull has not confirmed that link", () => {
    const content = { ...remembered, desired: { fields: {}, keys: {}, cleared: [], parent } };
    const fresh = work({}, { mirror: mirror(linked) }, content);
    expect(tellOf(delivered(fresh, endusers, updated([])))).toMatchObject({
      attributes: {},
      facts: { "@account": "a1" },
      account: { external_id: "acme" },
    });
    const confirmed = work({}, { mirror: mirror({ ...linked, "@account": [null, null, "a1"] }) }, content);
    expect(delivered(confirmed, endusers, updated([])).then.kind).toBe("end");
    const moved = work({}, { mirror: mirror({ ...linked, "@account": [null, null, "a0"] }) }, content);
    expect(tellOf(delivered(moved, endusers, updated([]))).facts).toEqual({ "@account": "a1" });
  });

  it("of a company made for its users is marked as such", () => {
    const settlement = delivered(work({ name: "Acme" }, {}, { derived: true }), companies, created(["name"]));
    expect(settlement.then).toMatchObject({ kind: "tell", outcome: { derived: true } });
    const known = delivered(work({}, { mirror: mirror(linked) }, { derived: true }), companies, updated([]));
    expect(known.then.kind).toBe("end");
  });

  it("comes with a note about how the record was found", () => {
    const note = reason("several_records");
    expect(delivered(work({}, { note }), companies, updated([])).then).toMatchObject({ outcome: { note: note.text } });
    expect(ended(work({}, { note }), "rejected", reason("refused"), NOW).then).toMatchObject({
      outcome: { code: "refused", note: note.text },
    });
  });
});

describe("other settlements", () => {
  it("name the content that was worked on", () => {
    const given = work({});
    const common = { tenant: "org/c1", type: "companies", hullId: "a1", seq: 7 };
    expect(ended(given, "skipped", reason("archived"), NOW)).toMatchObject({
      ...common,
      then: { kind: "end", outcome: { outcome: "skipped", code: "archived", messageId: "c1", counted: true } },
    });
    expect(postponed(given, 9, "busy")).toEqual({ ...common, then: { kind: "wait", notBeforeMs: 9, problem: "busy" } });
    expect(unlinked({ ...given, mirror: mirror({}) }, NOW)).toMatchObject({
      ...common,
      gone: "p1",
      then: { kind: "wait", notBeforeMs: NOW },
    });
  });

  it("keep a doubt only when it is handed on", () => {
    const unconfirmed = { sinceMs: 1, reads: 1 };
    expect(postponed(work({}), 9, "busy", unconfirmed).then).toMatchObject({ unconfirmed });
    expect(postponed(work({}), 9, "busy").then).toMatchObject({ unconfirmed: undefined });
  });

  it("repeat an update that became a new record, with all fields", () => {
    const settlement = relinked(work({ city: "Rome", name: "Acme" }), companies, "p9", ["city"]);
    expect(settlement).toMatchObject({
      mirror: { id: "p9", fresh: true, facts: { city: { remote: mark("Rome"), sent: mark("Rome") } } },
      then: { kind: "wait", notBeforeMs: NOW },
    });
    expect(patchOf(settlement).facts).not.toHaveProperty("name");
  });

  it("put a child behind its parent, which is made from what the child carries", () => {
    const child = work({}, {}, { desired: { fields: {}, keys: {}, cleared: [], parent }, messageId: "u1", version: 5 });
    expect(blockedBy(child, false)?.then).toEqual({
      kind: "block",
      parent: {
        type: "companies",
        hullId: "a1",
        together: false,
        content: {
          desired: parent.desired,
          claims: parent.claims,
          force: false,
          messageId: "u1",
          version: 0,
          seq: 0,
          counted: true,
          derived: true,
        },
      },
    });
    expect(blockedBy(work({}), false)).toBeUndefined();
  });
});

describe("a remote record as the mirror remembers it", () => {
  it("has fingerprints by field type instead of values", () => {
    const fields = { name: "ACME", tags: ["b", "a"], city: null };
    const record = remoteRecord("p1", { keys: { externalId: "x" }, parentId: "P", fields, createdAtMs: 5 });
    expect(observationOf(record, companies)).toEqual({
      id: "p1",
      keys: { externalId: "x" },
      parentId: "P",
      complete: true,
      archived: false,
      createdAtMs: 5,
      facts: { name: fingerprint("acme", "name"), tags: fingerprint(["a", "b"], "set"), city: NOTHING },
    });
  });

  it("is archived only when the service says so", () => {
    const record = remoteRecord("p1", { archived: true, complete: false });
    expect(observationOf(record, companies)).toMatchObject({ archived: true, complete: false });
  });
});
