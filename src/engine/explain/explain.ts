/**
 * Why is Jane not in the service? For a notification: what would become of its records, and why; nothing is written.
 * For an address or an id: what is remembered of the entities it names, and what the service itself shows.
 */
import uniqBy from "lodash/uniqBy";
import { shownDesired, type Claims, type Desired } from "../../record";
import type { Check } from "../../services/model";
import type { Prepared } from "../../services/connection";
import type { HistoryLine, InspectedRecord, Store } from "../../storage/port/store";
import type { Outcome, PauseRow, MirrorRow, HullUpdateRow, RecordName } from "../../storage/port/rows";
import { candidatesOf, claimsOf, wordsOf, type Candidate } from "../intake/plans";
import type { DiffOptions } from "../rules/diff";
import { rememberedOf } from "../rules/state";
import { opened } from "../rules/write-only";
import { fieldVerdicts, type FieldVerdict } from "./field-verdicts";
import { createSearch, MOST_FOUND, type Hit, type Question } from "./search";
import type { Shipment } from "../intake/intake";
import { mergeMessages, readMessage } from "../intake/message";
import { dryRunRecords, type DryRunResult, type RecordDryRunOptions } from "../dry-run/records";
import type { DryWrite } from "../dry-run/dry-run";
import type { Tenant, Tenants } from "../tenants";
import { entityOf, typeNamed, typeOf } from "../../services/types";

export type { Question } from "./search";

/** Lines about a record. */
const MOST_LINES = 30;

export interface ExplainOptions<S> extends RecordDryRunOptions<S> {
  readonly store: Store;
  readonly tenants: Pick<Tenants<S>, "connection">;
}

/** One record: what the message says of it, what is known of it, and what would happen. */
export interface RecordExplanation extends RecordName {
  readonly entity: "user" | "account";
  readonly claims: Claims;
  /** Only for a record that a message asks for. */
  readonly messageId?: string;
  /** Older messages of the same notification that this one replaces. */
  readonly merged: readonly string[];
  /** A parent that nobody sent: created for its children if it does not exist. */
  readonly derived?: true;
  /** An event that was sent before: it is not sent again. */
  readonly repeated?: true;
  /** What the entity's own record must fulfil, in order. */
  readonly checks: readonly Check[];
  /** What it should hold; absent when a check fails, or when nothing of it waits. */
  readonly desired?: Desired;
  readonly warnings: readonly string[];
  readonly known: InspectedRecord;
  /** What is remembered of its parent. */
  readonly parent?: RecordName & { readonly known: InspectedRecord };
  /** Other records that the service is known to have under its keys. */
  readonly candidates: readonly MirrorRow[];
  readonly fields: readonly FieldVerdict[];
  /** What became of it lately, the newest first. */
  readonly timeline: readonly HistoryLine[];
  /** Its outcome; absent when that cannot be known now, or when there is no message. */
  readonly would?: Outcome;
  readonly writes: readonly DryWrite[];
  /** What Hull would be told. */
  readonly hullUpdates: readonly HullUpdateRow[];
}

export interface Explanation {
  readonly records: readonly RecordExplanation[];
  /** Messages that cannot be read, each with the field and the remedy; or that the service takes none of these entities. */
  readonly problems: readonly string[];
  /** The pauses of the tenant's lane. */
  readonly holds: readonly PauseRow[];
  /** Why there is no answer. */
  readonly undecided?: string;
  /** What the service itself shows for a key; absent when it was not asked, or did not answer. */
  readonly service?: readonly Hit[];
}

export interface Explain<S> {
  /** Nothing is written anywhere. Throws only when the store fails. */
  notification(shipment: Shipment<S>): Promise<Explanation>;
  entity(tenant: Tenant<S>, question: Question): Promise<Explanation>;
  /** Resolves when no explanation is in progress any more. */
  idle(): Promise<void>;
}

export function createExplain<S>(options: ExplainOptions<S>): Explain<S> {
  const { store, service, now } = options;
  const search = createSearch(options);
  /** Their callers may have given up, but they still read from the store. */
  const underWay = new Set<Promise<Explanation>>();
  const tracked = (work: Promise<Explanation>): Promise<Explanation> => {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  };

  return {
    notification: (shipment) => tracked(ofNotification(shipment)),
    entity: (tenant, question) => tracked(ofEntity(tenant, question)),
    idle: async () => {
      await Promise.allSettled(underWay);
    },
  };

  async function ofNotification(shipment: Shipment<S>): Promise<Explanation> {
    const { tenant, entity, messages, isExport } = shipment;
    const read = messages.map((raw) => readMessage(raw, { entity, isExport, receivedAtMs: now() }));
    const problems = read.flatMap((each, index) => (each.ok ? [] : [wordsOf(each.problems, `messages[${index}].`)]));
    const merged = mergeMessages(read.flatMap((each) => (each.ok ? [each.message] : [])));
    const candidates = merged.flatMap((each) => candidatesOf(options, tenant, each));
    const subjects = [...candidates.map((each) => subjectOf(tenant, each)), ...parentsOf(candidates)];
    const places = subjects.map(({ place }) => place);
    // Looked up before the dry run, which learns more on its way.
    const before = await Promise.all(places.map((place) => inspect(tenant, place)));
    const result = await dryRunRecords(options, shipment, places);
    const records = await Promise.all(
      subjects.map((subject, index) => explained(tenant, subject, before[index] ?? {}, result)),
    );
    const isOpen = records.some(({ would, derived, repeated }) => (would ?? derived ?? repeated) === undefined);
    return {
      records,
      problems,
      holds: await holdsOf(tenant),
      undecided: isOpen ? (result.problem ?? "It waits for something that cannot be known now.") : undefined,
    };
  }

  async function ofEntity(tenant: Tenant<S>, question: Question): Promise<Explanation> {
    const holds = await holdsOf(tenant);
    const records: RecordExplanation[] = [];
    for (const place of await search.places(tenant, question)) records.push(await remembered(tenant, place));

    const { entity } = question;
    const isTaken = entity === undefined || typeOf(service, entity) !== undefined;
    const problems = isTaken ? [] : [`${service.face.title} takes no ${entity}s: they end skipped (no_type).`];
    return { records, problems, holds, service: await search.atService(tenant, question) };
  }

  async function inspect({ remote, key }: Tenant<S>, { type, hullId }: RecordName): Promise<InspectedRecord> {
    return remote === undefined ? {} : store.inspectRecord({ remote, tenant: key }, type, hullId);
  }

  async function timelineOf({ remote, key }: Tenant<S>, place: RecordName): Promise<readonly HistoryLine[]> {
    return remote === undefined ? [] : store.timeline({ remote, tenant: key }, place, MOST_LINES);
  }

  async function holdsOf({ remote, key }: Tenant<S>): Promise<readonly PauseRow[]> {
    if (remote === undefined) return [];
    return (await store.pauses({ remote, tenant: key })).filter(({ untilMs }) => untilMs > now());
  }

  /** A record that the message itself asks for. */
  function subjectOf(tenant: Tenant<S>, { message, plan, claims, mergedIds }: Candidate): Subject {
    const { type, hullId } = plan;
    const { messageId } = message;
    const record = plan.kind === "record" ? plan : undefined;
    const isOwn = type === typeOf(service, message.entity);
    const checks = isOwn && tenant.settings !== undefined ? service.checks(message, tenant.settings) : [];
    const warnings = (record?.warnings ?? []).map(({ text }) => text);
    const about = { claims: { ...claimsOf(message), ...claims }, messageId, merged: mergedIds, checks, warnings };
    return { place: { type, hullId }, messageId, desired: record?.desired, force: message.isExport, about };
  }

  async function explained(
    tenant: Tenant<S>,
    { place, messageId, desired, force, about }: Subject,
    known: InspectedRecord,
    result: DryRunResult,
  ): Promise<RecordExplanation> {
    // An existing parent is not changed for the sake of its children.
    const wanted = about.derived === true && known.mirror !== undefined ? undefined : desired;
    const compared = await aboutPlace(tenant, place, known, wanted, { force });
    const isOfPlace = (row: Partial<RecordName>): boolean => row.type === place.type && row.hullId === place.hullId;
    // An event is sent once: a message that repeats it changes nothing.
    const isRepeated = isEvent(place.type) && known.record !== undefined && known.entry === undefined;
    return {
      ...compared,
      ...about,
      warnings: [...about.warnings, ...compared.warnings],
      would: result.outcome(place, messageId),
      repeated: isRepeated ? true : undefined,
      writes: result.writes.filter(isOfPlace),
      hullUpdates: result.hullUpdates.filter(isOfPlace),
    };
  }

  function isEvent(type: string): boolean {
    return typeNamed(service, type)?.append === true;
  }

  /** What is remembered of an entity without any message: the content of what waits; otherwise of what was refused. */
  async function remembered(tenant: Tenant<S>, place: RecordName): Promise<RecordExplanation> {
    const known = await inspect(tenant, place);
    const { entry, deadLetter, hullUpdate, record } = known;
    const content = entry?.content ?? entry?.attempt?.content ?? deadLetter?.content;
    const claims = { ...record?.claims, ...hullUpdate?.claims, ...content?.claims };
    const parent = await parentKnown(tenant, place, known, content?.desired);
    return {
      ...(await aboutPlace(tenant, place, known, content?.desired, {
        force: content?.force === true,
        replay: content?.replay === true,
      })),
      claims,
      parent,
      merged: [],
      checks: [],
      writes: [],
      hullUpdates: [],
    };
  }

  async function aboutPlace(
    tenant: Tenant<S>,
    { type, hullId }: RecordName,
    known: InspectedRecord,
    desired: Desired | undefined,
    compared: Omit<DiffOptions, "create">,
  ) {
    const {
      fields: wire,
      withheld = {},
      warnings = [],
    } = await preparedOf(tenant, { type, hullId }, desired, known.mirror);
    const specOf = (field: string) => service.field(type, field);
    return {
      entity: entityOf(service, type),
      type,
      hullId,
      known,
      timeline: await timelineOf(tenant, { type, hullId }),
      candidates: known.mirror === undefined && desired !== undefined ? await candidatesFor(tenant, type, desired) : [],
      desired: desired && shownDesired(desired),
      warnings: [...Object.values(withheld), ...warnings].map(({ text }) => text),
      fields:
        desired === undefined || isEvent(type)
          ? []
          : fieldVerdicts(desired, wire, known.mirror?.facts, specOf, compared, withheld),
    };
  }

  /** Values as the service stores them, with the parent's id; Hull's own where they cannot be converted now. */
  async function preparedOf(
    tenant: Tenant<S>,
    place: RecordName,
    desired: Desired | undefined,
    mirror: MirrorRow | undefined,
  ): Promise<Omit<Extract<Prepared, { kind: "ready" }>, "kind">> {
    if (desired === undefined) return { fields: {} };
    const { type } = place;
    const parentField = typeNamed(service, type)?.parent?.field;
    const parentId = desired.parent === undefined ? undefined : (await inspect(tenant, desired.parent)).mirror?.id;
    const placed = parentField === undefined || parentId === undefined ? {} : { [parentField]: parentId };
    const open = opened(options.seal, tenant.key, place, desired);
    if (open === undefined) return { fields: placed };
    const known = mirror === undefined ? undefined : rememberedOf(mirror);
    const [prepared] = (await options.tenants.connection(tenant)?.prepare(type, [open], [known])) ?? [];
    return prepared?.kind === "ready" ? { ...prepared, fields: { ...prepared.fields, ...placed } } : { fields: placed };
  }

  async function candidatesFor(
    { remote, key }: Tenant<S>,
    type: string,
    { keys }: Desired,
  ): Promise<readonly MirrorRow[]> {
    if (remote === undefined) return [];
    const asked = Object.entries(keys).map(([name, value]) => ({ name, value }));
    return (await store.candidates({ remote, tenant: key }, type, asked)).slice(0, MOST_FOUND);
  }

  async function parentKnown(
    tenant: Tenant<S>,
    { type }: RecordName,
    { mirror }: InspectedRecord,
    desired: Desired | undefined,
  ): Promise<RecordExplanation["parent"]> {
    const parentType = typeNamed(service, type)?.parent?.type;
    if (parentType === undefined || tenant.remote === undefined) return undefined;
    const lane = { remote: tenant.remote, tenant: tenant.key };
    const [row] = mirror?.parentId === undefined ? [] : await store.mirrors(lane, parentType, [mirror.parentId]);
    const hullId = desired?.parent?.hullId ?? row?.linkedTo;
    if (hullId === undefined) return undefined;
    return { type: parentType, hullId, known: await inspect(tenant, { type: parentType, hullId }) };
  }
}

/** A record that a notification is about. */
interface Subject {
  readonly place: RecordName;
  readonly messageId: string;
  readonly desired: Desired | undefined;
  readonly force: boolean;
  /** What is said of it before anything is looked up. */
  readonly about: Pick<RecordExplanation, "claims" | "messageId" | "merged" | "derived" | "checks" | "warnings">;
}

/** Records of another entity that children of the message belong to and that exist only for them, each once. */
function parentsOf(candidates: readonly Candidate[]): readonly Subject[] {
  const nameOf = ({ type, hullId }: RecordName): string => `${type}\n${hullId}`;
  const own = new Set(candidates.map(({ plan }) => nameOf(plan)));
  const parents = candidates.flatMap(({ plan, message: { messageId } }): Subject[] => {
    const parent = plan.kind === "record" ? plan.desired.parent : undefined;
    if (parent === undefined || own.has(nameOf(parent))) return [];
    const { type, hullId, desired, claims } = parent;
    const about = { claims, derived: true, merged: [], checks: [], warnings: [] } as const;
    return [{ place: { type, hullId }, messageId, desired, force: false, about }];
  });
  return uniqBy(parents, ({ place }) => nameOf(place));
}
