/** The control channel as a stranger may use it: whole lines, broken ones, none at all. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "../../../server/admin/commands";
import { createControl, createRemoteAdmin, isServed } from "../../../server/admin/control";
import { lockFolder, type ExclusiveLock } from "../../../src/storage/data-folder/exclusive";
import { lockAddress } from "../../../src/storage/data-folder/lock-address";

let folder: string;
let lock: ExclusiveLock;
let asked: Command[];
let carryOut: (command: Command) => Promise<unknown>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "control-"));
  lock = await lockFolder(folder);
  asked = [];
  carryOut = () => Promise.resolve({ tenants: [] });
  lock.serve(
    createControl((command) => {
      asked.push(command);
      return carryOut(command);
    }),
  );
});
afterEach(async () => {
  await lock.release();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that comes back until the connection ends. */
function talk(begin: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(lockAddress(folder));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
    socket.on("connect", () => begin(socket));
  });
}

test("a command gets one line, and the connection ends", async () => {
  const answer = await talk((socket) => socket.write('{"command":"tenants.list"}\n'));
  expect(answer).toBe('{"ok":true,"answer":{"tenants":[]}}\n');
  expect(asked).toEqual([{ command: "tenants.list" }]);
});

test("a line may come in pieces", async () => {
  const answer = await talk((socket) => {
    socket.write('{"command":"ten');
    setTimeout(() => socket.write('ants.list"}\n'), 20);
  });
  expect(answer).toContain('"ok":true');
});

test("who only connects gets nothing and disturbs nobody", async () => {
  expect(await isServed(lockAddress(folder))).toBe(true);
  expect(await talk((socket) => socket.end())).toBe("");
  await expect(lockFolder(folder)).rejects.toThrow(/Another process uses/);
  expect(asked).toEqual([]);
  await expect(createRemoteAdmin(lockAddress(folder)).ask("tenants.list", {})).resolves.toEqual({ tenants: [] });
});

test.each([
  ["is no JSON", "tenants"],
  ["is not known", '{"command":"tenants.burn"}'],
  ["has parameters that it should not have", '{"command":"tenants.list","all":true}'],
  ["lacks what it needs", '{"command":"letters.show"}'],
])("a command that %s is refused in words", async (_, line) => {
  const answer = await talk((socket) => socket.write(`${line}\n`));
  expect(JSON.parse(answer)).toMatchObject({ ok: false, error: expect.stringContaining("does not know") as string });
  expect(asked).toEqual([]);
});

test("a line without end is cut off", async () => {
  const answer = await talk((socket) => socket.write("x".repeat(100_000)));
  expect(JSON.parse(answer)).toMatchObject({ ok: false });
  expect(asked).toEqual([]);
});

test("what goes wrong is said, and the next one is served", async () => {
  carryOut = () => Promise.reject(new Error("The store is closed."));
  const admin = createRemoteAdmin(lockAddress(folder));
  await expect(admin.ask("tenants.list", {})).rejects.toThrow("The store is closed.");
  carryOut = () => Promise.resolve({ tenants: [] });
  await expect(admin.ask("tenants.list", {})).resolves.toEqual({ tenants: [] });
});

test("an answer of another shape is not believed", async () => {
  carryOut = () => Promise.resolve({ tenants: "many" });
  await expect(createRemoteAdmin(lockAddress(folder)).ask("tenants.list", {})).rejects.toThrow();
});

test("a server that ends meanwhile does not keep the tool waiting, nor the tool the server", async () => {
  carryOut = () => sleep(60_000, undefined, { ref: false });
  const answer = createRemoteAdmin(lockAddress(folder)).ask("tenants.list", {});
  const refused = expect(answer).rejects.toThrow(/ended early/);
  while (asked.length === 0) await sleep(5);
  await lock.release();
  await refused;
  lock = await lockFolder(folder);
});

test("before and after it serves, connections are closed at once", async () => {
  lock.serve(undefined);
  await expect(createRemoteAdmin(lockAddress(folder)).ask("tenants.list", {})).rejects.toThrow(/ended early/);
});

test("nobody is served where nobody listens", async () => {
  expect(await isServed(join(folder, "nowhere"))).toBe(false);
});
