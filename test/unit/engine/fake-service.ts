/** A service whose settings say where it is, and whose plan sends name and external id of accounts as they are. */
import { reason } from "../../../src/outcome/outcome";
import type { Json } from "../../../src/record";
import { planhatFace } from "../../../src/services/planhat/face";
import { COMPANIES, ENDUSERS, fieldSpec } from "../../../src/services/planhat/object-types";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import type { Connection, ReadBack } from "../../../src/services/connection";
import type { Plan, RemoteRecord } from "../../../src/services/model";
import type { Service } from "../../../src/services/service";
import type { Target } from "../../../src/services/target";

export interface FakeSettings {
  readonly token?: string;
  readonly host: string;
}

export type FakeService = Service<FakeSettings> & { readonly connected: FakeSettings[] };

/** A connection to nowhere: a test says which call it expects. */
export function fakeConnection(calls: Partial<Connection> = {}): Required<Omit<Connection, "check" | "foretell">> {
  const unexpected = (): Promise<never> => Promise.reject(new Error("Nobody expected this call."));
  return {
    prepare: unexpected,
    find: unexpected,
    read: unexpected,
    list: unexpected,
    apply: unexpected,
    inspect: () => Promise.resolve([]),
    fieldOptions: unexpected,
    ...calls,
  };
}

export function remoteRecord(id: string, more: Partial<RemoteRecord> = {}): RemoteRecord {
  return { id, keys: {}, fields: {}, complete: true, ...more };
}

export function readBack(more: Partial<ReadBack> = {}): ReadBack {
  return { records: [], gone: [], ...more };
}

export function createFakeService(): FakeService {
  const connected: FakeSettings[] = [];
  return {
    connected,
    name: "planhat",
    face: planhatFace,
    types: [COMPANIES, ENDUSERS],
    outcomes: OUTCOMES,
    unreachable: "No personal access token is configured",
    readSettings: (stored) => {
      const { token, host = "one" } = stored as { token?: string; host?: string };
      if (host === "") return { ok: false, problems: ["host is empty"] };
      return { ok: true, settings: { host, ...(token === undefined ? {} : { token }) }, warnings: [] };
    },
    checkSettings: ({ token }) => (token === undefined ? [{ level: "setupRequired", text: "There is no token." }] : []),
    checkOutcomes: () => [],
    fieldOptions: (table) => (table === "companies" ? [{ value: "name", label: "Name" }] : undefined),
    target: ({ token, host }): Target | undefined =>
      token === undefined
        ? undefined
        : {
            baseUrl: `https://${host}.example`,
            fingerprint: `${host}/${token.length}/${token.at(-1) ?? ""}`,
            quotaKey: "q",
          },
    unconfirmed: () => "repeat",
    fingerprint: ({ account }) => JSON.stringify([account["name"], account["external_id"], account["planhat/id"]]),
    checks: () => [],
    plan: (message): readonly Plan[] => {
      const { name, external_id } = message.account;
      const own = { type: "companies", hullId: message.id };
      if (typeof external_id !== "string") {
        return [{ ...own, kind: "end", outcome: "skipped", reasons: [reason("missing_account_external_id")] }];
      }
      const fields: Record<string, Json> = { externalId: external_id, ...(name === undefined ? {} : { name }) };
      const hint = message.account["planhat/id"];
      return [
        {
          ...own,
          kind: "record",
          desired: { fields, keys: { externalId: external_id }, cleared: [] },
          claims: { external_id },
          ...(typeof hint === "string" ? { hintId: hint } : {}),
          warnings: [],
        },
      ];
    },
    field: fieldSpec,
    operations: [],
    mappedFields: (type) => (type === "companies" ? ["name", "externalId", "city"] : ["name", "email", "companyId"]),
    fieldSources: () => ({}),
    fetchPolicy: () => ({
      types: [],
      linkToParent: false,
      deletedAttribute: "planhat/deleted_at",
      marksDeleted: false,
    }),
    hullAttribute: (_, field) => `planhat/${field === "_id" ? "id" : field}`,
    chunks: (_, intents) => [intents.map((__, index) => index)],
    connect: (settings) => {
      connected.push(settings);
      return fakeConnection();
    },
  };
}
