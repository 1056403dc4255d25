import { joinReasons, reason } from "../../../src/outcome/outcome";
import { reason as planhatReason } from "../../../src/services/planhat/reasons";

describe("a reason", () => {
  it("has a stable code and the sentence of the catalogue", () => {
    expect(reason("missing_email")).toEqual({ code: "missing_email", text: "The user in Hull has no email address." });
  });

  it("may carry what is particular to the record, in brackets", () => {
    expect(reason("archived", "p1")).toEqual({ code: "archived", text: "The record is archived in the service. (p1)" });
  });

  it("is kept to a length that can be shown in a list, less the secrets of what it quotes", () => {
    const { text } = reason("refused", `${"long ".repeat(399)}Bearer abcdefghijklmnop ${"long ".repeat(10_000)}`);
    expect(text).toMatch(/^The service refused the record\. \((?:long ){399}Beare…\)$/);
    expect(text).not.toContain("abcde");
    expect(text.length).toBeLessThan(2_100);
  });

  it.each([
    ["in_sync", "All mapped attributes are already in sync between Hull and Planhat."],
    [
      "outside_user_segments",
      "User doesn't belong to any of the segments defined in the Contact Filter. In the settings it is called Endusers Filter.",
    ],
    [
      "outside_account_segments",
      "Account doesn't belong to any of the segments defined in the Account Filter. In the settings it is called Company Filter.",
    ],
    ["missing_account", "No company id present."],
    ["missing_name", "No company name present."],
    ["missing_identity", "Neither email nor external id present."],
    ["missing_account_external_id", "The account in Hull has no external_id, but it is marked as required."],
  ] as const)("keeps the words of the earlier connector: %s", (code, text) => {
    expect(planhatReason(code).text).toBe(text);
  });
});

describe("several reasons", () => {
  it("are joined by a blank, and the first code counts", () => {
    expect(joinReasons([planhatReason("missing_account"), planhatReason("missing_email")])).toEqual({
      code: "missing_account",
      text: "No company id present. The user in Hull has no email address.",
    });
    expect(joinReasons([planhatReason("missing_name")])).toEqual(planhatReason("missing_name"));
  });

  it("are as many as a row can keep, and the number of the others", () => {
    const { text } = joinReasons(Array.from({ length: 50 }, (_, at) => planhatReason("invalid_value", `field ${at}`)));
    expect(text).toMatch(/\(field 19\) And 30 more\.$/);
  });

  it("are at least one", () => {
    expect(() => joinReasons([])).toThrow(/at least one reason/);
  });
});
