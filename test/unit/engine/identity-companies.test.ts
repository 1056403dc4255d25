import { identify, type Identity, type Subject } from "../../../src/engine/rules/identity";
import { COMPANIES } from "../../../src/services/planhat/object-types";
import type { MirrorRow } from "../../../src/storage/port/rows";
import { row, subject } from "./identity-rows";

const find = (who: Subject, ...rows: readonly MirrorRow[]): Identity => identify(COMPANIES, who, rows);
const acme = subject({ externalId: "acme" });

describe("a company", () => {
  it("is the one with its external id", () => {
    const hit = row("p1", { externalId: "acme" });
    expect(find(acme, row("p2", { externalId: "other" }), hit)).toEqual({ kind: "match", row: hit, moved: false });
  });

  it("is absent when nobody has the external id", () => {
    expect(find(acme)).toEqual({ kind: "absent", namesake: false });
    expect(find(acme, row("p1", { externalId: "other" }), row("p2", {}))).toEqual({ kind: "absent", namesake: false });
  });

  it("is not the one whose external id differs in case only, but that one is a namesake", () => {
    expect(find(acme, row("p1", { externalId: "ACME" }))).toEqual({ kind: "absent", namesake: true });
  });

  it("is told to be taken when another Hull account is linked to it", () => {
    const hit = row("p1", { externalId: "acme" }, { linkedTo: "somebody" });
    expect(find(acme, hit)).toEqual({ kind: "taken", row: hit, by: "somebody" });
  });

  it("is still itself when it is linked already", () => {
    expect(find(acme, row("p1", { externalId: "acme" }, { linkedTo: "me" }))).toMatchObject({ kind: "match" });
  });

  it("is told to be archived when only an archived one has the external id", () => {
    const hit = row("p1", { externalId: "acme" }, { archived: true });
    expect(find(acme, hit)).toEqual({ kind: "archived", row: hit });
    expect(find(acme, hit, row("p2", { externalId: "acme" }))).toMatchObject({ kind: "match", row: { id: "p2" } });
  });
});

describe("several companies with one external id", () => {
  const dated = (id: string, createdAtMs?: number, linkedTo?: string): MirrorRow =>
    row(
      id,
      { externalId: "acme" },
      { ...(createdAtMs && { createdAtMs }), ...(linkedTo !== undefined && { linkedTo }) },
    );

  it("are settled by the link, whatever the age", () => {
    expect(find(acme, dated("p1", 1), dated("p2", 2, "me"))).toMatchObject({
      kind: "match",
      row: { id: "p2" },
      note: "several",
    });
  });

  it("are settled by age when none is linked", () => {
    expect(find(acme, dated("p1", 30), dated("p2", 10), dated("p3", 20))).toMatchObject({
      row: { id: "p2" },
      note: "several",
    });
  });

  it("are settled by their ids, which begin with their time of creation, where dates are not known", () => {
    expect(find(acme, dated("64b"), dated("64a"))).toMatchObject({ row: { id: "64a" } });
    expect(find(acme, dated("64b"), dated("64a", 5))).toMatchObject({ row: { id: "64a" } });
    expect(find(acme, dated("64b", 5), dated("64a", 5))).toMatchObject({ row: { id: "64a" } });
  });

  it("leave it taken when the oldest belongs to somebody else: a second record is never guessed", () => {
    expect(find(acme, dated("p1", 1, "somebody"), dated("p2", 2))).toMatchObject({ kind: "taken", by: "somebody" });
  });

  it("ignore the archived ones", () => {
    const archived = row("p1", { externalId: "acme" }, { archived: true, createdAtMs: 1 });
    const found = find(acme, archived, dated("p2", 2));
    expect(found).toMatchObject({ kind: "match", row: { id: "p2" } });
    expect(found).not.toHaveProperty("note");
  });
});

describe("the id that Hull remembers of a company", () => {
  const hinted = subject({ externalId: "acme" }, { hintId: "p1" });

  it("is believed when the record is there and has no other external id", () => {
    expect(find(hinted, row("p1", {}))).toMatchObject({ kind: "match", row: { id: "p1" } });
    expect(find(subject({}, { hintId: "p1" }), row("p1", { externalId: "x" }))).toMatchObject({ kind: "match" });
  });

  it("is not believed when the record carries another external id", () => {
    expect(find(hinted, row("p1", { externalId: "other" }))).toEqual({ kind: "absent", namesake: false });
  });

  it("counts less than the external id", () => {
    expect(find(hinted, row("p1", {}), row("p2", { externalId: "acme" }))).toMatchObject({ row: { id: "p2" } });
  });

  it("never leads to somebody else's or an archived record", () => {
    expect(find(hinted, row("p1", {}, { linkedTo: "somebody" }))).toMatchObject({ kind: "taken", by: "somebody" });
    expect(find(hinted, row("p1", {}, { archived: true }))).toMatchObject({ kind: "archived" });
  });

  it("of a record that was not read means nothing", () => {
    expect(find(hinted)).toEqual({ kind: "absent", namesake: false });
  });
});
