import { instant, plain, table } from "../../../server/cli/table";

test("columns stand below each other, and lines end where the terminal ends", () => {
  const rows = [
    ["a1", "a long reason that goes on and on"],
    ["a200", "short"],
  ];
  expect(table(["id", "reason"], rows, 20).split("\n")).toEqual([
    "id    reason",
    "a1    a long reason…",
    "a200  short",
  ]);
});

test("what steers a terminal is taken out of what came from outside", () => {
  expect(plain("\u001b[31mred\u001b[0m\r\nnext\u202e")).toBe(" [31mred [0m next ");
});

test("instants are read in UTC", () => {
  expect(instant(Date.UTC(2026, 0, 31, 12))).toBe("2026-01-31 12:00:00");
});
