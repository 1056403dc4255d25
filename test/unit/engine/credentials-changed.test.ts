import { verifyRemote, type Verdict } from "../../../src/engine/delivery/credentials-changed";
import { OBJECT_TYPES } from "../../../src/services/planhat/object-types";
import type { Problem, ReadBack } from "../../../src/services/connection";
import { setUpStore } from "../storage/fixture";
import { deliverQuietly, LANE, update } from "../storage/builders";
import { fakeConnection, readBack, remoteRecord } from "./fake-service";

const PROBLEM: Problem = { scope: "lane", kind: "auth", message: "401", waitMs: 5 };

const { store, accept, attempt, settle } = setUpStore("memory");

async function linked(type: string, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const hullId = `hull-${id}`;
    await accept(update({ id: `m-${id}`, type, hullId }));
    await settle(deliverQuietly(await attempt(type, hullId), id, { keys: { externalId: `x-${id}` } }));
  }
}

/** Asks with a service that answers per type; says which ids it was asked for. */
async function verify(
  answers: Readonly<Record<string, Partial<ReadBack>>>,
): Promise<{ verdict: Verdict; asked: string[] }> {
  const asked: string[] = [];
  const connection = fakeConnection({
    read: (type, ids) => {
      asked.push(...ids.map(({ id }) => `${type}/${id}`));
      return Promise.resolve(readBack(answers[type]));
    },
  });
  return { verdict: await verifyRemote(store, connection, LANE, OBJECT_TYPES), asked };
}

const found = (id: string, externalId = `x-${id}`) => remoteRecord(id, { keys: { externalId } });

describe("after a change of credentials", () => {
  it("it is the same remote when a record that we know is there with its key", async () => {
    await linked("companies", "p1", "p2");
    const answer = { records: [found("p2")], gone: ["p1"] };
    expect((await verify({ companies: answer })).verdict).toEqual({ kind: "same" });
  });

  it("it is another one when none of them is", async () => {
    await linked("companies", "p1");
    await linked("endusers", "q1");
    const { verdict, asked } = await verify({ companies: { gone: ["p1"] }, endusers: { gone: ["q1"] } });
    expect(verdict).toEqual({ kind: "other" });
    expect(asked).toEqual(["companies/p1", "endusers/q1"]);
  });

  it("it is the same when all companies are gone but an enduser is there", async () => {
    await linked("companies", "p1");
    await linked("endusers", "q1");
    const answers = { companies: { gone: ["p1"] }, endusers: { records: [found("q1")] } };
    expect((await verify(answers)).verdict).toEqual({ kind: "same" });
  });

  it("it is another one when the id is there by chance, under another key", async () => {
    await linked("companies", "p1");
    expect((await verify({ companies: { records: [found("p1", "stranger")] } })).verdict).toEqual({ kind: "other" });
  });

  it("it is not known when nothing was ever linked, and nobody is asked", async () => {
    const { verdict, asked } = await verify({});
    expect(verdict).toEqual({ kind: "unknown" });
    expect(asked).toEqual([]);
  });

  it("it waits when the service cannot be asked", async () => {
    await linked("companies", "p1");
    expect((await verify({ companies: { problem: PROBLEM } })).verdict).toEqual({ kind: "wait", problem: PROBLEM });
  });

  it("it does not wait when a record was found in spite of the trouble", async () => {
    await linked("companies", "p1");
    const answer = { records: [found("p1")], problem: PROBLEM };
    expect((await verify({ companies: answer })).verdict).toEqual({ kind: "same" });
  });

  it("a handful of records is enough", async () => {
    await linked("companies", ...Array.from({ length: 9 }, (_, index) => `p${index}`));
    expect((await verify({ companies: { records: [found("p0")] } })).asked).toHaveLength(5);
  });

  it("ids of an earlier generation are no witnesses", async () => {
    await linked("companies", "p1");
    await store.newGeneration(LANE.remote);
    expect((await verify({})).verdict).toEqual({ kind: "unknown" });
  });
});
