/** Formats of a store: who may work on it, and how it gets to the next one. */
import { createMemoryDatabase } from "../../../src/storage/database/memory";
import type { Database } from "../../../src/storage/database/rows";
import { EraOver, StoreTooNew } from "../../../src/storage/port/leases";
import { beginUpgrade, finishUpgrade, fitOf, type Formats } from "../../../src/storage/upgrade";
import { FORMAT } from "../../../src/storage/tables/tables";
import { readRow, writeRow } from "../../fixture/rows";
import { openStore } from "./fixture";

const NEXT = FORMAT + 1;
const now = () => 1;
const run = (database: Database) => writeRow(database, "meta", ["madeUp"], NEXT);
const next: Formats = { newest: NEXT, reader: NEXT, oldest: NEXT, upgrade: { from: FORMAT, run } };

let database: Database;
beforeEach(() => (database = createMemoryDatabase()));

const metaOf = (name: string) => readRow(database, "meta", [name]);
const begin = (formats = next) => beginUpgrade(database, formats);

it("are named in the store, with its oldest reader", async () => {
  await openStore({ database, now });
  expect([await metaOf("format"), await metaOf("reader")]).toEqual([FORMAT, FORMAT]);
});

it("get an oldest reader in a store of the version before, which stays as it is otherwise", async () => {
  await writeRow(database, "meta", ["format"], FORMAT);
  await openStore({ database, now });
  expect([await metaOf("format"), await metaOf("reader")]).toEqual([FORMAT, FORMAT]);
});

it.each([
  ["a newer store that is for it, too", { format: NEXT, reader: FORMAT }, undefined, "current"],
  ["an empty one", { format: undefined, reader: 0 }, undefined, "current"],
  ["an older one in which it can work", { format: FORMAT, reader: FORMAT }, { ...next, oldest: FORMAT }, "older"],
  ["an older one in which it cannot", { format: FORMAT, reader: FORMAT }, next, "outdated"],
  ["one whose upgrade is under way", { format: FORMAT, reader: NEXT }, { ...next, oldest: FORMAT }, "outdated"],
])("fit %s", (_, found, formats: Formats = { newest: FORMAT, reader: FORMAT, oldest: FORMAT }, fit) => {
  expect(fitOf(found, formats)).toBe(fit);
});

it("refuse a store that is too new, or whose upgrade to that is under way, and name both", () => {
  const own = { newest: FORMAT, reader: FORMAT, oldest: FORMAT };
  for (const found of [
    { format: NEXT, reader: NEXT },
    { format: FORMAT, reader: NEXT },
  ]) {
    expect(() => fitOf(found, own)).toThrow(StoreTooNew);
    expect(() => fitOf(found, own)).toThrow(`has format ${NEXT}, this program reads format ${FORMAT}`);
  }
});

it("refuse a store from which no way leads, such as a copy that is not finished", () => {
  expect(() => fitOf({ format: 0, reader: 0 }, next)).toThrow(`has format 0, this program reads format ${NEXT}`);
});

it("shut out who works on the store as it was, before anything is changed", async () => {
  const over: string[] = [];
  const old = await openStore({ database, now, onEraOver: ({ kind }) => over.push(kind) });
  await begin();
  expect([await metaOf("format"), await metaOf("madeUp")]).toEqual([FORMAT, undefined]);
  await expect(old.takeLease({ name: "a", id: "b" }, undefined)).rejects.toThrow(EraOver);
  expect(over).toEqual(["upgraded"]);
  await expect(openStore({ database, now })).rejects.toThrow(StoreTooNew);
  // A later program that knows no way from here cannot finish it either.
  const lost = { ...next, upgrade: undefined };
  await expect(openStore({ database, now, formats: lost })).rejects.toThrow(`this program reads format ${NEXT}`);
});

it("are changed by an upgrade that may be interrupted and run by several at once", async () => {
  await openStore({ database, now });
  await begin();
  const broken: Formats = { ...next, upgrade: { from: FORMAT, run: () => Promise.reject(new Error("killed")) } };
  await expect(finishUpgrade(database, broken)).rejects.toThrow("killed");
  await expect(openStore({ database, now, formats: next })).rejects.toThrow(`upgrades it to ${NEXT}`);
  await Promise.all([finishUpgrade(database, next), finishUpgrade(database, next)]);
  expect([await metaOf("format"), await metaOf("reader"), await metaOf("madeUp")]).toEqual([NEXT, NEXT, NEXT]);
  const store = await openStore({ database, now, formats: next });
  expect(await store.losses()).toEqual([]);
});

it("are not touched by an upgrade that nobody has begun", async () => {
  await openStore({ database, now });
  await finishUpgrade(database, next);
  expect([await metaOf("format"), await metaOf("madeUp")]).toEqual([FORMAT, undefined]);
});

it("take a store for set back, where it has another era and no later format", async () => {
  const over: string[] = [];
  const store = await openStore({ database, now, onEraOver: ({ kind }) => over.push(kind) });
  await writeRow(database, "meta", ["era"], 1);
  await expect(store.losses()).rejects.toThrow(EraOver);
  expect(over).toEqual(["older"]);
});
