import { listPage } from "../../../src/services/planningpme/remote/list";
import { sinceText } from "../../../src/services/planningpme/remote/since";
import type { Rest } from "../../../src/services/planningpme/api/rest";
import { exported, settingsOf } from "./stored";

const settings = settingsOf({ export_templates: [exported("client-export", "account", "ID", "external_id")] });

/** What Hull is to be told of the one row of an export. @param shown properties of earlier rows */
async function told(row: Readonly<Record<string, unknown>>, shown: readonly string[] = []) {
  const rest: Pick<Rest, "export"> = { export: () => Promise.resolve([row]) };
  const { rows } = await listPage(rest, "account_exports", undefined, undefined, settings, shown);
  return rows.map(({ attributes }) => attributes.map(({ attribute, value }) => [attribute, value]));
}

describe("properties that Hull calls the same", () => {
  it("are told once, and one that a row lacks does not empty the other", async () => {
    const expected = [
      [
        ["planningpme/ville", "Lyon"],
        ["planningpme/id", "A-1"],
      ],
    ];
    expect(await told({ ID: "A-1", Ville: "Lyon" }, ["Ville", "ville"])).toEqual(expected);
    expect(await told({ ID: "A-1", ville: "Lyon" }, ["Ville", "ville"])).toEqual(expected);
    expect(await told({ Ville: "Lyon", ville: "Nice", ID: "A-1" })).toEqual(expected);
  });

  it("are told to be empty where both are", async () => {
    expect(await told({ ID: "A-1" }, ["Ville", "ville"])).toEqual([
      [
        ["planningpme/ville", null],
        ["planningpme/id", "A-1"],
      ],
    ]);
  });
});

describe("since", () => {
  const since = (instant: string, zone: string, overlapHours = 0) => sinceText(Date.parse(instant), zone, overlapHours);

  it("is written in the zone, summer or winter, less the overlap", () => {
    expect(since("2025-07-01T12:00:05Z", "Europe/Paris")).toBe("20250701140005");
    expect(since("2025-01-01T00:00:00Z", "America/New_York", 24)).toBe("20241230190000");
    // Clocks are set forward between the two.
    expect(since("2025-03-30T12:00:00Z", "Europe/Paris", 24)).toBe("20250329130000");
    expect(since("2025-03-30T01:30:00Z", "Europe/Paris")).toBe("20250330033000");
  });

  it("is earlier where clocks are set back and a time comes twice", () => {
    expect(since("2025-10-26T00:50:00Z", "Europe/Paris")).toBe("20251025235000");
    expect(since("2025-10-26T01:10:00Z", "Europe/Paris")).toBe("20251026001000");
    expect(since("2025-10-25T23:59:00Z", "Europe/Paris")).toBe("20251026015900");
    expect(since("2025-10-26T02:00:00Z", "Europe/Paris")).toBe("20251026030000");
    // Half an hour there.
    expect(since("2025-04-05T15:10:00Z", "Australia/Lord_Howe")).toBe("20250405231000");
  });
});
