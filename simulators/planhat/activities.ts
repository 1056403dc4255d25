import { isObject } from "../loopback/call";

/** Something that an enduser did, as Planhat keeps it (sheet 10.1). */
export interface Activity {
  readonly enduserId: string;
  /** Null for an activity that will not show in the event stream. */
  readonly action: string | null;
  /** When it happened: ISO 8601, UTC. */
  readonly date: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly weight: number;
  /** When the call came in: ISO 8601, UTC. */
  readonly receivedAt: string;
}

/** All activities of one tenant, in the order of their arrival. */
export interface ActivityLog {
  readonly all: readonly Activity[];
  /** Records an activity, whatever is there already: Planhat has no key to tell. Answers whether the same was there. */
  add(activity: Activity): boolean;
}

/** JSON with sorted keys, so that the same content is the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1))) : part,
  );
}

/** Creates an empty log. The same = one enduser, action, date and info. */
export function createActivityLog(): ActivityLog {
  const all: Activity[] = [];
  const marks = new Set<string>();

  return {
    all,
    add(activity) {
      const { enduserId, action, date, info } = activity;
      const mark = canonical([enduserId, action, date, info]);
      const repeated = marks.has(mark);
      marks.add(mark);
      all.push(activity);
      return repeated;
    },
  };
}
