/** The table of limits in docs/operations/operate.md has the numbers of the code, so that both change together. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (path: string): string => readFileSync(join(__dirname, "../../..", path), "utf8");

const guide = /### Limits of notifications\n(.*?)\n## /s.exec(read("docs/operations/operate.md"))?.[1] ?? "";
const rows = guide.split("\n").filter((line) => line.startsWith("| "));

test.each([
  ["server/bodies/index.ts", "MAX_BODY_BYTES = 50 * MB", "| body, unpacked ", "50 MB"],
  ["server/bodies/index.ts", "MAX_STRANGER_BYTES = 8 * MB", "| body, unpacked ", "8 MB"],
  ["server/bodies/index.ts", "MAX_STRANGER_RATIO = 100;", "| body of an unknown sender", "100 times"],
  ["server/bodies/read.ts", "FREE_BYTES = 128 * KB", "| body of an unknown sender", "128 kB"],
  ["server/bodies/index.ts", "WITHIN_MS = 15_000", "| time until the last byte", "15 s"],
  ["server/http-server.ts", "HEAD_MS = 10_000", "| time for the head", "10 s"],
  ["server/http-server.ts", "REQUEST_MS = 30_000", "| time for the head", "30 s"],
  ["src/http/guards/json-scan.ts", "MAX_DEPTH = 64;", "| nesting", "64 levels"],
  ["server/bodies/index.ts", "MAX_VALUES = 1_000_000", "| objects, lists", "1,000,000 in all"],
  ["server/bodies/read.ts", "MAX_MEMBERS = 100_000", "| objects, lists", "100,000 in a single one"],
  ["src/http/guards/json-scan.ts", "MAX_MEMBER_BYTES = 16_384", "| body whose `configuration`", "16 kB"],
  ["server/bodies/index.ts", "SMALL = { bytes: 128 * KB, values: 5_000 }", "| body whose", "128 kB and 5,000"],
  ["server/routes/notifications/route.ts", "MAX_MESSAGES = 5_000", "| messages of a shipment", "5,000"],
  [
    "server/flow-control.ts",
    'NEXT: FlowControl = { type: "next", size: 200,',
    "| messages of a shipment",
    "`size` 200",
  ],
  ["server/flow-control.ts", 'SMALLER: FlowControl = { type: "retry", size: 1,', "| objects, lists", "`size` 1 "],
  ["src/hull/protocol/messages.ts", "MAX_EVENTS = 5_000", "| events of a message", "5,000"],
  ["src/hull/protocol/message-size.ts", "MAX_ATTRIBUTES = 10_000", "| attributes of", "10,000 each"],
  ["src/hull/protocol/shapes.ts", "MAX_SEGMENTS = 10_000", "| segments of", "10,000"],
  ["src/input.ts", "MAX_ID_LENGTH = 200", "| ids of", "200 printable"],
  ["server/bodies/room.ts", "strangers: { bodies: 256, bytes: 16 * MB }", "| bodies of unknown", "256, and 16 MB"],
  ["server/bodies/room.ts", "vouched: { bodies: 256, bytes: 64 * MB }", "| bodies of unknown", "64 MB for those"],
  ["server/bodies/room.ts", "known: { bytes: 256 * MB }", "| bodies of confirmed", "256 MB"],
  ["server/middleware/throttle.ts", "perAddress: 20,", "| failed log-ins of an address", "20 in a minute"],
  ["server/middleware/throttle.ts", "perConnector: 20,", "| failed log-ins of a connector", "20 in a minute"],
  ["server/middleware/throttle.ts", "STEP_MS = 100;", "| failed log-ins of a connector", "0.1 s"],
  ["server/middleware/throttle.ts", "LONGEST_WAIT_MS = 3_000", "| failed log-ins of a connector", "3 s"],
  ["server/middleware/throttle.ts", "AT_ONCE = 5;", "| log-ins of an address", "5 and"],
  ["server/middleware/throttle.ts", "MAX_WAITING = 100;", "| log-ins of an address", "and 100"],
  ["src/hull/auth/credentials.ts", "all: { atOnce: 16, waiting: 200 }", "| questions", "16 at once and 200 waiting"],
  ["src/hull/auth/credentials.ts", "organization: { atOnce: 4, waiting: 40 }", "| questions", "4 and 40"],
  ["server/engine.ts", "ANSWER_WITHIN_MS = 20_000", "| time until the answer", "20 s"],
  ["server/http-server.ts", "MAX_CONNECTIONS = 5_000", "| connections", "5,000"],
  ["server/http-server.ts", "maxConnections / 5;", "| connections", "a fifth"],
  ["server/http-server.ts", "MAX_OPEN_REQUESTS = 16", "| open requests", "16"],
  ["server/http-server.ts", "STILL_MS = 60_000", "| time in which nothing moves", "60 s"],
])("%s: %s", (path, code, row, words) => {
  expect(read(path)).toContain(code);
  expect(rows.filter((each) => each.startsWith(row) && each.includes(words))).toHaveLength(1);
});
