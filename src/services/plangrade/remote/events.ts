/** The pages of a fetch of events: activities and notices of one company after the other, in two calls each. */
import { parseInstant } from "../../../instant";
import { isJson } from "../../../json";
import type { Json } from "../../../record";
import type { HappenedEvent, ListedRecord, ListPage } from "../../connection";
import { attempt, isFailed } from "../../failure";
import type { Row } from "../api/envelope";
import { isNotThere, problemOf } from "../api/failure";
import { hullAttribute, SSN } from "../objects";
import type { Reading } from "./find";
import { eachCompany } from "./pages";
import { idOf } from "./record";

/** What the service calls a happening, how Hull shows it, and where its moment stands. */
const KINDS = {
  activity: { event: "plangrade activity", moment: "start_time" },
  notice: { event: "plangrade notice", moment: "created_at" },
} as const;

type Kind = keyof typeof KINDS;

/** @param from `next` of the page before */
export function eventsPage(reading: Reading, from: string | undefined): Promise<ListPage> {
  return eachCompany(reading, from, async (companyId) => {
    const { rest } = reading;
    const found = await attempt(async () => ({
      activity: await rest.activities(companyId),
      notice: await rest.notices(companyId),
    }));
    if (isFailed(found)) return isNotThere(found) ? [] : problemOf(found);
    return [
      ...found.activity.map((row) => listedEvent("activity", row, companyId)),
      ...found.notice.map((row) => listedEvent("notice", row, companyId)),
    ];
  });
}

function listedEvent(kind: Kind, row: Row, companyId: string): ListedRecord {
  // Activities and notices count their ids apart.
  const id = `${kind}-${idOf(row)}`;
  return {
    id,
    record: { id, keys: {}, parentId: companyId, fields: {}, complete: true },
    claims: {},
    attributes: [{ field: "event", attribute: hullAttribute("event"), value: id }],
    event: eventOf(kind, row),
  };
}

function eventOf(kind: Kind, row: Row): HappenedEvent {
  const { event: name, moment } = KINDS[kind];
  const shown = Object.entries(row).flatMap(([property, value]): readonly (readonly [string, Json])[] =>
    property !== SSN && isJson(value) ? [[property, value]] : [],
  );
  return { name, atMs: parseInstant(row[moment]), properties: Object.fromEntries(shown) };
}
