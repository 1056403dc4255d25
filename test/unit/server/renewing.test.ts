/** A connector begins anew when Redis has lost something: one beginning at a time, and none after the end. */
import { createLogger } from "../../../server/log";
import type { Renewal } from "../../../server/storage/open";
import { createRenewing, type Connector } from "../../../server/storage/renewing";
import type { KnownLoss } from "../../../src/storage/port/leases";

const loss = (era: number): KnownLoss => ({ era, loss: { atMs: 1, kind: "older" } });
const logger = createLogger("silent");

/** @param beginnings what each beginning does, by default nothing. @returns what has begun; each end waits for the test */
function open(...beginnings: readonly (((renewal: Renewal) => void) | undefined)[]) {
  const begun: (number | undefined)[] = [];
  const ends: (() => void)[] = [];
  let noticed: Renewal["onOver"];
  const begin = (renewal: Renewal): Promise<Connector> => {
    begun.push(renewal.lost?.era);
    noticed = renewal.onOver;
    return Promise.resolve().then(() => {
      beginnings[begun.length - 1]?.(renewal);
      return {
        app: () => undefined,
        place: { redis: "db" },
        drain: () => undefined,
        close: () => new Promise<void>((resolve) => ends.push(resolve)),
      };
    });
  };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise(setImmediate);
  };
  return { begin, begun, ends, lose: (era: number) => noticed?.("It was set back.", loss(era)), until };
}

test("the next one begins when the one before has ended", async () => {
  const { begin, begun, ends, lose, until } = open();
  const connector = await createRenewing(begin, logger);
  lose(1);
  await until(() => ends.length === 1);
  expect(begun).toEqual([undefined]);
  ends[0]?.();
  await until(() => begun.length === 2);
  expect(begun).toEqual([undefined, 1]);
  const closed = connector.close();
  await until(() => ends.length === 2);
  ends[1]?.();
  await closed;
});

test("none begins after the end, which may come in the middle of it", async () => {
  const { begin, begun, ends, lose, until } = open();
  const connector = await createRenewing(begin, logger);
  lose(1);
  await until(() => ends.length === 1);
  const closed = connector.close();
  ends[0]?.();
  await closed;
  expect(begun).toEqual([undefined]);
});

test("what is noticed in the middle of a beginning has one more follow, also after one that failed", async () => {
  const notice = ({ onOver }: Renewal): void => onOver?.("It was set back once more.", loss(7));
  const fail = (): void => {
    throw new Error("Redis does not answer.");
  };
  const { begin, begun, ends, until } = open(notice, fail);
  const connector = await createRenewing(begin, logger);
  await until(() => ends.length === 1);
  ends[0]?.();
  await until(() => begun.length === 3);
  expect(begun).toEqual([undefined, 7, 7]);
  const closed = connector.close();
  await until(() => ends.length === 2);
  ends[1]?.();
  await closed;
});
