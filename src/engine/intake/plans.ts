/** Which records a message holds, before anything is looked up or compared. Pure. */
import type { Problem } from "../../hull/protocol/problems";
import { idText } from "../../hull/protocol/shapes";
import type { Claims } from "../../record";
import type { Plan } from "../../services/model";
import type { Service } from "../../services/service";
import type { Acceptance } from "../../storage/port/store";
import type { Seal } from "../../storage/port/seal";
import { hidden } from "../rules/write-only";
import { weightOf } from "../../weight";
import type { EntityMessage } from "../../services/message";
import type { MergedMessage } from "./message";
import { outcomeOf, reason, type CommonCode, type Reason } from "../../outcome/outcome";
import type { Tenant } from "../tenants";
import { countedAs, typeOf } from "../../services/types";

/** How much parent data the further records of one message may carry, in characters; ordinary ones carry 2,000 each. */
const MOST_CARRIED = 64_000_000;

/** One record on its way in, with what its log line needs. */
export interface Candidate {
  readonly message: EntityMessage;
  /** Ids of the older messages merged into this one; counted with the entity's own record. */
  readonly mergedIds: readonly string[];
  readonly claims: Claims;
  readonly plan: Plan | Halted;
  /** See `MergedMessage`. */
  readonly made?: string | null;
}

/** The settings are unusable: nothing can be said about the record. */
interface Halted {
  readonly type: string;
  readonly hullId: string;
  readonly kind: "halted";
  readonly reason: Reason;
}

/** The records of one entity's message; the first is the entity's own. */
export function candidatesOf<S>(
  { service, seal }: { readonly service: Service<S>; readonly seal: Seal },
  tenant: Tenant<S>,
  merged: MergedMessage,
): readonly Candidate[] {
  const { message, mergedIds, made } = merged;
  const plans = plansOf(service, tenant, message).map((plan) =>
    plan.kind === "record" ? hidden(seal, service, tenant.key, plan) : plan,
  );
  return plans.map((plan, index) => ({
    message,
    made,
    mergedIds: index === 0 ? mergedIds : [],
    claims: plan.kind === "record" ? plan.claims : claimsOf(message),
    plan: index === 0 ? withWarnings(plan, message.warnings) : plan,
  }));
}

function withWarnings(plan: Plan | Halted, further: readonly Reason[] = []): Plan | Halted {
  return plan.kind === "record" && further.length > 0 ? { ...plan, warnings: [...plan.warnings, ...further] } : plan;
}

function plansOf<S>(service: Service<S>, tenant: Tenant<S>, message: EntityMessage): readonly (Plan | Halted)[] {
  const own = { type: countedAs(service, message.entity), hullId: message.id };
  if (typeOf(service, message.entity) === undefined) return [{ ...own, ...skipped("no_type") }];
  if (tenant.settings === undefined) {
    return [{ ...own, kind: "halted", reason: reason("invalid_settings", tenant.problems.join("; ")) }];
  }
  const plans = service.plan(message, tenant.settings);
  if (plans.length === 0) return [{ ...own, ...skipped("nothing_to_send") }];
  if (tenant.target !== undefined) return notTooHeavy(plans);
  const lost = skipped("unreachable", service.unreachable);
  return plans.map((plan) => (plan.kind === "end" ? plan : { type: plan.type, hullId: plan.hullId, ...lost }));
}

const skipped = (code: CommonCode, detail?: string) =>
  ({ kind: "end", outcome: "skipped", reasons: [reason(code, detail)] }) as const;

/**
 * Each further record carries its parent with it, in case the parent must be created: thousands of them with a large
 * parent are all refused, before gigabytes are written for one message.
 */
function notTooHeavy(plans: readonly Plan[]): readonly Plan[] {
  const [own, ...further] = plans;
  if (own?.kind !== "record" || further.length === 0) return plans;
  const weight = further.length * weightOf(own.desired);
  if (weight <= MOST_CARRIED) return plans;
  const why = `its ${further.length} further records would take ${Math.round(weight / 1e6)} MB; at most ${MOST_CARRIED / 1e6} MB are accepted. Send fewer events or licenses at a time, or map fewer large attributes`;
  return [
    { type: own.type, hullId: own.hullId, kind: "end", outcome: "rejected", reasons: [reason("invalid_message", why)] },
  ];
}

/** @param place prefix of the field's name: `messages[3].`, `Row 4: ` */
export function wordsOf(problems: readonly Problem[], place: string): string {
  return problems.map(({ path, message, remedy }) => `${place}${path} ${message}. ${remedy}`).join(" ");
}

/** A message that names no record: counted and logged, with the field and the remedy. */
export function brokenAcceptance<S>(
  service: Service<S>,
  tenant: Tenant<S>,
  entity: "user" | "account",
  messageId: string,
  problem: string,
  atMs: number,
): Acceptance {
  const why = reason("invalid_message", problem);
  return {
    tenant: tenant.key,
    type: countedAs(service, entity),
    hullId: "",
    messageId,
    version: 0,
    merged: [],
    content: { kind: "end", outcome: outcomeOf({ messageId, counted: true }, "rejected", why, atMs) },
  };
}

/** How a log line identifies the entity. */
export function claimsOf(message: EntityMessage): Claims {
  const subject = message.entity === "user" ? message.user : message.account;
  const claims: Record<string, string> = {};
  for (const name of ["external_id", "email", "domain"]) {
    const value = idText(subject[name]);
    if (value !== undefined) claims[name] = value;
  }
  return claims;
}
