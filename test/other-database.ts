/**
 * Lets whole connectors run on another database than LMDB, to show that no rule depends on it: with
 * `TEST_DATABASE=memory` or `TEST_DATABASE=remote` (one at the other end of a connection, with faults now and then). What
 * looks at files of a store is none of its business. See docs/architecture.md.
 */
import type { DurableDatabase } from "../src/storage/database/lmdb";
import type * as memory from "../src/storage/database/memory";
import type { Database } from "../src/storage/database/rows";
import type * as remote from "./fixture/remote-database";

const wanted = process.env["TEST_DATABASE"];

if (wanted !== undefined) {
  /** By the folder of the store: a connector that is opened again finds its own. */
  const opened = new Map<string, () => Database>();
  const openAt = (path: string): Database => {
    const { connectRemote, createRemoteServer, mildFaults } =
      jest.requireActual<typeof remote>("./fixture/remote-database");
    const { createMemoryDatabase } = jest.requireActual<typeof memory>("../src/storage/database/memory");
    const make = (): (() => Database) => {
      if (wanted === "memory") {
        const database = createMemoryDatabase();
        return () => database;
      }
      const server = createRemoteServer();
      return () => connectRemote(server, { faultOf: mildFaults() });
    };
    const open = opened.get(path) ?? make();
    opened.set(path, open);
    return open();
  };
  jest.mock("../src/storage/database/lmdb", () => ({
    ...jest.requireActual<object>("../src/storage/database/lmdb"),
    createLmdbDatabase: (path: string): DurableDatabase => ({
      ...openAt(path),
      backup: () => Promise.reject(new Error("There is no file to copy.")),
    }),
  }));
}
