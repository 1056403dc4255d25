import { dryConnection, type DryWrite } from "../../../src/engine/dry-run/dry-run";
import type { ApplyOptions, Intent, Result } from "../../../src/services/connection";
import type { ObjectType } from "../../../src/services/model";
import { fakeConnection } from "./fake-service";

const intent = (kind: Intent["kind"], name: string): Intent => ({ kind, keys: { name }, fields: {}, namesake: false });
const PLAIN: ObjectType = { name: "plain", entity: "user", keys: [] };
const ASKING: ObjectType = { ...PLAIN, name: "asking", writes: { dryRun: true } };
const TYPES = { types: [PLAIN, ASKING], field: (_type: string, name: string) => ({ name, type: "text" }) as const };
const CHUNK = (["create", "update", "end", "restart"] as const).map((kind) => intent(kind, kind));

test("answers for a type whose service cannot say what it would do, and asks nobody", async () => {
  const seen: DryWrite[] = [];
  const connection = dryConnection(fakeConnection(), TYPES, (write) => seen.push(write));
  const { results } = await connection.apply("plain", CHUNK);
  expect(results).toEqual([
    { kind: "created", remoteId: "simulated-1" },
    { kind: "updated" },
    { kind: "ended" },
    { kind: "restarted" },
  ]);
  expect(seen).toMatchObject(CHUNK);
});

test("asks the service where the type says that it can, without writing, and shows its answer", async () => {
  const asked: (ApplyOptions | undefined)[] = [];
  const answers: Result[] = [{ kind: "accepted" }, { kind: "rejected", status: 400, message: "No." }];
  const apply = (_type: string, _chunk: readonly Intent[], options?: ApplyOptions) => {
    asked.push(options);
    return Promise.resolve({ results: answers });
  };
  const connection = dryConnection(fakeConnection({ apply }), TYPES);
  const { results } = await connection.apply(
    "asking",
    [intent("create", "a"), intent("create", "b"), intent("update", "c")],
    {
      stopOnError: true,
    },
  );
  expect(asked).toEqual([{ dryRun: true, stopOnError: true }]);
  expect(results).toEqual([
    { kind: "accepted", remoteId: "simulated-1" },
    { kind: "rejected", status: 400, message: "No." },
    { kind: "unconfirmed", message: "The service gave no result." },
  ]);
});
