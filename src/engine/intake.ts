/**
 * From a notification to the outbox: read, merge, filter and map, compare with the mirror, take in. No call to the
 * service is made on this way; when `take` resolves, everything is on disk.
 */
import type { Problem } from "../hull/problems";
import type { Service } from "../services/service";
import type { Ending } from "../storage/rows";
import type { Acceptance, Accepted, NewContent, RecordView, Store } from "../storage/store";
import { diff } from "./diff";
import { mergeMessages, readMessage, type EntityMessage, type MergedMessage } from "./message";
import { joinReasons, reason, type Reason } from "./outcome";
import { outcomeLine, type Log } from "./report";
import type { Tenant } from "./tenants";

export interface Shipment<S> {
  readonly tenant: Tenant<S>;
  readonly entity: "user" | "account";
  readonly messages: readonly unknown[];
  readonly isExport: boolean;
}

export interface Intake<S> {
  /** Resolves when every message ended or waits in the outbox, durably. */
  take(shipment: Shipment<S>): Promise<IntakeReport>;
}

export interface IntakeReport {
  readonly queued: number;
  readonly ended: number;
}

export interface IntakeOptions<S> {
  readonly store: Store;
  readonly service: Service<S>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Says that a lane has new work. */
  readonly wake: (lane: { readonly remote: string; readonly tenant: string }) => void;
}

/** One record on its way in, with what its log line needs. */
interface Candidate {
  readonly merged: MergedMessage;
  readonly plan: ReturnType<Service<unknown>["plan"]> | { readonly kind: "halted"; readonly reason: Reason };
}

/** A write-back needs this long to show up in notifications; before that, a missing id is no news. */
const ECHO_MS = 10 * 60_000;

/** How often a comparison is repeated when deliveries of the same record overtake it. */
const MAX_ROUNDS = 8;

export function createIntake<S>({ store, service, log, now, wake }: IntakeOptions<S>): Intake<S> {
  return {
    async take({ tenant, entity, messages, isExport }) {
      const read = messages.map((raw) => readMessage(raw, { entity, isExport, receivedAtMs: now() }));
      const candidates = mergeMessages(read.flatMap((each) => (each.ok ? [each.message] : []))).map(
        (merged): Candidate => ({ merged, plan: planOf(service, tenant, merged.message) }),
      );
      const broken = read.flatMap((each, index) =>
        each.ok ? [] : [rejectedMessage(service, tenant, entity, each.messageId, each.problems, index, now())],
      );

      let pending: readonly Candidate[] = candidates;
      let queued = 0;
      let ended = 0;
      for (let round = 0; pending.length > 0 || broken.length > 0; round += 1) {
        const acceptances = await acceptancesOf(pending, tenant, round >= MAX_ROUNDS);
        const accepted = await store.accept([...acceptances, ...(round === 0 ? broken : [])]);
        const again: Candidate[] = [];
        accepted.forEach((result, index) => {
          const candidate = pending[index];
          if (result.state === "again" && candidate !== undefined) again.push(candidate);
          else if (result.state === "queued") queued += 1;
          else ended += 1;
          logEndings(tenant, entity, candidate, result);
        });
        if (round === 0) broken.forEach((each) => logBroken(tenant, entity, each));
        if (again.length === 0) break;
        pending = again;
      }
      if (queued > 0 && tenant.remote !== undefined) wake({ remote: tenant.remote, tenant: tenant.key });
      return { queued, ended };
    },
  };

  /** Compares with what is remembered now; `last` gives up comparing and lets the lane decide. */
  async function acceptancesOf(
    candidates: readonly Candidate[],
    tenant: Tenant<S>,
    last: boolean,
  ): Promise<readonly Acceptance[]> {
    const views = await viewsOf(candidates, tenant);
    return candidates.map((candidate) => {
      const { message, swallowed } = candidate.merged;
      const { plan } = candidate;
      // Without usable settings nothing is decided about the record: what already waits must go on waiting.
      const decided = plan.kind !== "halted" && tenant.target !== undefined && tenant.remote !== undefined;
      const base = {
        tenant: tenant.key,
        ...(decided ? { remote: tenant.remote } : {}),
        type: typeName(service, message.entity),
        hullId: message.id,
        messageId: message.messageId,
        version: message.version,
        merged: swallowed,
      };
      if (plan.kind === "halted") return { ...base, content: end("skipped", plan.reason, message) };
      if (plan.kind === "end") return { ...base, content: end(plan.outcome, joinReasons(plan.reasons), message) };
      const content: NewContent = {
        desired: plan.desired,
        claims: plan.claims,
        ...(plan.hintId === undefined ? {} : { hintId: plan.hintId }),
        force: message.isExport,
        messageId: message.messageId,
        version: message.version,
        derived: false,
      };
      const view = views.get(message.id);
      // With changed credentials the mirror may speak of another remote; the lane finds out before it compares.
      const confirmed = tenant.fingerprint === tenant.target?.fingerprint;
      if (last || !confirmed || !isUnchanged(plan.type, content, view))
        return { ...base, content: { kind: "entry", content } };
      return {
        ...base,
        content: {
          kind: "unchanged",
          ending: end("unchanged", reason("in_sync"), message).ending,
          content,
          revision: view?.record?.revision ?? 0,
        },
      };
    });
  }

  async function viewsOf(candidates: readonly Candidate[], tenant: Tenant<S>): Promise<Map<string, RecordView>> {
    const views = new Map<string, RecordView>();
    const records = candidates.flatMap(({ merged, plan }) => (plan.kind === "record" ? [{ plan, merged }] : []));
    const [first] = records;
    if (first === undefined || tenant.remote === undefined) return views;
    const ids = records.map(({ merged }) => merged.message.id);
    const found = await store.view({ remote: tenant.remote, tenant: tenant.key }, first.plan.type, ids);
    found.forEach((view, index) => {
      const id = ids[index];
      if (id !== undefined) views.set(id, view);
    });
    return views;
  }

  /** Linked, known, nothing to send, and Hull knows the link. */
  function isUnchanged(type: string, content: NewContent, view: RecordView | undefined): boolean {
    const { mirror, record } = view ?? {};
    if (mirror === undefined || record === undefined || content.force) return false;
    const spec = (field: string): ReturnType<Service<S>["field"]> => service.field(type, field);
    const { send, found } = diff(content.desired, {}, mirror.facts, spec, { force: false, create: false });
    // What is newly found equal counts as delivered, which only the lane writes down.
    if (send.length > 0 || found.length > 0) return false;
    // Hull lost the id that it confirmed long ago (a profile made anew): it is told again.
    const forgotten =
      content.hintId === undefined && record.toldAtMs !== undefined && content.version > record.toldAtMs + ECHO_MS;
    return !forgotten;
  }

  function end(
    outcome: "skipped" | "rejected" | "unchanged",
    why: Reason,
    message: EntityMessage,
  ): { readonly kind: "end"; readonly ending: Ending } {
    const ending = {
      messageId: message.messageId,
      outcome,
      code: why.code,
      text: why.text,
      atMs: now(),
      counted: true,
    };
    return { kind: "end", ending };
  }

  function logEndings(
    tenant: Tenant<S>,
    entity: "user" | "account",
    candidate: Candidate | undefined,
    result: Accepted,
  ): void {
    if (candidate === undefined) return;
    const { plan, merged } = candidate;
    const { id } = merged.message;
    const claims = plan.kind === "record" ? plan.claims : claimsOf(merged.message);
    const type = typeName(service, entity);
    const warnings = plan.kind === "record" ? plan.warnings.map((each) => each.text) : [];
    for (const ending of result.endings) {
      log(outcomeLine(tenant.credentials, { entity, type, hullId: id, claims, ending, warnings }));
    }
    for (const child of result.children) {
      log(outcomeLine(tenant.credentials, { entity: entityOf(service, child.type), ...child }));
    }
    if (warnings.length > 0 && result.state === "queued") {
      log({
        level: "warn",
        event: `outgoing.${entity}.warning`,
        context: outcomeLine(tenant.credentials, {
          entity,
          type,
          hullId: id,
          claims,
          ending: end("skipped", reason("invalid_value"), merged.message).ending,
        }).context,
        data: { warnings, message_id: merged.message.messageId },
      });
    }
  }

  function logBroken(tenant: Tenant<S>, entity: "user" | "account", acceptance: Acceptance): void {
    if (acceptance.content.kind !== "end") return;
    const { ending } = acceptance.content;
    log(outcomeLine(tenant.credentials, { entity, type: acceptance.type, hullId: "", claims: {}, ending }));
  }
}

function planOf<S>(service: Service<S>, tenant: Tenant<S>, message: EntityMessage): Candidate["plan"] {
  if (tenant.settings === undefined) {
    return { kind: "halted", reason: reason("invalid_settings", tenant.problems.join("; ")) };
  }
  return service.plan(message, tenant.settings);
}

/** A message that names no record: counted and told, with the field and the remedy. */
function rejectedMessage<S>(
  service: Service<S>,
  tenant: Tenant<S>,
  entity: "user" | "account",
  messageId: string,
  problems: readonly Problem[],
  index: number,
  atMs: number,
): Acceptance {
  const words = problems.map((each) => `messages[${index}].${each.path} ${each.message}. ${each.remedy}`).join(" ");
  const why = reason("invalid_message", words);
  return {
    tenant: tenant.key,
    type: typeName(service, entity),
    hullId: "",
    messageId,
    version: 0,
    merged: [],
    content: {
      kind: "end",
      ending: { messageId, outcome: "rejected", code: why.code, text: why.text, atMs, counted: true },
    },
  };
}

function claimsOf(message: EntityMessage): Record<string, string> {
  const subject = message.entity === "user" ? message.user : message.account;
  const claims: Record<string, string> = {};
  for (const name of ["external_id", "email", "domain"]) {
    const value = subject[name];
    if (typeof value === "string" && value !== "") claims[name] = value;
  }
  return claims;
}

function entityOf<S>(service: Service<S>, type: string): "user" | "account" {
  return service.types.find((each) => each.name === type)?.entity ?? "user";
}

/** The object type that a Hull entity becomes. */
function typeName<S>(service: Service<S>, entity: "user" | "account"): string {
  const type = service.types.find((each) => each.entity === entity);
  if (type === undefined) throw new Error(`${service.name} has no object type for a Hull ${entity}.`);
  return type.name;
}
