import { identify, type Identity, type Subject } from "../../../src/engine/rules/identity";
import type { Keys } from "../../../src/record";
import { ENDUSERS } from "../../../src/services/planhat/object-types";
import type { MirrorRow } from "../../../src/storage/port/rows";
import { row, subject } from "./identity-rows";

const HERE = { parentId: "here" };
const THERE = { parentId: "there" };
const find = (who: Subject, ...rows: readonly MirrorRow[]): Identity => identify(ENDUSERS, who, rows);
const ann = subject({ externalId: "7", email: "ann@x.example" }, HERE);
const mailOnly = subject({ email: "ann@x.example" }, HERE);

describe("an enduser of its company", () => {
  it("is the one with its external id, before the one with its e-mail", () => {
    const byId = row("p1", { externalId: "7", email: "old@x.example" }, HERE);
    const byMail = row("p2", { email: "ann@x.example" }, HERE);
    expect(find(ann, byMail, byId)).toEqual({ kind: "match", row: byId, moved: false });
    expect(find(ann, byMail)).toEqual({ kind: "match", row: byMail, moved: false });
  });

  it("is not the one with this external id in another company: numbers repeat", () => {
    const seven = subject({ externalId: "7" }, HERE);
    expect(find(seven, row("p1", { externalId: "7" }, THERE))).toEqual({ kind: "absent", namesake: true });
  });

  it("is found by an e-mail that differs in case only, with a note", () => {
    const hit = row("p1", { email: "Ann@X.example" }, HERE);
    expect(find(ann, hit)).toEqual({ kind: "match", row: hit, moved: false, note: "case_only" });
  });

  it("is found by an e-mail with blanks around it, with a note", () => {
    const hit = row("p1", { email: "\u00a0Ann@X.example\t" }, HERE);
    expect(find(ann, hit)).toEqual({ kind: "match", row: hit, moved: false, note: "blanks_only" });
    const spaced = subject({ email: " ann@x.example" }, HERE);
    expect(find(spaced, row("p2", { email: "ann@x.example" }, HERE))).toMatchObject({ note: "blanks_only" });
  });

  it("prefers the e-mail that differs in case alone to one with blanks", () => {
    const rows = [row("p1", { email: "ann@x.example " }, HERE), row("p2", { email: "ANN@x.example" }, HERE)];
    expect(find(mailOnly, ...rows)).toMatchObject({ kind: "match", row: { id: "p2" }, note: "case_only" });
  });

  it("is not found by blanks alone", () => {
    const nobody = subject({ email: "\u200b" }, HERE);
    expect(find(nobody, row("p1", { email: "\u2060" }, HERE))).toEqual({ kind: "absent", namesake: false });
  });

  it("prefers the e-mail that is written exactly alike", () => {
    const rows = [row("p1", { email: "ANN@x.example" }, HERE), row("p2", { email: "ann@x.example" }, HERE)];
    const found = find(mailOnly, ...rows);
    expect(found).toMatchObject({ kind: "match", row: { id: "p2" } });
    expect(found).not.toHaveProperty("note");
  });

  it("is ambiguous when two have the external id, or two the e-mail, and none is linked", () => {
    const both = (one: Keys, other: Keys) => [row("p1", one, HERE), row("p2", other, HERE)];
    const ambiguous = { kind: "ambiguous", ids: ["p1", "p2"] };
    expect(find(ann, ...both({ externalId: "7" }, { externalId: "7" }))).toEqual(ambiguous);
    expect(find(mailOnly, ...both({ email: "ann@x.example" }, { email: "ann@x.example" }))).toEqual(ambiguous);
    expect(find(mailOnly, ...both({ email: "ANN@x.example" }, { email: "Ann@x.example" }))).toEqual(ambiguous);
  });

  it("is the linked one of two with the same key", () => {
    const linked = row("p2", { email: "ann@x.example" }, { ...HERE, linkedTo: "me" });
    expect(find(mailOnly, row("p1", { email: "ann@x.example" }, HERE), linked)).toMatchObject({
      kind: "match",
      row: { id: "p2" },
    });
  });

  it("is told to be taken when another Hull user is linked to it", () => {
    const hit = row("p1", { email: "ann@x.example" }, { ...HERE, linkedTo: "somebody" });
    expect(find(ann, hit)).toEqual({ kind: "taken", row: hit, by: "somebody" });
  });

  it("is told to be archived when it is", () => {
    const hit = row("p1", { email: "ann@x.example" }, { ...HERE, archived: true });
    expect(find(ann, hit)).toMatchObject({ kind: "archived" });
  });

  it("is absent when nobody shares a key; an empty key matches nobody", () => {
    const absent = { kind: "absent", namesake: false };
    expect(find(ann, row("p1", { externalId: "8", email: "bob@x.example" }, HERE))).toEqual(absent);
    expect(find(subject({}, HERE), row("p1", {}, HERE))).toEqual(absent);
    expect(find(subject({ email: "a@x" }, HERE), row("p1", { externalId: "7" }, HERE))).toEqual(absent);
  });
});

describe("an e-mail in another company", () => {
  it("is a move when it is unique there, unlinked and without another external id", () => {
    const hit = row("p1", { email: "ann@x.example" }, THERE);
    expect(find(ann, hit)).toEqual({ kind: "match", row: hit, moved: true });
    const same = row("p1", { email: "Ann@x.example", externalId: "7" }, THERE);
    expect(find(ann, same)).toEqual({ kind: "match", row: same, moved: true });
  });

  it("is a move too when it is linked to this very user", () => {
    const mine = row("p1", { email: "ann@x.example" }, { ...THERE, linkedTo: "me" });
    expect(find(ann, mine)).toMatchObject({ kind: "match", moved: true });
  });

  it("is somebody else when it is linked or carries another external id", () => {
    for (const stranger of [
      row("p1", { email: "ann@x.example" }, { ...THERE, linkedTo: "somebody" }),
      row("p1", { email: "ann@x.example", externalId: "8" }, THERE),
    ]) {
      expect(find(ann, stranger)).toEqual({ kind: "absent", namesake: true });
    }
  });

  it("is ambiguous when several could be it, or one of several with this e-mail is somebody else", () => {
    const one = row("p1", { email: "ann@x.example" }, THERE);
    const two = row("p2", { email: "ann@x.example" }, { parentId: "elsewhere" });
    const stranger = row("p3", { email: "ann@x.example" }, { parentId: "elsewhere", linkedTo: "somebody" });
    expect(find(ann, one, two)).toMatchObject({ kind: "ambiguous", ids: ["p1", "p2"] });
    expect(find(ann, one, stranger)).toMatchObject({ kind: "ambiguous" });
  });

  it("is still a move when somebody of another company merely has the same external id", () => {
    const hit = row("p1", { email: "ann@x.example" }, THERE);
    const namesake = row("p2", { externalId: "7", email: "bob@x.example" }, { parentId: "elsewhere", linkedTo: "bob" });
    expect(find(ann, hit, namesake)).toEqual({ kind: "match", row: hit, moved: true });
  });

  it("counts less than a record in the company", () => {
    const here = row("p2", { email: "ann@x.example" }, HERE);
    const there = row("p1", { email: "ann@x.example", externalId: "7" }, THERE);
    expect(find(ann, there, here)).toMatchObject({ row: { id: "p2" }, moved: false });
  });
});

describe("the id that Hull remembers of an enduser", () => {
  const hinted = subject({ externalId: "7", email: "ann@x.example" }, { ...HERE, hintId: "p1" });

  it("is believed when the record shares a key and contradicts none, in the company or not", () => {
    expect(find(hinted, row("p1", { externalId: "7" }, THERE))).toMatchObject({ kind: "match", moved: true });
    expect(find(hinted, row("p1", { email: "ANN@x.example" }, THERE))).toMatchObject({ kind: "match", moved: true });
  });

  it("settles which of several with the e-mail it is", () => {
    const rows = [row("p1", { email: "ann@x.example" }, THERE), row("p2", { email: "ann@x.example" }, THERE)];
    expect(find(hinted, ...rows)).toMatchObject({ kind: "match", row: { id: "p1" }, moved: true });
  });

  it("is not believed when no key fits or the external id is another one", () => {
    expect(find(hinted, row("p1", {}, HERE))).toMatchObject({ kind: "absent" });
    expect(find(hinted, row("p1", { email: "bob@x.example" }, HERE))).toEqual({ kind: "absent", namesake: false });
    const other = row("p1", { externalId: "8", email: "ann@x.example" }, THERE);
    expect(find(hinted, other)).toEqual({ kind: "absent", namesake: true });
  });

  it("never leads to somebody else's record", () => {
    const taken = row("p1", { externalId: "7" }, { ...THERE, linkedTo: "somebody" });
    expect(find(hinted, taken)).toMatchObject({ kind: "taken" });
  });
});

describe("a user whose company has no id", () => {
  it("is not looked for among the endusers of companies", () => {
    expect(find(subject({ externalId: "7" }), row("p1", { externalId: "7" }, HERE))).toMatchObject({ kind: "absent" });
  });
});
