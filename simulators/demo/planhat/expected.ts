/** What Planhat must hold at the end, worked out from Hull's people alone and compared with what is there. */
import type { Attributes, Population } from "../../hull";
import { isObject } from "../../loopback/call";
import type { TenantSnapshot } from "../../planhat";
import type { FixtureEnvelope, FixtureMessage } from "./fixtures";

/** The custom field of the mapping. */
export const EMPLOYEES = "Employees";

/** One line of text per record, with all that counts. */
export type Holding = ReadonlySet<string>;

export interface Comparison {
  readonly companies: number;
  readonly endusers: number;
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

/** Planhat changes the case of names, so they are compared without it. */
const nameOf = (value: unknown): unknown => (typeof value === "string" ? value.toLowerCase() : value);
const line = (...parts: readonly unknown[]): string => JSON.stringify(parts.map((part) => part ?? null));

const companyLine = (externalId: unknown, name: unknown, phase: unknown, employees: unknown): string =>
  line("company", externalId, nameOf(name), phase, employees);
const enduserLine = (company: unknown, user: Attributes, position: unknown): string =>
  line("enduser", company, user["email"], user["external_id"], nameOf(user["name"]), position);

/**
 * A user with an e-mail address becomes an enduser of his account, if that has an external id; an account with an
 * external id and a name becomes a company, and so does the account of such a user.
 */
export function expectedHolding({ accounts, users }: Population, fixtures: readonly FixtureEnvelope[]): Holding {
  const people = users.map((user) => enduserLine(accounts[user.accountIndex]?.external_id, user, user.position));
  const companies = accounts.map((account) =>
    companyLine(account.external_id, account.name, account["phase"], account["employees"]),
  );
  return new Set([...people, ...companies, ...fixtureLines(fixtures)]);
}

function fixtureLines(fixtures: readonly FixtureEnvelope[]): readonly string[] {
  const newest = (entity: "user" | "account"): readonly FixtureMessage[] => {
    const messages = fixtures.filter(({ channel }) => channel === `${entity}:update`).flatMap((each) => each.messages);
    const byId = new Map<unknown, FixtureMessage>();
    for (const message of messages) {
      const known = byId.get(message[entity]["id"]);
      if (known === undefined || instantOf(known[entity]) <= instantOf(message[entity])) {
        byId.set(message[entity]["id"], message);
      }
    }
    return [...byId.values()];
  };
  const users = newest("user").filter(({ user, account }) => isText(user["email"]) && isText(account["external_id"]));
  const accounts = newest("account").filter(({ account }) => isText(account["external_id"]) && isText(account["name"]));
  return [
    ...users.map(({ user, account }) => enduserLine(account["external_id"], user, user["traits_position"])),
    ...[...users, ...accounts].map(({ account }) =>
      companyLine(account["external_id"], account["name"], account["phase"], account["employees"]),
    ),
  ];
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

function instantOf(entity: Attributes): number {
  const instant = entity["indexed_at"];
  return typeof instant === "string" ? Date.parse(instant) : 0;
}

/** Compares what Planhat holds, record by record. A record that is there twice is surplus. */
export function compareHolding(expected: Holding, { companies, endusers }: TenantSnapshot): Comparison {
  const externalIds = new Map(companies.map((company) => [company._id, company["externalId"]]));
  const held = [
    ...companies.map((company) => {
      const custom = isObject(company["custom"]) ? company["custom"] : {};
      return companyLine(company["externalId"], company["name"], company["phase"], custom[EMPLOYEES]);
    }),
    ...endusers.map((enduser) => {
      const user = { email: enduser["email"], external_id: enduser["externalId"], name: enduser["name"] };
      return enduserLine(externalIds.get(String(enduser["companyId"])), user, enduser["position"]);
    }),
  ];
  const seen = new Set<string>();
  const surplus = held.filter((each) => {
    const twice = seen.has(each);
    seen.add(each);
    return twice || !expected.has(each);
  });
  return {
    companies: companies.length,
    endusers: endusers.length,
    missing: [...expected].filter((each) => !seen.has(each)),
    surplus,
  };
}
