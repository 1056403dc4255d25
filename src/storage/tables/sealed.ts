/** Which rows hold encrypted texts, and how these are encrypted for another key. */
import mapValues from "lodash/mapValues";
import { isHidden, type Desired } from "../../record";
import type { Content, RecordName, RemoteDocument } from "../port/rows";
import { keyedCallPlace, grantPlace, runPlace, tenantPlace, valuePlace, type Place } from "../port/seal";
import type { Key } from "../database/rows";
import { mapContents, tenantIn } from "./documents";
import { KEYED_CALLS, CONTENTS, GRANTS, RECORDS, RUNS, TENANTS } from "./tables";

const SEALED: ReadonlySet<string> = new Set([TENANTS, GRANTS, KEYED_CALLS, RUNS, CONTENTS].map(({ name }) => name));

/** The text, encrypted for the other key. */
export type Reseal = (sealed: string, place: Place) => string;

/** Whether a row may hold encrypted texts: almost no record does, since most have nothing under way. */
export function maySeal(table: string, value: unknown): boolean {
  if (table !== RECORDS.name) return SEALED.has(table);
  return Object.values(RECORDS.codec.unpack(value).own).some(
    ({ entry, deadLetter, rival, kept }) => (entry ?? deadLetter ?? rival ?? kept) !== undefined,
  );
}

/**
 * A row as it is stored, with its texts for the other key. The keyed hash of a write-only value stays: the value is in no
 * row of the mirror, so there it could not be made anew, and both must be the same.
 *
 * @param remoteOf the remote with a number
 */
export function resealed(
  table: string,
  key: Key,
  value: unknown,
  reseal: Reseal,
  remoteOf: (number: number) => RemoteDocument | undefined,
): unknown {
  const [first = "", type = "", hullId = "", slot = ""] = key;
  const name = { type: String(type), hullId: String(hullId) };
  const inContent =
    (number: string) =>
    (content: Content): Content => {
      const remote = remoteOf(Number(first));
      if (remote === undefined) return content;
      const desired = desiredFor(content.desired, tenantIn(remote, number), name, reseal);
      return desired === content.desired ? content : { ...content, desired };
    };
  switch (table) {
    case TENANTS.name: {
      const row = TENANTS.codec.unpack(value);
      return TENANTS.codec.pack({ ...row, sealed: reseal(row.sealed, tenantPlace(String(first))) });
    }
    case GRANTS.name:
      return reseal(GRANTS.codec.unpack(value), grantPlace(String(first)));
    case KEYED_CALLS.name: {
      const row = KEYED_CALLS.codec.unpack(value);
      const place = keyedCallPlace(String(first), String(type));
      return row.sealed === "" ? value : KEYED_CALLS.codec.pack({ ...row, sealed: reseal(row.sealed, place) });
    }
    case RUNS.name: {
      const row = RUNS.codec.unpack(value);
      return row.order === undefined ? value : RUNS.codec.pack({ ...row, order: reseal(row.order, runPlace(row)) });
    }
    case CONTENTS.name: {
      const [number = ""] = String(slot).split("/");
      return CONTENTS.codec.pack(inContent(number)(CONTENTS.codec.unpack(value)));
    }
    case RECORDS.name: {
      const document = mapContents(RECORDS.codec.unpack(value), (content, slotName) => {
        const [number = ""] = slotName.split("/");
        return inContent(number)(content);
      });
      const own = mapValues(document.own, ({ kept, ...part }, number) => ({
        ...part,
        ...(kept && { kept: { ...kept, content: inContent(number)(kept.content) } }),
      }));
      return RECORDS.codec.pack({ ...document, own });
    }
    default:
      return value;
  }
}

/** The same object if nothing in it is encrypted. */
function desiredFor(desired: Desired, tenant: string, name: RecordName, reseal: Reseal): Desired {
  const { fields, stateFields, parent } = desired;
  const inFields = (values: Desired["fields"]): Desired["fields"] =>
    Object.values(values).some(isHidden)
      ? mapValues(values, (value, field) =>
          isHidden(value) ? { ...value, sealed: reseal(value.sealed, valuePlace(tenant, name, field)) } : value,
        )
      : values;
  const anew = {
    fields: inFields(fields),
    stateFields: stateFields && inFields(stateFields),
    parent: parent && desiredFor(parent.desired, tenant, parent, reseal),
  };
  if (anew.fields === fields && anew.stateFields === stateFields && anew.parent === parent?.desired) return desired;
  return {
    ...desired,
    fields: anew.fields,
    ...(anew.stateFields && { stateFields: anew.stateFields }),
    ...(parent && anew.parent && { parent: { ...parent, desired: anew.parent } }),
  };
}
