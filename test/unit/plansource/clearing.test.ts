/** What counts as cleared in an answer, where PlanSource shows what is empty in a form of its own. */
import type { Rest, Row } from "../../../src/services/plansource/api/rest";
import { writeOne } from "../../../src/services/plansource/write/single";
import type { Intent } from "../../../src/services/connection";

/** Every call but an update would be a surprise. */
function restThatAnswers(row: Row): Rest {
  const never = (): never => {
    throw new Error("This is not called.");
  };
  const calls = { page: never, list: never, one: never, read: never, create: never, terminate: never, rehire: never };
  return { ...calls, bulk: never, meta: never, beneficiaries: never, update: () => Promise.resolve(row) };
}

async function clearing(field: string, shown: unknown): Promise<string> {
  const rest = restThatAnswers({ id: 1, subscriber_code: "E-1", employment_status: "Active", [field]: shown });
  const intent: Intent = {
    kind: "update",
    remoteId: "1",
    keys: {},
    knownKeys: { subscriber_code: "E-1" },
    fields: { [field]: null },
    namesake: false,
  };
  const { result } = await writeOne(
    {
      ways: { usesCode: true, byCode: rest, byId: rest, chosen: rest },
      settings: { dateFormat: "slash", terminationFlagName: "voluntary" },
      fields: [],
      learnt: { blank: "", ignoresFlag: false },
      lost: { inARow: 0 },
      today: () => "2025-07-01",
    },
    intent,
  );
  return result.kind;
}

test.each([
  ["hours_per_week", "0.0", "updated"],
  ["hours_per_week", 0, "updated"],
  ["vip", false, "updated"],
  ["vip", "false", "updated"],
  ["city", null, "updated"],
  ["city", "Rome", "rejected"],
  ["udef_1", "false", "rejected"],
  ["hours_per_week", "40.0", "rejected"],
  ["vip", true, "rejected"],
])("%s is shown as %j: %s", async (field, shown, kind) => {
  expect(await clearing(field, shown)).toBe(kind);
});
