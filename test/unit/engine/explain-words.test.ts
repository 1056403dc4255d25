/** Explanations in words: what comes to a record, or to all of them, and the sentence that must be there. */
import type { Explanation, RecordExplanation } from "../../../src/engine/explain/explain";
import { wordsAbout, wordsOverall } from "../../../src/engine/explain/sentences";
import type { Outcome, EntryRow, MirrorRow } from "../../../src/storage/port/rows";

const AT = Date.UTC(2026, 2, 1, 12);
const ending = (outcome: Outcome["outcome"], code: string, text: string): Outcome => ({
  messageId: "m-1",
  outcome,
  code,
  text,
  atMs: AT,
  counted: true,
});
const EMPTY: RecordExplanation = {
  entity: "user",
  type: "endusers",
  hullId: "u1",
  claims: {},
  merged: [],
  checks: [],
  warnings: [],
  known: {},
  candidates: [],
  fields: [],
  timeline: [],
  writes: [],
  hullUpdates: [],
};
const mirror = (more: Partial<MirrorRow> = {}): MirrorRow => ({
  id: "p1",
  generation: 1,
  keys: {},
  facts: {},
  complete: true,
  ...more,
});
const entry = (more: Partial<EntryRow>): EntryRow => ({
  tenant: "t",
  type: "endusers",
  hullId: "u1",
  acceptedAtMs: AT,
  notBeforeMs: 0,
  attempts: 0,
  ...more,
});
const record = { version: AT, messageId: "m-1", revision: 0 };
const reason = { code: "missing_email", text: "The user has no e-mail address." } as const;
const write = { type: "endusers", keys: {}, namesake: false } as const;
const many = Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`f${index}`, index]));

test.each<[string, Partial<RecordExplanation>, string]>([
  [
    "how it would end",
    { would: ending("skipped", "archived", "It is archived.") },
    "It would end skipped (archived): It is archived.",
  ],
  [
    "a new record",
    { writes: [{ ...write, kind: "create", fields: { name: "Ann" } }] },
    "A new record of endusers would be created in Planhat, with name.",
  ],
  [
    "an update, with a dozen fields by name",
    { writes: [{ ...write, kind: "update", remoteId: "p1", fields: many }] },
    "Planhat would be sent f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11 and 2 more of endusers p1.",
  ],
  ["a parent that is there", { derived: true }, "It exists already and is left unchanged."],
  ["what it replaces", { merged: ["m-0"] }, "It replaces m-0 of the same notification."],
  [
    "a check that fails",
    { checks: [{ name: "E-mail", verdict: "failed", reason }] },
    "E-mail: The user has no e-mail address.",
  ],
  [
    "a filter that exports pass",
    { checks: [{ name: "Company Filter", verdict: "bypassed", reason }] },
    "Company Filter: it would be filtered out, but an export ignores this filter.",
  ],
  ["no link", {}, "No record of endusers in Planhat is linked to it."],
  [
    "candidates",
    { candidates: [mirror({ linkedTo: "u2" })] },
    "No record of endusers in Planhat is linked to it. Records with its keys: p1 (linked to u2).",
  ],
  [
    "a link",
    { known: { mirror: mirror({ seenAtMs: AT }) } },
    "It is linked to endusers p1 in Planhat, last seen or written at 2026-03-01T12:00:00Z.",
  ],
  ["an archived record", { known: { mirror: mirror({ archived: true }) } }, "It is archived in Planhat."],
  [
    "what it waits for",
    { known: { entry: entry({ blockedOn: "a1" }) } },
    "It waits for what it belongs to (Hull id a1).",
  ],
  ["the last trouble", { known: { entry: entry({ problem: "503." }) } }, "The last try ended with: 503."],
  [
    "its last message",
    { known: { record: { ...record, last: ending("sent", "created", "Created.") } } },
    "Its last message ended sent (created) at 2026-03-01T12:00:00Z: Created.",
  ],
  ["the first message", { messageId: "m-1" }, "No message about it was taken in before."],
  [
    "a refused parent",
    {
      parent: {
        type: "companies",
        hullId: "a1",
        known: { record: { ...record, last: ending("rejected", "refused", "Name is odd.") } },
      },
    },
    "It belongs to companies without a known id (Hull id a1), which ended rejected (refused): Name is odd.",
  ],
])("%s", (_name, more, sentence) => {
  expect(wordsAbout({ ...EMPTY, ...more }, "Planhat")).toContain(sentence);
});

const hold = { tenant: "t", kind: "auth", message: "The token is refused.", sinceMs: AT, untilMs: AT + 60_000 };

test.each<[string, Partial<Explanation>, RegExp]>([
  ["nobody", {}, /^Nothing is known under this name/],
  [
    "a message that cannot be read",
    { problems: ["messages[0].user is missing."] },
    /^messages\[0\]\.user is missing\.$/,
  ],
  ["nothing in Planhat", { records: [EMPTY], service: [] }, /^Planhat itself shows no record under this name now\.$/],
  [
    "somebody in Planhat",
    { records: [EMPTY], service: [{ type: "endusers", id: "p1" }] },
    /^Planhat itself shows endusers p1 under this name now\.$/,
  ],
  ["a lane that stands still", { records: [EMPTY], holds: [{ ...hold, scope: "*" }] }, /^Delivery to Planhat/],
  ["a type that stands still", { records: [EMPTY], holds: [{ ...hold, scope: "endusers" }] }, /^Delivery of endusers/],
  ["no answer", { records: [EMPTY], undecided: "503." }, /^What becomes of it cannot be said now: 503\.$/],
])("of all: %s", (_name, more, sentence) => {
  const said = wordsOverall({ records: [], problems: [], holds: [], ...more }, "Planhat");
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(sentence);
});
