/**
 * From a notification to the outbox: read, merge, filter and map, compare with the mirror, take in. No call to the
 * service is made here; when `take` resolves, everything is on disk. A large shipment is prepared in several turns.
 */
import chunk from "lodash/chunk";
import type { Service } from "../../services/service";
import type { Content } from "../../storage/port/rows";
import { connectorIn } from "../../storage/port/lane";
import type { Acceptance, Accepted, RecordView, RunChange, Store } from "../../storage/port/store";
import { brokenAcceptance, candidatesOf, claimsOf, wordsOf, type Candidate } from "./plans";
import { diff } from "../rules/diff";
import { ownId } from "../rules/identity";
import { isSettled } from "../rules/state";
import type { Seal } from "../../storage/port/seal";
import type { EntityMessage } from "../../services/message";
import { mergeMessages, readMessage } from "./message";
import { joinReasons, outcomeOf, type OutcomeKind, type Reason } from "../../outcome/outcome";
import {
  inSync,
  isComparable,
  isForgotten,
  lastingFingerprint,
  LOOKS,
  checkUnchanged,
  acceptanceOfSame,
} from "./unchanged";
import { outcomeLine, shipmentLine, warningLine, type Log } from "../../outcome/log-lines";
import type { Tenant } from "../tenants";
import { shownIn } from "../hull-updates/what-hull-knows";
import { mapYielding } from "../../yielding";
import { countedAs, typeNamed, typeOf } from "../../services/types";
import { currentTrace, inQueueSpan } from "../../tracing";

export interface Shipment<S> {
  readonly tenant: Tenant<S>;
  readonly entity: "user" | "account";
  readonly messages: readonly unknown[];
  /** How people are shown the position of a message: `Row 4: `; by default its place in the shipment. */
  readonly places?: readonly string[];
  /** Rows of a batch that cannot be read; counted like messages. */
  readonly unreadable?: readonly { readonly messageId: string; readonly problem: string }[];
  readonly isExport: boolean;
  /** The batch that the messages come from. */
  readonly run?: ShipmentRun;
  /** Id of the notification that brings them; taking them in makes it the tenant's. */
  readonly notification?: string;
  /** Asked before anything is written, and meanwhile read; throws where nothing may be taken in. */
  readonly admit?: () => Promise<void>;
}

export interface ShipmentRun {
  readonly id: string;
  /** For every message: when the extract was requested, milliseconds since 1970. */
  readonly version: number;
  /** Stored together with the messages. */
  readonly change: RunChange;
}

export interface Intake<S> {
  /** Resolves when every message has ended or waits in the outbox, durably. */
  take(shipment: Shipment<S>): Promise<IntakeReport>;
}

/** Counts records, not messages: a message may contain several. */
export interface IntakeReport {
  readonly queued: number;
  readonly ended: number;
}

export interface IntakeOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  /** Encrypts write-only values. */
  readonly seal: Seal;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when a lane has new work. */
  readonly wake: (lane: { readonly remote: string; readonly tenant: string }) => void;
}

/** How often a comparison is repeated when deliveries of the same record overtake it. */
const MAX_ROUNDS = 8;

export function createIntake<S>({ store, service, seal, log, now, wake }: IntakeOptions<S>): Intake<S> {
  return {
    take: (shipment) => {
      const { entity: type, messages } = shipment;
      const taking = { operation: "accept", queue: "outbox", type, count: messages.length } as const;
      return inQueueSpan({ ...taking, service: service.name }, () => take(shipment));
    },
  };

  async function take({
    tenant,
    entity,
    messages,
    places,
    unreadable = [],
    isExport,
    run,
    admit,
  }: Shipment<S>): Promise<IntakeReport> {
    const context = { entity, isExport, receivedAtMs: now(), version: run?.version };
    const read = await mapYielding(messages, (raw) => readMessage(raw, context));
    const merged = mergeMessages(read.flatMap((each) => (each.ok ? [each.message] : [])));
    const rejected = read.flatMap((each, index) => {
      if (each.ok) return [];
      const problem = wordsOf(each.problems, places?.[index] ?? `messages[${index}].`);
      return [{ messageId: each.messageId, problem }];
    });
    const broken = [...rejected, ...unreadable].map(({ messageId, problem }) =>
      brokenAcceptance(service, tenant, entity, messageId, problem, now()),
    );
    const ofRun = (acceptances: readonly Acceptance[]): readonly Acceptance[] =>
      run === undefined ? acceptances : acceptances.map((each) => ({ ...each, run: run.id }));
    const progress = run === undefined ? undefined : { run: run.id, change: run.change };

    const [{ same, others }] = await Promise.all([checkUnchanged(store, service, tenant, merged), admit?.()]);
    const quick = same.map((each) => acceptanceOfSame(service, each, tenant, now()));
    const planned = await mapYielding(others, (each) => candidatesOf({ service, seal }, tenant, each));
    let pending: readonly Candidate[] = planned.flat();
    let queued = 0;
    let ended = 0;
    const counts: Record<string, number> = {};
    const tell: Log = (line) => {
      if (line.ended !== undefined) {
        const { type, outcome } = line.ended;
        const name = `${type}/${outcome.outcome}/${outcome.code}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
      log(line);
    };
    for (let round = 0; round === 0 || pending.length > 0; round += 1) {
      const acceptances = await acceptancesOf(pending, tenant, round >= MAX_ROUNDS);
      const all = ofRun(round === 0 ? [...acceptances, ...quick, ...broken] : acceptances);
      const accepted = await store.accept(all, round === 0 ? progress : undefined);
      const again: Candidate[] = [];
      const compared = pending;
      await mapYielding(accepted, (result, index) => {
        const candidate = compared[index];
        const known = same[index - compared.length];
        if (result.state === "again") {
          if (candidate !== undefined) again.push(candidate);
          else if (known !== undefined) again.push(...candidatesOf({ service, seal }, tenant, known));
        } else if (result.state === "queued") queued += 1;
        else ended += 1;
        if (candidate !== undefined) logCandidate(tell, tenant, candidate, result);
        else logEnds(tell, tenant, entity, known?.message, result);
      });
      pending = again;
    }
    // A batch has its own figures.
    if (run === undefined) log(shipmentLine(tenant.credentials, entity, { messages: messages.length, queued, counts }));
    if (queued > 0 && tenant.remote !== undefined) wake({ remote: tenant.remote, tenant: tenant.key });
    return { queued, ended };
  }

  /** Compares with what is remembered now; `last` gives up comparing and lets the lane decide. */
  async function acceptancesOf(
    candidates: readonly Candidate[],
    tenant: Tenant<S>,
    last: boolean,
  ): Promise<readonly Acceptance[]> {
    const views = await viewsOf(candidates, tenant);
    const comparable = !last && isComparable(tenant);
    return mapYielding(candidates, (each) => acceptanceOf(each, tenant, views.get(each), comparable));
  }

  function acceptanceOf(
    candidate: Candidate,
    tenant: Tenant<S>,
    view: RecordView | undefined,
    comparable: boolean,
  ): Acceptance {
    const { message, plan } = candidate;
    const { messageId } = message;
    const end = (outcome: OutcomeKind, why: Reason) => outcomeOf({ messageId, counted: true }, outcome, why, now());
    // Without usable settings nothing is decided about the record: what already waits must keep waiting.
    const decided = plan.kind !== "halted" && tenant.target !== undefined && tenant.remote !== undefined;
    const once = typeNamed(service, plan.type)?.append === true ? (true as const) : undefined;
    const isOwn = plan.type === typeOf(service, message.entity);
    const base = {
      tenant: tenant.key,
      remote: decided ? tenant.remote : undefined,
      type: plan.type,
      hullId: plan.hullId,
      messageId,
      version: once === true ? 0 : message.version,
      undated: message.undated,
      merged: candidate.mergedIds,
      claims: isOwn ? claimsOf(message) : undefined,
      once,
    };
    if (plan.kind === "halted") return { ...base, content: { kind: "end", outcome: end("skipped", plan.reason) } };
    if (plan.kind === "end") {
      return { ...base, content: { kind: "end", outcome: end(plan.outcome, joinReasons(plan.reasons)) } };
    }
    const fingerprint = lastingFingerprint(service, tenant, candidate);
    const content: Content = {
      desired: plan.desired,
      claims: plan.claims,
      hintId: plan.hintId,
      force: message.isExport,
      messageId,
      version: base.version,
      seq: 0,
      derived: false,
      counted: true,
      once,
      digest: fingerprint,
      trace: currentTrace(),
    };
    if (!comparable || !isUnchanged(plan.type, content, view)) {
      const shown = isOwn ? shownIn(message, plan.desired, view?.mirror, namesOf(plan.type)) : {};
      const queued = Object.keys(shown).length === 0 ? content : { ...content, shown };
      return { ...base, content: { kind: "entry", content: queued } };
    }
    const revision = view?.record?.revision ?? 0;
    return {
      ...base,
      content: { kind: "unchanged", outcome: end("unchanged", inSync(service)), content, revision, fingerprint },
    };
  }

  function namesOf(type: string): Parameters<typeof shownIn>[3] {
    return {
      specOf: (field) => service.field(type, field),
      attributeOf: (field) => service.hullAttribute(type, field),
    };
  }

  /** What is known of the records. */
  async function viewsOf(
    candidates: readonly Candidate[],
    tenant: Tenant<S>,
  ): Promise<ReadonlyMap<Candidate, RecordView>> {
    const views = new Map<Candidate, RecordView>();
    if (tenant.remote === undefined) return views;
    const lane = { remote: tenant.remote, tenant: tenant.key };
    const compared = service.types.filter(({ append }) => append !== true);
    await Promise.all(
      compared.map(async ({ name: type }) => {
        const own = candidates.filter(({ plan }) => plan.kind === "record" && plan.type === type);
        const ids = own.map(({ plan }) => plan.hullId);
        const parts = await mapYielding(chunk(ids, LOOKS), (part) => store.view(lane, type, part));
        const found = (await Promise.all(parts)).flat();
        own.forEach((candidate, index) => {
          const view = found[index];
          if (view !== undefined) views.set(candidate, view);
        });
      }),
    );
    return views;
  }

  /** Linked, known, nothing to send, and Hull knows the link. */
  function isUnchanged(type: string, content: Content, view: RecordView | undefined): boolean {
    const { mirror, record } = view ?? {};
    // What a scan did not show, or showed as archived, is read before anything is concluded.
    if (
      mirror === undefined ||
      mirror.missing === true ||
      mirror.id !== (ownId(typeNamed(service, type), content.desired) ?? mirror.id) ||
      record === undefined ||
      content.force
    )
      return false;
    const spec = typeNamed(service, type);
    if (spec === undefined || !isSettled(service, spec, content.desired, mirror)) return false;
    const { specOf } = namesOf(type);
    const { send, found } = diff(content.desired, {}, mirror.facts, specOf, { force: false, create: false });
    // A value newly found equal counts as delivered, and only the lane stores that.
    if (send.length > 0 || found.length > 0) return false;
    const told = typeNamed(service, type)?.untold !== true;
    return !(told && content.hintId === undefined && isForgotten(content.version, record.confirmedAtMs));
  }

  function logCandidate(tell: Log, tenant: Tenant<S>, { message, plan, claims }: Candidate, result: Accepted): void {
    const { credentials } = tenant;
    const { logName } = typeNamed(service, plan.type) ?? {};
    const warnings = plan.kind === "record" ? plan.warnings.map((each) => each.text) : [];
    const about = { entity: message.entity, type: plan.type, hullId: plan.hullId, claims };
    for (const outcome of result.outcomes)
      tell(outcomeLine(credentials, { ...about, logName, outcome, warnings }, service.outcomes));
    for (const { tenant: owner, ...child } of result.children) {
      const { entity = "user", logName: childName } = typeNamed(service, child.type) ?? {};
      tell(outcomeLine(connectorIn(owner), { entity, ...child, logName: childName }, service.outcomes));
    }
    if (warnings.length > 0 && result.state === "queued") {
      tell(warningLine(credentials, about, warnings, message.messageId));
    }
  }

  /** For a message that was not planned: it repeats a known one, or names no record. */
  function logEnds(
    tell: Log,
    { credentials }: Tenant<S>,
    entity: "user" | "account",
    message: EntityMessage | undefined,
    { outcomes }: Accepted,
  ): void {
    const type = countedAs(service, entity);
    const claims = message === undefined ? {} : claimsOf(message);
    for (const outcome of outcomes)
      tell(outcomeLine(credentials, { entity, type, hullId: message?.id ?? "", claims, outcome }, service.outcomes));
  }
}
