/**
 * Credentials changed: is it still the same remote? (docs/state.md, "Generations".) A rotated token must not resend
 * everything, and another tenant's records must not be taken for ours.
 */
import type { Connection, Problem } from "../../services/connection";
import type { ObjectType } from "../../services/model";
import type { Service } from "../../services/service";
import type { Lane, RecordOutcome, Store } from "../../storage/port/store";
import { remoteKey, type Tenant, type Tenants } from "../tenants";
import type { Pauses } from "./pauses";

export type Verdict =
  | { readonly kind: "same" }
  /** Nothing is linked yet, so nothing shows whether it is the same. */
  | { readonly kind: "unknown" }
  /** None of the ids that we knew exists there. */
  | { readonly kind: "other" }
  | { readonly kind: "wait"; readonly problem: Problem };

const SAMPLES = 5;

/** Reads a few linked records with the new credentials. */
export async function verifyRemote(
  store: Store,
  connection: Connection,
  lane: Lane,
  types: readonly ObjectType[],
): Promise<Verdict> {
  let asked = 0;
  for (const type of types) {
    const ids = await store.sampleLinked(lane.remote, type.name, SAMPLES);
    if (ids.length === 0) continue;
    const known = ids.map((id) => ({ id }));
    const answer = type.lookup === false ? undefined : await connection.read?.(type.name, known, []);
    if (answer === undefined) continue;
    const rows = new Map((await store.mirrors(lane, type.name, ids)).map((row) => [row?.id, row]));
    // An id alone could exist elsewhere by chance; the same id with the same key is the same record.
    const familiar = answer.records.some(({ id, keys }) =>
      Object.entries(rows.get(id)?.keys ?? {}).some(([name, value]) => keys[name] === value),
    );
    if (familiar) return { kind: "same" };
    if (answer.problem !== undefined) return { kind: "wait", problem: answer.problem };
    asked += ids.length;
  }
  return { kind: asked === 0 ? "unknown" : "other" };
}

export interface VerifierOptions<S> {
  readonly store: Store;
  readonly service: Pick<Service<S>, "types">;
  readonly tenants: Tenants<S>;
  readonly pauses: Pick<Pauses, "free" | "stop" | "resume">;
  readonly wake: (lane: Lane) => void;
  /** Logs what newer messages replace at another remote. */
  readonly report: (outcomes: readonly RecordOutcome[]) => void;
  /** Says what was found out. */
  readonly complain: (tenant: Tenant<S>, event: string, message: string) => void;
}

const FOUND: Readonly<Record<Exclude<Verdict["kind"], "wait">, string>> = {
  same: "The credentials changed; the records that we know are there, everything is kept.",
  unknown: "The credentials changed before any record was linked, so nothing has to be looked up again.",
  other: "The credentials changed and lead to other records; everything is looked up again.",
};

/** Before anything is delivered with changed credentials: is it still the same remote? */
export function createVerifier<S>({ store, service, tenants, pauses, wake, report, complain }: VerifierOptions<S>) {
  /** Credentials that were tried, by lane: new ones are tried even if the lane is paused. */
  const tried = new Map<string, string>();
  return verify;

  async function verify(lane: Lane, tenant: Tenant<S>, connection: Connection): Promise<"same" | "moved" | "wait"> {
    const { target, credentials, key } = tenant;
    if (target === undefined || tenant.fingerprint === target.fingerprint) return "same";
    const mark = JSON.stringify(lane);
    if (tried.get(mark) === target.fingerprint && (await pauses.free(lane)).length === 0) return "wait";
    tried.set(mark, target.fingerprint);
    const { generation } = await store.remote(lane.remote);
    const verdict = await verifyRemote(store, connection, lane, service.types);
    // The pause is about credentials that are no longer used.
    if ((await tenants.load(key)) !== tenant) return verifyAgain(key);
    if (verdict.kind === "wait") {
      await pauses.stop(lane, credentials, "*", { ...verdict.problem, scope: "lane" });
      await pauses.free(lane);
      return "wait";
    }
    const named = remoteKey(credentials.organization, credentials.id, target);
    // The same records: the remote keeps its name. Otherwise it is the one that the settings name.
    const remote = verdict.kind === "same" ? lane.remote : named;
    const from = { remote: lane.remote, fingerprint: tenant.fingerprint, generation };
    const renewed = verdict.kind === "other" && remote === lane.remote;
    const done = await store.reassign(key, from, { remote, fingerprint: target.fingerprint, renewed });
    if (done === undefined) return verifyAgain(key);
    report(done.outcomes);
    await pauses.resume({ remote, tenant: key });
    complain(tenant, "connector.configuration.changed", FOUND[verdict.kind]);
    const next = { remote, tenant: key };
    wake(next);
    return remote === lane.remote && verdict.kind !== "other" ? "same" : "moved";
  }

  /** While the service was asked, the tenant was erased, its settings changed, or another job found out. */
  async function verifyAgain(tenantKey: string): Promise<"moved" | "wait"> {
    const tenant = await tenants.load(tenantKey);
    const connection = tenant === undefined ? undefined : tenants.connection(tenant);
    if (tenant?.remote === undefined || connection === undefined) return "wait";
    const lane = { remote: tenant.remote, tenant: tenantKey };
    const found = await verify(lane, tenant, connection);
    wake(lane);
    return found === "wait" ? "wait" : "moved";
  }
}
