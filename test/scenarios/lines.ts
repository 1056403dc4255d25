/** Log lines about records, in a form that can be written down. */
import type { Fixture } from "../fixture/fixture";
import type { Bag } from "../fixture/settings";

/** All of them, each of which must name the connector. */
export function linesAboutRecords({ hull, logs }: Fixture, connectorId: string): readonly Bag[] {
  return logs
    .filter(({ message }) => message.startsWith("outgoing."))
    .map(({ level, message, context, data }) => {
      expect(context).toMatchObject({ organization: hull.host, id: connectorId });
      const { outcome, code, reason, warnings } = data ?? {};
      const of = context?.["user_id"] ?? context?.["account_id"];
      const line = { level, event: message, of, outcome, code, reason, warnings };
      return Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined));
    });
}

/** In one order, whichever was written first. */
export function inOrder(lines: readonly Bag[]): readonly Bag[] {
  const key = ({ of, event, code }: Bag): string => JSON.stringify([of, event, code]);
  return lines.toSorted((left, right) => key(left).localeCompare(key(right)));
}
